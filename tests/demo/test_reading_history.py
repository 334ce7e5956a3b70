"""The weeks before."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from demo.progress import progress_in_book

from readwatch.demo.cast import SimulatedReader, cast
from readwatch.demo.history import PastSession, history

NOW = datetime(2026, 11, 2, 15, 30, tzinfo=UTC)
PEOPLE = cast(60, Random(1))


@lru_cache(maxsize=len(PEOPLE))
def past(reader: SimulatedReader, weeks: float = 6, per_week: float = 45) -> list[PastSession]:
    rng = Random(reader.email)
    return list(history(reader, NOW, weeks, rng, activities_per_week=per_week))


def test_history_is_in_order_and_never_in_the_future() -> None:
    for reader in PEOPLE:
        moment = NOW - timedelta(weeks=6)
        for session in past(reader):
            assert moment <= session.started_at
            moment = session.started_at
            for activity in session.activities:
                assert activity.occurred_at
                assert moment < activity.occurred_at
                moment = activity.occurred_at
            assert moment <= session.last_heartbeat <= session.ended_at <= NOW
            moment = session.ended_at


def test_progress_never_falls_in_history_and_some_people_finish_books() -> None:
    finished = 0
    for reader in PEOPLE:
        reached: dict[str, int] = {}
        for session in past(reader):
            for activity in session.activities:
                book, progress = progress_in_book(activity)
                assert progress >= reached.get(book, 0)
                reached[book] = progress
        finished += sum(progress == 100 for progress in reached.values())
    assert finished >= 10


def test_a_session_ends_where_the_next_one_goes_on() -> None:
    for reader in PEOPLE:
        sessions = past(reader)
        for session in sessions:
            last = session.activities[-1]
            assert session.left_at.book.content_id == last.content_id
            assert session.left_at.page == json.loads(str(last.metadata))["page"]


@pytest.mark.parametrize("per_week", [10, 40, 60, 200])
def test_people_read_about_as_much_as_asked_for(per_week: int) -> None:
    weeks, people = 8, PEOPLE[:20]
    total = sum(
        len(session.activities)
        for reader in people
        for session in past(reader, weeks=weeks, per_week=per_week)
    )
    assert 0.7 * per_week <= total / len(people) / weeks <= 1.2 * per_week


def test_people_sleep_at_night_wherever_they_live() -> None:
    hours = [
        session.started_at.astimezone(ZoneInfo(reader.timezone)).hour
        for reader in PEOPLE
        for session in past(reader)
    ]
    assert not any(1 <= hour <= 4 for hour in hours)
    assert sum(18 <= hour <= 23 for hour in hours) > len(hours) / 3


def test_some_people_are_absent_for_days() -> None:
    gaps = [
        later.started_at - earlier.ended_at
        for reader in PEOPLE
        for sessions in [past(reader, per_week=150)]
        for earlier, later in pairwise(sessions)
    ]
    assert sum(gap > timedelta(days=3) for gap in gaps) >= 5


def test_event_ids_are_unique_over_all_people() -> None:
    events = [a.event_id for reader in PEOPLE for s in past(reader) for a in s.activities]
    assert len(set(events)) == len(events)


def test_history_passes_the_change_of_the_clocks() -> None:
    reader = replace(PEOPLE[0], timezone="America/New_York")
    sessions = list(
        history(reader, datetime(2026, 11, 5, tzinfo=UTC), 2, Random(2), activities_per_week=150)
    )
    assert len(sessions) > 5
    assert all(a.ended_at <= b.started_at for a, b in pairwise(sessions))


def test_no_weeks_are_no_history() -> None:
    assert past(PEOPLE[0], weeks=0) == []
