"""Moments have a time zone, and people are told coarse durations."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from readwatch.domain.clock import ago, in_utc, length_of, midnight, rfc3339, system_clock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
VIENNA = timezone(timedelta(hours=1))


def test_a_naive_datetime_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        in_utc(datetime(2026, 11, 22, 12))  # noqa: DTZ001 - the point of the test


def test_a_moment_elsewhere_is_the_same_moment_in_utc():
    moment = in_utc(datetime(2026, 11, 22, 13, tzinfo=VIENNA))
    assert (moment, moment.tzinfo) == (NOON, UTC)


def test_the_system_clock_is_in_utc():
    assert system_clock().tzinfo is UTC


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-60, "now"),
        (0, "now"),
        (4.999, "now"),
        (5, "5 s"),
        (9.999, "5 s"),
        (59, "55 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86_399, "23 h"),
        (86_400, "1 d"),
        (400 * 86_400, "400 d"),
    ],
)
def test_a_duration_is_said_in_its_largest_whole_unit(seconds, said):
    assert length_of(timedelta(seconds=seconds)) == said


def test_how_long_ago_is_the_distance_to_now_in_whatever_zone():
    assert ago(datetime(2026, 11, 22, 12, 57, tzinfo=VIENNA), NOON) == "3 min"


def test_what_has_not_happened_yet_counts_as_now():
    assert ago(NOON + timedelta(minutes=2), NOON) == "now"


def test_what_never_happened_is_never():
    assert ago(None, NOON) == "never"


@pytest.mark.parametrize(
    ("zone", "began"),
    [
        ("UTC", "2026-10-25T00:00:00+00:00"),
        ("Europe/Vienna", "2026-10-24T22:00:00+00:00"),  # summer time ended at three
        ("America/New_York", "2026-10-25T04:00:00+00:00"),
        ("Asia/Tokyo", "2026-10-25T15:00:00+00:00"),
    ],
)
def test_a_day_begins_at_midnight_where_the_program_runs(monkeypatch, zone, began):
    with monkeypatch.context() as patched:
        patched.setenv("TZ", zone)
        time.tzset()
        found = in_utc(midnight(datetime(2026, 10, 25, 20, tzinfo=UTC)))
    time.tzset()
    assert found.isoformat() == began


@pytest.mark.parametrize("milliseconds", [0, 7, 999])
def test_every_time_for_other_programs_has_the_same_length(milliseconds):
    at = datetime(2026, 11, 30, 8, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert rfc3339(at) == f"2026-11-30T08:00:00.{milliseconds:03}+00:00"
    assert datetime.fromisoformat(rfc3339(at)) == at
