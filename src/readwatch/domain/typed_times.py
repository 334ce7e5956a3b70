"""Times as people type them: `16:00`, `30m`, `tomorrow 9`, `mon 14:30`, `2026-12-24 10:00`."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from readwatch.domain.clock import in_utc
from readwatch.domain.errors import invalid
from readwatch.domain.week import DAYS

PAST_EXAMPLES = "14:00, 2h, yesterday 14:00, mon 9 or 2026-11-24"

EARLIEST_YEAR = 2000

NOON = time(12)
"""The time of a past day that is named without a time."""

EXAMPLES = "16:00, 30m, 2h, tomorrow, mon 14:30 or 2026-12-24 10:00"

MORNING = time(8)
"""The time of a day that is named without a time."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = re.compile(r"(\d{1,4}) ?(m|min|h|d|w)", re.ASCII)
_CLOCK_TIME = re.compile(r"(\d{1,2})(?::(\d\d))?", re.ASCII)
_SHORTEST_WEEKDAY = 3


def coming_time(text: str, now: datetime) -> datetime:
    """Return the first time after `now` that a text names, in the time zone of this machine.

    A day without a time is its morning. Refuses a text that names none, and a time that is over.
    """
    try:
        times = tuple(_coming_times(_normal(text), now))
    except (ValueError, OverflowError):  # no date or time, or one that no clock can show
        times = ()
    if not times:
        raise invalid(
            f"{text.strip()!r} is not a time; write for example {EXAMPLES}", field="until"
        )
    coming_at = next((at for at in times if at > now), None)
    if coming_at is None:
        raise invalid(f"{text.strip()!r} is over", field="until")
    return coming_at


def past_time(text: str, now: datetime) -> datetime | None:
    """Return the last time before `now` that a text names, in the time zone of this machine; None
    is now, also for today without a time.

    Another day without a time is its noon, and a duration is so long ago. Refuses a text that names
    no time, one that has not come, and one before `EARLIEST_YEAR`.
    """
    typed = _normal(text)
    if typed in {"", "now"}:
        return None
    try:
        times = tuple(_past_times(typed, now))
    except (ValueError, OverflowError):
        times = ()
    if not times:
        raise invalid(f"{text.strip()!r} is not a time; write for example {PAST_EXAMPLES}")
    past = [at for at in times if at <= now]
    if not past:
        raise invalid(f"{text.strip()!r} has not come yet")
    if max(past).year < EARLIEST_YEAR:
        raise invalid(f"{text.strip()!r} is before {EARLIEST_YEAR}")
    return None if max(past) == now else in_utc(max(past))


def step_back(at: datetime | None, step: timedelta, now: datetime) -> datetime:
    """Return the time a step before a time of the past, or before `now`: a full hour, or the noon
    of a day if the step is a day."""
    local = (at or now).astimezone()
    if local.year < EARLIEST_YEAR:
        return local
    if step >= timedelta(days=1):
        return _local(local.date() - step, NOON)
    on_the_hour = local.replace(minute=0, second=0, microsecond=0)
    return on_the_hour if on_the_hour < local else on_the_hour - step


def step_on(at: datetime, step: timedelta, now: datetime) -> datetime | None:
    """Return the time a step after a time of the past, as in `step_back`; None is now."""
    local = at.astimezone()
    if step >= timedelta(days=1):
        following = _local(local.date() + step, NOON)
        return following if following.date() < now.astimezone().date() else None
    following = local.replace(minute=0, second=0, microsecond=0) + step
    return following if following < now else None


def _coming_times(typed: str, now: datetime) -> Iterator[datetime]:
    """Yield the times to come that a text can mean, the first one first; ValueError for none."""
    if duration := _DURATION.fullmatch(typed):
        if int(duration[1]):
            yield now + int(duration[1]) * _UNITS[duration[2]]
        return
    day_name, at = _day_and_time(typed, MORNING)
    for day in _days(day_name, now.astimezone().date()) if typed else ():
        yield _local(day, at)


def _past_times(typed: str, now: datetime) -> Iterator[datetime]:
    """Yield the times of the past that a text can mean; ValueError for none."""
    if duration := _DURATION.fullmatch(typed):
        if int(duration[1]):
            yield now - int(duration[1]) * _UNITS[duration[2]]
        return
    today = now.astimezone().date()
    day_name, at = _day_and_time(typed, NOON)
    for day in _past_days(day_name, today):
        if day == today and day_name == typed:
            yield now
        else:  # the clock repeats an hour once a year
            yield from (_local(day, at.replace(fold=fold)) for fold in (0, 1))


def _normal(text: str) -> str:
    return " ".join(text.lower().split())


def _local(day: date, at: time) -> datetime:
    return datetime.combine(day, at).astimezone()


def _day_and_time(typed: str, usual: time) -> tuple[str, time]:
    """Return the name of a day, which may be empty, and a time, `usual` if there is none."""
    day_name, _, time_text = typed.rpartition(" ")
    clock_time = _CLOCK_TIME.fullmatch(time_text)
    if clock_time is None:
        return typed, usual
    return day_name.removesuffix(" at"), time(int(clock_time[1]), int(clock_time[2] or 0))


def _past_days(name: str, today: date) -> tuple[date, ...]:
    """Return the days of the past that a name can mean; no name is today or yesterday."""
    yesterday = today - timedelta(days=1)
    match name:
        case "":
            return today, yesterday
        case "yesterday":
            return (yesterday,)
    days = _days(name, today)
    is_weekday = len(days) > 1
    return tuple(day - timedelta(days=DAYS) for day in days) if is_weekday else days


def _days(name: str, today: date) -> tuple[date, ...]:
    """Return the days that a name can mean, the first one first; no name is today or tomorrow."""
    tomorrow = today + timedelta(days=1)
    match name:
        case "":
            return today, tomorrow
        case "today":
            return (today,)
        case "tomorrow":
            return (tomorrow,)
    if len(name) >= _SHORTEST_WEEKDAY:
        for number, weekday in enumerate(_WEEKDAYS):
            if weekday.startswith(name):
                first = today + timedelta(days=(number - today.weekday()) % 7)
                return first, first + timedelta(days=DAYS)
    return (date.fromisoformat(name),)
