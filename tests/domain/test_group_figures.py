"""The figures of a group come from hours, by the calendar of this machine."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from readwatch.domain.group_figures import (
    HourOfGroup,
    by_day,
    by_progress,
    by_weekday_and_hour,
    days_until,
    first_hour,
    has_figures,
    median_progress,
    peers_of,
    this_week,
    trend,
    weeks_until,
)
from readwatch.domain.text import clean

SUNDAY = date(2026, 11, 22)


def hour(day: int, hour: int, seconds: int, month: int = 11) -> HourOfGroup:
    return HourOfGroup(datetime(2026, month, day, hour, tzinfo=UTC), seconds)


def test_the_days_are_four_weeks_and_today_is_the_last() -> None:
    days = days_until(SUNDAY)
    assert (len(days), days[0], days[-1]) == (28, date(2026, 10, 26), SUNDAY)


def test_an_hour_counts_on_the_day_on_which_it_begins_here(zone: Callable[[str], None]) -> None:
    days = days_until(SUNDAY)
    zone("UTC")
    assert first_hour(datetime(2026, 11, 22, 12, tzinfo=UTC)) == datetime(2026, 10, 26, tzinfo=UTC)
    assert by_day([hour(21, 23, 60), hour(22, 0, 5)], days)[-2:] == (60, 5)
    zone("Pacific/Auckland")
    assert by_day([hour(21, 10, 60), hour(21, 11, 5)], days)[-2:] == (60, 5)


def test_hours_outside_the_days_count_nowhere(zone: Callable[[str], None]) -> None:
    zone("UTC")
    assert sum(by_day([hour(23, 0, 60), hour(25, 23, 60, month=10)], days_until(SUNDAY))) == 0


def test_the_map_has_a_row_for_each_weekday_and_adds_the_same_hour_of_all_weeks(
    zone: Callable[[str], None],
) -> None:
    zone("Asia/Kolkata")  # half an hour off: 14:00 there is 19:30 here
    hours = by_weekday_and_hour([hour(15, 14, 60), hour(22, 14, 5), hour(16, 0, 7)])
    assert [len(day) for day in hours] == [24] * 7
    assert (hours[6][19], hours[0][5]) == (65, 7)
    assert sum(map(sum, hours)) == 72


def test_this_week_is_compared_with_the_week_before_in_whole_hours(
    zone: Callable[[str], None],
) -> None:
    zone("UTC")
    now = datetime(2026, 11, 18, 15, 30, tzinfo=UTC)  # a Wednesday
    hours = [
        hour(8, 23, 1),  # two weeks ago
        *(hour(9, 0, 10), hour(11, 14, 20), hour(11, 15, 1), hour(15, 23, 1)),
        *(hour(16, 0, 10), hour(18, 14, 5), hour(18, 15, 200)),
    ]
    assert this_week(hours, now) == 215
    assert trend(hours, now) == -50
    assert trend(hours[-3:], now) is None


def test_without_progress_there_is_no_median_and_otherwise_it_is_one_of_the_values() -> None:
    assert median_progress([]) is None
    assert median_progress([90, 10, 40, 20]) == 20


def test_each_step_of_progress_begins_with_its_first_percent() -> None:
    assert by_progress([0, 19, 20, 79, 80, 99, 100]) == (2, 1, 0, 1, 3)
    assert by_progress([]) == (0, 0, 0, 0, 0)


def test_a_group_of_three_has_no_figures() -> None:
    assert [has_figures(readers) for readers in (0, 3, 4)] == [False, False, True]


def test_a_reader_is_beside_the_median_of_each_week() -> None:
    weeks = weeks_until(SUNDAY)
    assert [week.monday.day for week in weeks] == [26, 2, 9, 16]
    seconds = {1: (0, 10, 20, 30), 2: (5, 5, 5, 5), 3: (9, 0, 40, 0), 4: (9, 9, 9, 0)}
    peers = peers_of(1, clean("4b"), weeks, seconds)
    assert peers is not None
    assert [(week.seconds, week.median_seconds) for week in peers.weeks] == [
        (0, 5),
        (10, 5),
        (20, 9),
        (30, 0),
    ]


def test_a_reader_is_not_compared_with_a_few_nor_after_leaving() -> None:
    weeks = weeks_until(SUNDAY)
    seconds = {1: (0, 10, 20, 30), 2: (5, 5, 5, 5), 3: (9, 0, 40, 0), 4: (0, 0, 0, 0)}
    assert peers_of(1, clean("4b"), weeks, seconds) is None
    seconds[4] = (0, 0, 0, 1)
    assert peers_of(1, clean("4b"), weeks, seconds) is not None
    assert peers_of(5, clean("4b"), weeks, seconds) is None
