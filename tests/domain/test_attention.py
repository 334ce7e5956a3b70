"""Who may need a consultant: tables of moments and outcomes, and that nothing flaps."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readwatch.domain import attention
from readwatch.domain.arrivals import NO_ARRIVALS, Arrivals, Stop
from readwatch.domain.attention import (
    REASON_KEPT_FOR,
    Held,
    HeldKey,
    Login,
    OpenReader,
    Quiz,
    Reason,
    Rule,
    Thresholds,
    UnfinishedReading,
    cases,
    quiz_result,
    without_flapping,
)
from readwatch.domain.presence import idle_since

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIMITS = Thresholds()
NEVER = timedelta(0)
OFF = Thresholds(
    silent_after=NEVER,
    idle_after=NEVER,
    no_progress_after=NEVER,
    failed_within=NEVER,
    away_for=NEVER,
)


def before(minutes: float = 0, **duration: float) -> datetime:
    return NOON - timedelta(minutes=minutes, **duration)


# The rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "heartbeat", "activity", "silent_from", "idle_from"),
    [
        # minutes ago: the login, the last heartbeat, the last activity
        (60, 0, 1, None, None),
        (60, 3.9, 5, None, None),
        (60, 4, 5, 4, None),
        (60, 29.9, 30, 29.9, None),
        (60, 30, 31, None, None),
        (60, 5, 9.9, 5, None),
        (60, 5, 10, None, None),  # nothing was going on when the silence began
        (60, 20, 5, 5, None),  # an activity is heard, too
        (60, 20, 3, None, None),
        (6, 5, None, 5, None),  # a login is something that goes on
        (60, 1, 14.9, None, None),
        (60, 1, 15, None, 15),
        (300, 1, 119, None, 119),
        (300, 1, 120, None, None),  # gone away from an app that is open
        (14, 1, 500, None, None),  # just logged in
        (16, 1, None, None, 16),
        (60, 4, 20, None, None),  # neither in the middle of anything nor still here
    ],
)
def test_who_is_here_is_silent_or_idle_or_fine(login, heartbeat, activity, silent_from, idle_from):
    done = None if activity is None else before(activity)
    did = idle_since(before(login), done)
    reader = OpenReader(1, last_heartbeat=before(heartbeat), idle_since=did)
    rules = (
        (partial(attention.silent, arrivals=NO_ARRIVALS), Rule.SILENT, silent_from),
        (attention.idle, Rule.IDLE, idle_from),
    )
    for holds, rule, minutes in rules:
        expected = None if minutes is None else Reason(rule, before(minutes))
        assert (rule, holds(reader, NOON, LIMITS)) == (rule, expected)
        assert holds(reader, NOON, OFF) is None


@pytest.mark.parametrize(
    ("stop", "resumed", "is_listed"),
    [
        (None, None, True),
        (Stop(before(5), 30), None, False),
        (None, 3.9, False),  # those who come back need some time for it
        (None, 4, True),
        (Stop(before(5), 30), 60, False),
    ],
)
def test_silence_is_not_listed_while_nearly_all_are_silent(stop, resumed, is_listed):
    arrivals = Arrivals(before(5), stop, None if resumed is None else before(resumed))
    reader = OpenReader(1, last_heartbeat=before(5), idle_since=before(6))
    reason = attention.silent(reader, NOON, LIMITS, arrivals)
    assert reason == (Reason(Rule.SILENT, before(5)) if is_listed else None)


@pytest.mark.parametrize(
    ("hours", "passed", "score", "words"),
    [
        (1, False, 40, "failed quiz (40)"),
        (1, False, None, "failed quiz"),
        (1, False, 95, "failed quiz (95)"),  # the app knows better than our threshold
        (1, True, 40, None),
        (1, None, 59.5, "failed quiz (59.5)"),
        (1, None, 60, None),
        (1, None, None, None),
        (23.9, False, 40, "failed quiz (40)"),
        (24, False, 40, None),
    ],
)
def test_a_quiz_is_failed_when_the_app_says_so_or_the_score_is_low(hours, passed, score, words):
    quiz = Quiz(1, "momo", before(hours=hours), passed, score)
    found = attention.failed_quiz(quiz, NOON, LIMITS)
    assert (found and str(found)) == words
    assert found is None or found.since == quiz.occurred_at
    assert attention.failed_quiz(quiz, NOON, OFF) is None


@pytest.mark.parametrize(
    ("days_away", "hours_here", "words"),
    [
        (14, 0, "back after 14 days"),
        (13.9, 0, None),
        (400, 23.9, "back after 400 days"),
        (400, 24, None),
    ],
)
def test_who_was_away_for_long_is_back_for_a_day(days_away, hours_here, words):
    started_at = before(hours=hours_here)
    login = Login(1, started_at, started_at - timedelta(days=days_away))
    found = attention.came_back(login, NOON, LIMITS)
    assert (found and str(found)) == words
    assert found is None or found.since == started_at
    assert attention.came_back(login, NOON, OFF) is None


@pytest.mark.parametrize(("days", "holds"), [(6.9, False), (7, True), (13.9, True), (14, False)])
def test_no_progress_is_noticed_until_one_has_to_say_that_they_left(days, holds):
    pause = UnfinishedReading(1, before(days=days))
    found = attention.no_progress(pause, NOON, LIMITS)
    assert found == (Reason(Rule.NO_PROGRESS, before(days=days)) if holds else None)
    assert attention.no_progress(pause, NOON, OFF) is None


@pytest.mark.parametrize(
    ("metadata", "result"),
    [
        ({"passed": False, "score": 40}, (False, 40)),
        ('{"passed": true, "score": 99.5}', (True, 99.5)),
        ({"passed": 0, "score": True}, (None, None)),
        ({"passed": "no", "score": "40"}, (None, None)),
        ({"score": 10**400}, (None, None)),
        ({"score": -1}, (None, None)),
        ('{"score": NaN}', (None, None)),
        ('{"score": 1' + "0" * 5000 + "}", (None, None)),
        ("[" * 100_000, (None, None)),
        ("no JSON", (None, None)),
        ("[1]", (None, None)),
        (None, (None, None)),
    ],
)
def test_whatever_an_app_wrote_in_metadata_is_a_result_or_none(metadata, result):
    assert quiz_result(metadata) == result


@settings(max_examples=40)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers(), st.lists))
def test_no_metadata_is_too_odd_to_be_said_in_words(value):
    for metadata in (value, json.dumps(value), {"passed": value, "score": value}):
        quiz = Quiz(1, "momo", NOON, *quiz_result(metadata))
        str(attention.failed_quiz(quiz, NOON, LIMITS))


# What is remembered -------------------------------------------------------------------------------


KEYS = st.sampled_from([(reader, rule) for reader in (1, 2) for rule in (Rule.SILENT, Rule.IDLE)])
LOOKS = st.lists(st.tuples(st.integers(0, 150), st.frozensets(KEYS)), min_size=1, max_size=40)


@given(LOOKS)
def test_what_fired_is_there_at_once_stays_for_its_time_and_goes_when_that_is_over(looks):
    moments = [NOON + timedelta(seconds=s) for s in accumulate(pause for pause, _ in looks)]
    held: dict[HeldKey, Held] = {}
    last_true: dict[HeldKey, datetime] = {}
    for now, (_, true) in zip(moments, looks, strict=True):
        held = without_flapping(held, {key: Reason(key[1], now) for key in true}, now)
        last_true |= dict.fromkeys(true, now)
        assert held.keys() == {key for key, at in last_true.items() if now - at < REASON_KEPT_FOR}


@given(st.lists(st.integers(1, 119), min_size=2, max_size=40))
def test_a_reason_that_comes_and_goes_within_its_time_is_one_row_that_does_not_flap(pauses):
    key, now = (1, Rule.SILENT), NOON
    held: dict[HeldKey, Held] = {}
    for number, seconds in enumerate(pauses):
        now += timedelta(seconds=seconds)
        is_true = number % 2 == 0
        held = without_flapping(held, {key: Reason(Rule.SILENT, now)} if is_true else {}, now)
        assert key in held


def test_a_clock_that_was_set_back_keeps_no_reason_for_ever():
    key = (1, Rule.IDLE)
    held = without_flapping({}, {key: Reason(Rule.IDLE, NOON)}, NOON)
    assert without_flapping(held, {}, NOON - timedelta(days=1)) == {}


# The cases --------------------------------------------------------------------------------------


def test_one_reader_with_two_reasons_is_one_case_ranked_by_the_more_urgent():
    reasons = [
        (1, Reason(Rule.NO_PROGRESS, before(days=8))),
        (1, Reason(Rule.CAME_BACK, before(30), " after 20 days")),
        (2, Reason(Rule.IDLE, before(20))),
        (3, Reason(Rule.IDLE, before(16))),
        (2, Reason(Rule.FAILED_QUIZ, before(hours=5), " (40)")),
    ]
    held = without_flapping({}, {(who, reason.rule): reason for who, reason in reasons}, NOON)
    found = cases(held, {}, {})
    assert [(case.reader_id, str(case), case.since) for case in found] == [
        (2, "failed quiz (40), idle", before(hours=5)),
        (3, "idle", before(16)),
        (1, "back after 20 days, no progress", before(30)),
    ]


def test_of_equal_urgency_the_newest_comes_first():
    held = without_flapping(
        {}, {(n, Rule.SILENT): Reason(Rule.SILENT, before(n)) for n in (7, 5, 6)}, NOON
    )
    assert [case.reader_id for case in cases(held, {}, {})] == [5, 6, 7]
