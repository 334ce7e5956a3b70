"""Times as people type them, in the time zone of the machine."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from readwatch.domain.errors import ReadwatchError
from readwatch.domain.typed_times import (
    EXAMPLES,
    PAST_EXAMPLES,
    coming_time,
    past_time,
    step_back,
    step_on,
)


@pytest.fixture(params=["UTC", "Europe/Vienna", "America/St_Johns"])
def here(request: pytest.FixtureRequest, zone: Callable[[str], None]) -> str:
    """The time zone of the machine."""
    zone(request.param)
    name: str = request.param
    return name


def sunday() -> datetime:
    """Sunday, 22 November 2026, 14:30 here."""
    return datetime(2026, 11, 22, 14, 30).astimezone()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("16:00", "2026-11-22 16:00"),
        ("16", "2026-11-22 16:00"),
        ("14:30", "2026-11-23 14:30"),
        ("9", "2026-11-23 09:00"),
        ("today 15", "2026-11-22 15:00"),
        ("tomorrow", "2026-11-23 08:00"),
        (" Tomorrow  at 9:15 ", "2026-11-23 09:15"),
        ("mon 14:30", "2026-11-23 14:30"),
        ("wednesday", "2026-11-25 08:00"),
        ("sun 18", "2026-11-22 18:00"),
        ("sun 9", "2026-11-29 09:00"),
        ("2026-12-24", "2026-12-24 08:00"),
        ("2026-12-24 23:59", "2026-12-24 23:59"),
    ],
)
def test_a_time_and_a_day_name_the_next_such_moment(here: str, text: str, moment: str) -> None:
    assert f"{coming_time(text, sunday()):%Y-%m-%d %H:%M}" == moment


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("30m", timedelta(minutes=30)),
        ("45 min", timedelta(minutes=45)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_a_duration_counts_from_now(text: str, later: timedelta) -> None:
    assert coming_time(text, sunday()) == sunday() + later


@pytest.mark.parametrize(
    "text",
    ["", "soon", "0m", "24:00", "9:61", "mo", "mon mon", "2026-13-01", "2026-02-30 9", "٣h", "-1h"],
)
def test_another_text_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ReadwatchError) as refused:
        coming_time(text, sunday())
    assert refused.value.message == f"{text!r} is not a time; write for example {EXAMPLES}"
    assert refused.value.field == "until"


@pytest.mark.parametrize("text", ["today 9", "2026-11-21", "2026-11-22 14:30"])
def test_a_moment_that_is_over_is_refused(text: str) -> None:
    with pytest.raises(ReadwatchError, match="is over"):
        coming_time(text, sunday())


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31 23:59"])
def test_a_date_that_no_clock_can_show_crashes_nothing(
    here: str, text: str, zone: Callable[[str], None]
) -> None:
    for name in (here, "Asia/Tokyo", "America/New_York"):
        zone(name)
        with suppress(ReadwatchError):
            assert coming_time(text, sunday()).year == 9999


def test_the_day_after_the_clocks_change_has_the_time_that_they_show(
    zone: Callable[[str], None],
) -> None:
    zone("Europe/Vienna")
    saturday = datetime(2026, 10, 24, 12).astimezone()
    assert coming_time("tomorrow 12", saturday) - saturday == timedelta(hours=25)


# Times of the past.


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("14:00", "2026-11-22 14:00"),
        ("14:29", "2026-11-22 14:29"),
        ("15", "2026-11-21 15:00"),
        ("30m", "2026-11-22 14:00"),
        ("2 w", "2026-11-08 14:30"),
        ("today 9", "2026-11-22 09:00"),
        ("yesterday", "2026-11-21 12:00"),
        (" Yesterday  at 9:15 ", "2026-11-21 09:15"),
        ("mon 9", "2026-11-16 09:00"),
        ("sun 14:00", "2026-11-22 14:00"),
        ("sun 15", "2026-11-15 15:00"),
        ("sunday 12", "2026-11-22 12:00"),
        ("2026-03-30 2:30", "2026-03-30 02:30"),
        ("2025-12-24", "2025-12-24 12:00"),
    ],
)
def test_a_text_names_the_last_such_time(text: str, moment: str) -> None:
    assert past_time(text, sunday()) == datetime.fromisoformat(moment).astimezone()


@pytest.mark.parametrize("text", ["9am", "25:00", "someday", "0m", "99999w", "-1h"])
def test_what_names_no_time_of_the_past_is_refused(text: str) -> None:
    with pytest.raises(ReadwatchError, match="is not a time; write for example 14:00"):
        past_time(text, sunday())


@pytest.mark.parametrize("text", ["tomorrow", "today 15", "2026-12-24"])
def test_a_time_to_come_is_refused(text: str) -> None:
    with pytest.raises(ReadwatchError, match="has not come yet"):
        past_time(text, sunday())


def test_the_examples_of_the_past_are_times_of_the_past() -> None:
    sunday_night = datetime(2026, 11, 29, 23).astimezone()
    for example in PAST_EXAMPLES.replace(" or ", ", ").split(", "):
        at = past_time(example, sunday_night)
        assert at is not None
        assert at < sunday_night


@pytest.mark.usefixtures("here")
def test_steps_go_from_hour_to_hour_until_now() -> None:
    hour, now = timedelta(hours=1), sunday()
    first = step_back(None, hour, now)
    second = step_back(first, hour, now)
    assert (f"{first:%H:%M}", f"{second:%H:%M}") == ("14:00", "13:00")
    assert step_on(second, hour, now) == first
    assert step_on(first, hour, now) is None
    between = first - timedelta(minutes=10)
    assert (step_back(between, hour, now), step_on(between, hour, now)) == (second, first)


@pytest.mark.usefixtures("here")
def test_steps_go_from_day_to_day_until_today() -> None:
    day, now = timedelta(days=1), sunday()
    first = step_back(None, day, now)
    second = step_back(first, day, now)
    assert (f"{first:%a %H:%M}", f"{second:%a %H:%M}") == ("Sat 12:00", "Fri 12:00")
    assert step_on(second, day, now) == first
    assert step_on(first, day, now) is None


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("text", ["", " ", "now", "today", "2026-11-22", "sunday", "14:30"])
def test_today_without_a_time_is_now(text: str) -> None:
    assert past_time(text, sunday()) is None


@pytest.mark.parametrize("text", ["0002-01-02", "1999-12-31 10:00"])
def test_times_before_the_earliest_year_are_refused(text: str) -> None:
    with pytest.raises(ReadwatchError, match="is before 2000"):
        past_time(text, sunday())


def test_steps_end_in_the_earliest_year() -> None:
    at = datetime(1999, 12, 31, 12).astimezone()
    assert step_back(at, timedelta(days=1), sunday()) == at


def test_of_a_repeated_hour_the_last_one_before_now_counts(zone: Callable[[str], None]) -> None:
    zone("America/New_York")
    for hour in (5, 6):
        now = datetime(2026, 11, 1, hour, 30, tzinfo=UTC)
        assert past_time("1:15", now) == datetime(2026, 11, 1, hour, 15, tzinfo=UTC)
