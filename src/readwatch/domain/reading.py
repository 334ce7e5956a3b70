"""Reading time per day, by the reader's own calendar."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

Span = tuple[datetime, datetime]
"""The start and the end of a time span, both aware."""

HOURS = 24

WEEKS = 12
"""The number of weeks that the days cover, including the current week."""


@dataclass(frozen=True, slots=True)
class DayOfReading:
    """The time in which sessions were active, on one day of the reader's calendar."""

    day: date
    read: timedelta

    @property
    def minutes(self) -> int:
        """The time in whole minutes."""
        return self.read // timedelta(minutes=1)


def first_day(today: date) -> date:
    """Return the Monday on which the last 12 weeks begin."""
    return today - timedelta(days=today.weekday(), weeks=WEEKS - 1)


def start_of(day: date, zone: tzinfo) -> datetime:
    """Return the start of a day in the time zone `zone`, as a time in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def days_of_reading(
    spans: Iterable[Span], zone: tzinfo, first: date, last: date
) -> tuple[DayOfReading, ...]:
    """Return all days from `first` to `last`.

    Overlapping spans, for example of two devices, count once; a span across midnight is split. A
    day on which the clocks change has 23 or 25 hours.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    starts = [start_of(day, zone) for day in (*days, last + timedelta(days=1))]
    read = [timedelta(0)] * len(days)
    for begun, ended in _merged(spans):
        index = max(0, bisect_right(starts, begun) - 1)
        while index < len(days) and starts[index] < ended:
            read[index] += min(ended, starts[index + 1]) - max(begun, starts[index])
            index += 1
    return tuple(map(DayOfReading, days, read))


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans that cover the same time and do not overlap, the earliest first."""
    merged: Span | None = None
    for begun, ended in sorted(span for span in spans if span[0] < span[1]):
        if merged is None:
            merged = begun, ended
        elif begun <= merged[1]:
            merged = merged[0], max(merged[1], ended)
        else:
            yield merged
            merged = begun, ended
    if merged is not None:
        yield merged


def spans_within(spans: Iterable[Span], since: datetime, until: datetime) -> tuple[Span, ...]:
    """Return the parts of spans from `since` to `until`, merged."""
    parts = ((max(begun, since), min(ended, until)) for begun, ended in spans)
    return tuple(_merged(parts))


def time_of(spans: Iterable[Span]) -> timedelta:
    """Return the length of spans that do not overlap."""
    return sum((ended - begun for begun, ended in spans), timedelta(0))


def minutes_by_hour(spans: Iterable[Span]) -> tuple[int, ...]:
    """Return the minutes of spans that do not overlap in each hour of the day, by the clock of this
    machine: an hour that the clock repeats has up to 120."""
    read = [timedelta(0)] * HOURS
    for begun, ended in spans:
        at = begun
        while at < ended:
            local = at.astimezone()
            into = timedelta(minutes=local.minute, seconds=local.second)
            left = timedelta(hours=1) - into - timedelta(microseconds=local.microsecond)
            until = min(ended, at + left)
            read[local.hour] += until - at
            at = until
    return tuple(-(-time // timedelta(minutes=1)) for time in read)
