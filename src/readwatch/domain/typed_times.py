"""Times as people type them: `16:00`, `30m`, `tomorrow 9`, `mon 14:30`, `2026-12-24 10:00`."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from readwatch.domain.errors import invalid

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
        times = tuple(_times(" ".join(text.lower().split()), now))
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


def _times(typed: str, now: datetime) -> Iterator[datetime]:
    """Yield the times that a text can mean, the first one first; ValueError if it is none."""
    if duration := _DURATION.fullmatch(typed):
        if int(duration[1]):
            yield now + int(duration[1]) * _UNITS[duration[2]]
        return
    day_name, _, time_text = typed.rpartition(" ")
    clock_time = _CLOCK_TIME.fullmatch(time_text)
    if clock_time is None:
        day_name, at = typed, MORNING
    else:
        at = time(int(clock_time[1]), int(clock_time[2] or 0))
    for day in _days(day_name.removesuffix(" at"), now.astimezone().date()) if typed else ():
        yield datetime.combine(day, at).astimezone()


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
                return first, first + timedelta(days=7)
    return (date.fromisoformat(name),)
