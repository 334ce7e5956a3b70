"""A week of reading: its days, and the figures of a report about it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from statistics import median

from readwatch.domain.clock import in_utc, start_of_local_day
from readwatch.domain.errors import invalid
from readwatch.domain.text import SafeText

DAYS = 7


@dataclass(frozen=True, slots=True)
class Week:
    """A week from Monday to Sunday, in the time zone of this machine."""

    monday: date

    def __str__(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def days(self) -> tuple[date, ...]:
        """The seven days."""
        return tuple(self.monday + timedelta(days=day) for day in range(DAYS))

    @property
    def before(self) -> "Week":
        """The week before."""
        return Week(self.monday - timedelta(days=DAYS))

    @property
    def starts(self) -> tuple[datetime, ...]:
        """The start of each day in UTC; a day on which the clocks change has 23 or 25 hours."""
        return tuple(in_utc(start_of_local_day(day)) for day in self.days)

    @property
    def end(self) -> datetime:
        """The start of the next week in UTC."""
        return in_utc(start_of_local_day(self.monday + timedelta(days=DAYS)))


def week_of(day: date) -> Week:
    """Return the week of a day."""
    return Week(day - timedelta(days=day.weekday()))


def parsed_week(text: str) -> Week:
    """Return the week of `2026-W48` or of a date; refuse other texts."""
    try:
        if match := re.fullmatch(r"(\d{4})-W(\d\d)", text, re.ASCII):
            return _checked(Week(date.fromisocalendar(int(match[1]), int(match[2]), 1)))
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return _checked(week_of(date.fromisoformat(text)))
    except (ValueError, OverflowError):
        pass
    raise invalid(f"{text!r} is neither a week such as 2026-W48 nor a date such as 2026-11-23")


def _checked(week: Week) -> Week:
    """Return the week if it and the week before have times in UTC; else raise OverflowError."""
    _ = week.before.starts, week.end
    return week


def a_week_earlier(at: datetime) -> datetime:
    """Return the same time of day seven days earlier, by the calendar of this machine."""
    local = at.astimezone()
    day = local.date() - timedelta(days=DAYS)
    return in_utc(datetime.combine(day, time(local.hour, local.minute, local.second)).astimezone())


# The report -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of one reader: seconds by day, in the week and in the week before.

    `has_read` and `had_read` tell whether there was any activity in each week: apps may report
    activities without a duration.
    """

    reader_id: int
    seconds_by_day: tuple[int, ...]
    seconds_by_day_before: tuple[int, ...]
    has_read: bool
    had_read: bool

    @property
    def seconds(self) -> int:
        """The seconds of the week."""
        return sum(self.seconds_by_day)

    @property
    def seconds_before(self) -> int:
        """The seconds of the week before."""
        return sum(self.seconds_by_day_before)


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures of all readers in one week."""

    readers: int
    seconds: int
    median_seconds: int
    finished: int
    """How often a reader reached the end of a title."""


@dataclass(frozen=True, slots=True)
class TitleRead:
    """A title that a reader read in the week, and the progress of the first and of the furthest
    activity in it; None if the app reports none."""

    title: SafeText
    seconds: int
    progress_from: int | None
    progress_to: int | None


@dataclass(frozen=True, slots=True)
class ReaderOfWeek:
    """A reader in the report, with the titles read for the longest time."""

    full_name: SafeText
    reading_level: SafeText
    reading: Reading
    titles: tuple[TitleRead, ...]
    other_titles: int


@dataclass(frozen=True, slots=True)
class CaseOfWeek:
    """A reader who may need a consultant: the reasons, and the title read last."""

    full_name: SafeText
    reading_level: SafeText
    reasons: SafeText
    since: datetime
    content_title: SafeText
    progress_percentage: int | None


@dataclass(frozen=True, slots=True)
class TitleOfWeek:
    """A title and its readers in the week; `finished` of them reached its end."""

    title: SafeText
    readers: int
    seconds: int
    finished: int


@dataclass(frozen=True, slots=True)
class WeekReport:
    """What a report says. Lists are cut: `other_…` is the number of readers who are left out.

    If the week has not ended, the report goes up to `until`, and the figures of the week before
    up to the same time of it.
    """

    week: Week
    group: SafeText | None
    """The name of the group whose readers it is about; None for all readers."""
    made_at: datetime
    until: datetime
    totals: Totals
    totals_before: Totals
    seconds_by_day: tuple[int, ...]
    seconds_by_day_before: tuple[int, ...]
    minutes_of_readers: tuple[int, ...]
    """The minutes of each reader who has read, in ascending order."""
    cases: tuple[CaseOfWeek, ...]
    other_cases: int
    readers: tuple[ReaderOfWeek, ...]
    other_readers: int
    paused: tuple[ReaderOfWeek, ...]
    """Readers who read in the week before, but not in this one."""
    other_paused: int
    titles: tuple[TitleOfWeek, ...]

    @property
    def has_ended(self) -> bool:
        """Tell whether the week was over when the report was made."""
        return self.until >= self.week.end

    def as_json(self) -> Mapping[str, object]:
        """Return the report as values for JSON."""
        return asdict(self) | {"week": str(self.week), "monday": self.week.monday.isoformat()}


def totals(seconds: Iterable[int], finished: int) -> Totals:
    """Return the figures from the seconds of each reader who has read."""
    every = sorted(seconds)
    return Totals(
        readers=len(every),
        seconds=sum(every),
        median_seconds=round(median(every)) if every else 0,
        finished=finished,
    )
