"""Time is UTC and an argument: only the outermost layer reads the system clock."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Clock = Callable[[], datetime]

MAX_CLOCK_DIFFERENCE = timedelta(seconds=30)
"""The most by which the clocks of the machines that use one database may differ."""

COMMITTED_WITHIN = timedelta(seconds=30)
"""The longest time from the arrival of an activity to its commit."""


def system_clock() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def uptime() -> float:
    """Return the seconds since an arbitrary time, including those in which the machine slept."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux counts sleep
    return time.clock_gettime(clock)


def in_utc(at: datetime) -> datetime:
    """Return the same time in UTC; a naive datetime raises ValueError."""
    if at.tzinfo is None:
        raise ValueError("a naive datetime was given; add its time zone")
    return at.astimezone(UTC)


def rfc3339(at: datetime) -> str:
    """Return a time as text for other programs: always with milliseconds, so of one length."""
    return at.isoformat(timespec="milliseconds")


def midnight(now: datetime) -> datetime:
    """Return when the day of `now` began in the time zone of this machine."""
    return start_of_local_day(now.astimezone().date())


def start_of_local_day(day: date) -> datetime:
    """Return when a day begins in the time zone of this machine."""
    return datetime.combine(day, time_of_day()).astimezone()


def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone with a name that an app sent, None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago a time was, in coarse units: `now`, `25 s`, `3 min`."""
    if at is None:
        return "never"
    return length_of(now - at)


def ago_in_words(at: datetime, now: datetime) -> str:
    """Return how long ago a time was, as a sentence ends: `just now`, `3 min ago`."""
    age = ago(at, now)
    return "just now" if age == "now" else f"{age} ago"


def length_of(duration: timedelta) -> str:
    """Return a duration in its largest whole unit: seconds in steps of 5, minutes, hours, days."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds < 5:
        return "now"
    if seconds < 60:
        return f"{seconds // 5 * 5} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} d"
