"""How one reader behaves."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from demo.progress import progress_in_book

from readwatch.demo.cast import Habit, SimulatedReader, cast
from readwatch.demo.crowd import as_sent
from readwatch.demo.habits import (
    DEMO,
    PASS_MARK,
    PLAIN,
    AppRequest,
    BookPosition,
    Phase,
    Rhythm,
    Signal,
    begin,
    read_on,
    somewhere,
    step,
)
from readwatch.domain.activities import Activity
from readwatch.domain.presence import IDLE_AFTER, SILENT_AFTER

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ANNA = replace(cast(1, Random(1))[0], habit=Habit.STEADY)


def life(
    reader: SimulatedReader,
    rhythm: Rhythm,
    seconds: float,
    seed: int = 1,
    heartbeat_seconds: float = 60,
) -> Iterator[tuple[datetime, AppRequest, Phase]]:
    """Everything that one reader does within `seconds`, with the phase they are in after it."""
    rng = Random(seed)
    reading = begin(reader, rhythm, NOON, rng)
    while (now := reading.due) < NOON + timedelta(seconds=seconds):
        reading, requests = step(reading, now, rng)
        for request in requests:
            if request is Signal.LOGIN:
                reading = reading.with_heartbeat_interval(heartbeat_seconds, now)
            yield now, request, reading.phase


def activities_of(
    reader: SimulatedReader, rhythm: Rhythm, seconds: float, seed: int = 1
) -> list[Activity]:
    return [a for _, a, _ in life(reader, rhythm, seconds, seed) if isinstance(a, Activity)]


def test_nothing_happens_before_it_is_due() -> None:
    reading = begin(ANNA, DEMO, NOON, Random(1))
    assert step(reading, NOON - timedelta(microseconds=1), Random(1)) == (reading, ())


def test_in_the_plain_rhythm_everybody_only_reads() -> None:
    for habit in Habit:
        reader = replace(ANNA, habit=habit)
        requests = [request for _, request, _ in life(reader, PLAIN, 3600)]
        assert requests[0] is Signal.LOGIN
        assert requests.count(Signal.LOGIN) == 1
        assert Signal.LOGOUT not in requests
        assert requests.count(Signal.HEARTBEAT) == 59, "one a minute"
        assert 340 <= sum(isinstance(request, Activity) for request in requests) <= 380


def test_heartbeats_come_as_often_as_the_server_says() -> None:
    beats = [
        at
        for at, request, _ in life(ANNA, PLAIN, 100, heartbeat_seconds=7)
        if request is Signal.HEARTBEAT
    ]
    assert beats == [NOON + timedelta(seconds=7 * n) for n in range(1, 15)]


def test_a_reader_who_pauses_still_sends_heartbeats() -> None:
    reader = replace(ANNA, habit=Habit.PAUSES)
    story = list(life(reader, DEMO, 600, heartbeat_seconds=5))
    assert any(a is Signal.HEARTBEAT and phase is Phase.PAUSED for _, a, phase in story)
    assert not any(isinstance(a, Activity) and phase is Phase.PAUSED for _, a, phase in story)


def test_a_reader_who_falls_silent_sends_nothing_until_they_are_back() -> None:
    reader = replace(ANNA, habit=Habit.FALLS_SILENT)
    rng = Random(1)
    reading = begin(reader, DEMO, NOON, rng)
    while reading.phase is not Phase.SILENT:
        now = reading.due
        reading, requests = step(reading, now, rng)
    assert Signal.LOGOUT not in requests
    assert reading.due == reading.phase_ends_at > now + timedelta(seconds=10)
    reading, requests = step(reading, reading.due, rng)
    assert (reading.phase, requests) == (Phase.READING, (Signal.HEARTBEAT,))


def test_a_reader_who_leaves_logs_out_and_logs_in_again() -> None:
    reader = replace(ANNA, habit=Habit.COMES_BACK)
    signals = [a for _, a, _ in life(reader, DEMO, 900) if a in (Signal.LOGIN, Signal.LOGOUT)]
    assert signals[:4] == [Signal.LOGIN, Signal.LOGOUT, Signal.LOGIN, Signal.LOGOUT]


def test_a_quiz_taker_finishes_quizzes_and_sometimes_fails() -> None:
    reader = replace(ANNA, habit=Habit.QUIZ_TAKER)
    read = activities_of(reader, DEMO, 7200)
    kinds = [activity.activity_type for activity in read]
    assert 0 <= kinds.count("quiz_started") - kinds.count("quiz_completed") <= 1
    quizzes = [json.loads(str(a.metadata)) for a in read if a.activity_type == "quiz_completed"]
    assert {quiz["passed"] for quiz in quizzes} == {True, False}
    for quiz in quizzes:
        score = quiz["score"]
        assert isinstance(score, int)
        assert quiz["passed"] == (score >= PASS_MARK)
    assert {quiz["attempt"] for quiz in quizzes} == {1, 2}


def test_the_kinds_of_activity_are_those_of_the_contract() -> None:
    kinds = {a.activity_type for a in activities_of(ANNA, Rhythm(stride=5), 36_000)}
    assert kinds == {
        "page_read",
        "bookmark_added",
        "annotation",
        "quiz_started",
        "quiz_completed",
        "chapter_finished",
    }


@pytest.mark.parametrize("habit", Habit)
def test_progress_never_falls_within_a_book_and_finished_books_lead_to_others(habit: Habit) -> None:
    reached: dict[str, int] = {}
    reader = replace(ANNA, habit=habit)
    order = []
    for activity in activities_of(reader, Rhythm(speed=20, stride=40), 20_000):
        book, progress = progress_in_book(activity)
        if book not in reached:
            order.append(book)
        assert book == order[-1], "one book at a time"
        assert progress >= reached.get(book, 0)
        reached[book] = progress
    assert len(order) > 1
    assert all(reached[content_id] == 100 for content_id in order[:-1])


def test_activities_keep_to_the_limits_of_the_contract() -> None:
    for reader in cast(60, Random(7)):
        for activity in activities_of(reader, DEMO, 600):
            sent = json.loads(json.dumps(as_sent(activity)))
            assert re.fullmatch(r"[a-z][a-z0-9_]{0,49}", sent["activity_type"])
            assert 0 < len(sent["content_id"]) <= 255
            assert 0 < len(sent["content_title"]) <= 500
            assert 0 <= sent["progress_percentage"] <= 100
            assert 0 <= sent["duration_seconds"] <= 86_400
            assert isinstance(sent["metadata"], dict)
            assert len(json.dumps(sent["metadata"])) <= 16 * 1024
            assert 0 < len(sent["event_id"]) <= 64
            assert datetime.fromisoformat(sent["occurred_at"]).utcoffset() is not None


def test_durations_stay_in_range_after_a_very_long_wait() -> None:
    position = somewhere(ANNA, Random(1))
    for seed in range(50):
        _, activity = read_on(ANNA, position, NOON, 10.0**9, 1, Random(seed))
        assert activity.duration_seconds is not None
        assert activity.duration_seconds <= 86_400


def test_event_ids_are_unique_and_grow_with_time() -> None:
    events = [str(activity.event_id) for activity in activities_of(ANNA, PLAIN, 36_000)]
    assert len(set(events)) == len(events)
    assert sorted(events) == events


def test_a_second_run_with_the_same_seed_repeats_no_event_id() -> None:
    position = BookPosition(somewhere(ANNA, Random(1)).book)
    _, first = read_on(ANNA, position, NOON, 10, 1, Random(3))
    _, second = read_on(ANNA, position, NOON + timedelta(seconds=1), 10, 1, Random(3))
    assert first.event_id != second.event_id


def test_one_seed_gives_one_life() -> None:
    reader = replace(ANNA, habit=Habit.BURSTS)
    assert list(life(reader, DEMO, 300, seed=8)) == list(life(reader, DEMO, 300, seed=8))


@pytest.mark.parametrize(
    ("habit", "phase", "seen_after"),
    [
        (Habit.PAUSES, Phase.PAUSED, IDLE_AFTER),
        (Habit.FALLS_SILENT, Phase.SILENT, SILENT_AFTER),
    ],
)
def test_half_of_the_silences_and_some_pauses_last_until_a_consultant_notices(
    habit: Habit, phase: Phase, seen_after: timedelta
) -> None:
    lengths = []
    for seed in range(40):
        rng = Random(seed)
        reading = begin(replace(ANNA, habit=habit), DEMO, NOON, rng)
        while reading.phase is not phase:
            now = reading.due
            reading, _ = step(reading, now, rng)
        lengths.append(reading.phase_ends_at - now)
    noticed = sum(length > seen_after for length in lengths)
    assert noticed >= (20 if phase is Phase.SILENT else 5)


def test_two_hundred_readers_are_a_lively_demo_with_every_phase_from_the_second_minute_on() -> None:
    rng = Random(9)
    readers = cast(200, rng)
    crowd = [
        begin(reader, DEMO, NOON + timedelta(seconds=number / 50), rng)
        for number, reader in enumerate(readers)
    ]
    done: Counter[int] = Counter()
    for half_minute in range(1, 21):
        until = NOON + timedelta(seconds=30 * half_minute)
        for number, reading in enumerate(crowd):
            while (now := reading.due) < until:
                reading, requests = step(reading, now, rng)
                done[half_minute] += sum(isinstance(request, Activity) for request in requests)
            crowd[number] = reading
        phases = Counter(reading.phase for reading in crowd)
        assert phases[Phase.READING] >= 80, phases
        assert half_minute < 4 or min(phases[phase] for phase in Phase) >= 5, phases
    assert all(8 <= number / 30 <= 30 for number in done.values()), done
