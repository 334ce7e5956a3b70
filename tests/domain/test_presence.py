"""Presence changes at fixed moments, to the microsecond."""

from datetime import UTC, datetime, timedelta

import pytest

from readwatch.domain.presence import Presence, idle_since, presence_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
JUST = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("silence", "presence"),
    [
        (timedelta(0), Presence.READING),
        (timedelta(seconds=150) - JUST, Presence.READING),
        (timedelta(seconds=150), Presence.SILENT),
        (timedelta(minutes=4) - JUST, Presence.SILENT),
        (timedelta(minutes=4), Presence.LEAVING),
        (timedelta(minutes=5) - JUST, Presence.LEAVING),
        (timedelta(minutes=5), Presence.OFFLINE),
        (timedelta(days=400), Presence.OFFLINE),
        (timedelta(seconds=-30), Presence.READING),
    ],
    ids=str,
)
def test_presence_follows_the_silence_since_the_last_heartbeat(silence, presence):
    assert presence_of(NOW - silence, NOW, NOW) is presence


@pytest.mark.parametrize(
    ("pause", "presence"),
    [
        (timedelta(0), Presence.READING),
        (timedelta(minutes=3) - JUST, Presence.READING),
        (timedelta(minutes=3), Presence.IDLE),
    ],
    ids=str,
)
def test_a_reader_who_is_here_and_does_nothing_is_idle(pause, presence):
    assert presence_of(NOW, NOW - pause, NOW) is presence


def ago(minutes: float | None) -> datetime | None:
    return None if minutes is None else NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("login", "activity", "idle"),
    [(2, None, 2), (None, 2, 2), (2, 4000, 2), (90, 1, 1), (5, 5, 5), (None, None, None)],
)
def test_a_reader_is_idle_since_the_later_of_login_and_activity(login, activity, idle):
    assert idle_since(ago(login), ago(activity)) == ago(idle)


@pytest.mark.parametrize(
    ("login", "activity", "presence"),
    [
        (2, None, Presence.READING),
        (2, 4000, Presence.READING),
        (10, None, Presence.IDLE),
        (10, 9, Presence.IDLE),
        (10, 1, Presence.READING),
    ],
)
def test_a_login_counts_as_something_done_for_three_minutes(login, activity, presence):
    assert presence_of(NOW, idle_since(ago(login), ago(activity)), NOW) is presence


def test_a_reader_who_never_did_anything_is_idle():
    assert presence_of(NOW, None, NOW) is Presence.IDLE


def test_a_reader_without_a_heartbeat_is_offline_whatever_was_done():
    assert presence_of(None, NOW, NOW) is Presence.OFFLINE


def test_an_overdue_heartbeat_says_more_than_an_activity():
    assert presence_of(NOW - timedelta(seconds=200), NOW, NOW) is Presence.SILENT
