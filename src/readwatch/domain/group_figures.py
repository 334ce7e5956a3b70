"""What is known of the reading of a group: sums of all its readers, of whom none is named.

An hour of reading counts in the day and the week in which it begins, in the time zone of this
machine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median_low

from readwatch.domain.audit import FEW_READERS
from readwatch.domain.clock import in_utc, start_of_local_day
from readwatch.domain.text import SafeText
from readwatch.domain.week import DAYS, Week, a_week_earlier, week_of

WEEKS = 4
"""The number of weeks that the figures of a group cover."""

HOURS = 24
PROGRESS_STEPS = 5
"""A distribution of progress has so many steps of equal size."""


@dataclass(frozen=True, slots=True)
class HourOfGroup:
    """The seconds that the readers of a group read in the hour that began at a time."""

    began_at: datetime
    seconds: int


@dataclass(frozen=True, slots=True)
class GroupReading:
    """How much and how far the active readers of a group read.

    `seconds_by_day` has the last `WEEKS` weeks, today last. `trend` is the change in percent of
    this week against the week before up to the same time, in whole hours; None after a week without
    reading. `median_progress` is that of the titles that the readers read last, at any time; None
    before any progress.
    """

    read_today: int
    seconds_by_day: tuple[int, ...]
    seconds_this_week: int
    trend: int | None
    median_progress: int | None


@dataclass(frozen=True, slots=True)
class TitleOfGroup:
    """A title, and how many readers of a group have read it in the last weeks."""

    title: SafeText
    readers: int


@dataclass(frozen=True, slots=True)
class GroupDetail:
    """When and what the active readers of a group have read in the last `WEEKS` weeks, and how far.

    `seconds_by_hour` has a row for each weekday, Monday first, with a value for each hour of the
    day. `readers_by_progress` is the distribution of the progress in the titles read last.
    """

    group_id: int
    name: SafeText
    days: tuple[date, ...]
    seconds_by_day: tuple[int, ...]
    seconds_by_hour: tuple[tuple[int, ...], ...]
    titles: tuple[TitleOfGroup, ...]
    readers_by_progress: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WeekOfPeers:
    """The seconds that a reader read in a week, and the median of all readers of the group."""

    monday: date
    seconds: int
    median_seconds: int


@dataclass(frozen=True, slots=True)
class Peers:
    """The last `WEEKS` weeks of a reader beside the group; this week is the last."""

    group_name: SafeText
    weeks: tuple[WeekOfPeers, ...]


def has_figures(readers: int) -> bool:
    """Tell whether so many readers are enough for figures: those of a few would be data about each
    of them."""
    return readers > FEW_READERS


def days_until(today: date) -> tuple[date, ...]:
    """Return the days of the last `WEEKS` weeks, today last."""
    length = WEEKS * DAYS
    return tuple(today - timedelta(days=length - 1 - day) for day in range(length))


def first_hour(now: datetime) -> datetime:
    """Return when the first of these days began."""
    return start_of_local_day(days_until(now.astimezone().date())[0])


def by_day(hours: Iterable[HourOfGroup], days: Sequence[date]) -> tuple[int, ...]:
    """Return the seconds of each day."""
    seconds = dict.fromkeys(days, 0)
    for hour in hours:
        day = hour.began_at.astimezone().date()
        if day in seconds:
            seconds[day] += hour.seconds
    return tuple(seconds.values())


def by_weekday_and_hour(hours: Iterable[HourOfGroup]) -> tuple[tuple[int, ...], ...]:
    """Return the seconds of each hour of the day, in a row for each weekday, Monday first."""
    seconds = [[0] * HOURS for _ in range(DAYS)]
    for hour in hours:
        local = hour.began_at.astimezone()
        seconds[local.weekday()][local.hour] += hour.seconds
    return tuple(map(tuple, seconds))


def weeks_until(today: date) -> tuple[Week, ...]:
    """Return the last `WEEKS` weeks, that of today last."""
    week = week_of(today)
    return tuple(Week(week.monday - timedelta(weeks=ago)) for ago in reversed(range(WEEKS)))


def peers_of(
    reader_id: int, name: SafeText, weeks: Sequence[Week], seconds: Mapping[int, Sequence[int]]
) -> Peers | None:
    """Return a reader beside the group; `seconds` has those of each week by reader.

    None if only a few have read in these weeks, or if the reader is not among the active ones.
    """
    if reader_id not in seconds or not has_figures(sum(map(any, seconds.values()))):
        return None
    medians = (median_low(of_week) for of_week in zip(*seconds.values(), strict=True))
    own = seconds[reader_id]
    return Peers(
        name,
        tuple(
            WeekOfPeers(week.monday, of_reader, median)
            for week, of_reader, median in zip(weeks, own, medians, strict=True)
        ),
    )


def this_week(hours: Iterable[HourOfGroup], now: datetime) -> int:
    """Return the seconds of this week."""
    began = week_of(now.astimezone().date()).starts[0]
    return sum(hour.seconds for hour in hours if hour.began_at >= began)


def trend(hours: Iterable[HourOfGroup], now: datetime) -> int | None:
    """Return the change of this week against the week before in percent, None after nothing.

    Both weeks count up to the hour of `now`, which has not ended.
    """
    week = week_of(now.astimezone().date())
    began, began_before = week.starts[0], week.before.starts[0]
    until, until_before = _hour_of(now), _hour_of(a_week_earlier(now))
    seconds = before = 0
    for hour in hours:
        seconds += hour.seconds if began <= hour.began_at < until else 0
        before += hour.seconds if began_before <= hour.began_at < until_before else 0
    return round(100 * (seconds - before) / before) if before else None


def _hour_of(at: datetime) -> datetime:
    return in_utc(at).replace(minute=0, second=0, microsecond=0)


def median_progress(percentages: Iterable[int]) -> int | None:
    """Return the median of readers' progress, one of their values; None if there is none."""
    values = sorted(percentages)
    return median_low(values) if values else None


def by_progress(percentages: Iterable[int]) -> tuple[int, ...]:
    """Return the number of readers in each step of progress: 0 to 19 %, ..., 80 to 100 %."""
    readers = [0] * PROGRESS_STEPS
    for percentage in percentages:
        readers[min(percentage * PROGRESS_STEPS // 100, PROGRESS_STEPS - 1)] += 1
    return tuple(readers)
