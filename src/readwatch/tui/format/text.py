"""Small pictures in text, and the words for states: pure functions of what is shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from rich.cells import cell_len

from readwatch.domain.clock import ago
from readwatch.domain.presence import Presence
from readwatch.tui.format.cells import Cell, Tone, Toned

_PRESENCE: dict[Presence, tuple[str, Tone]] = {
    Presence.READING: ("●", "good"),
    Presence.IDLE: ("◐", "muted"),
    Presence.SILENT: ("○", "warn"),
    Presence.LEAVING: ("◌", "bad"),
    Presence.OFFLINE: ("·", "muted"),
}
BARS = "▁▂▃▄▅▆▇█"
SHADES = "·░▒▓█"  # nothing, then ever more
TRAIL = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
AXIS = "│┤└┴─"  # a side, its tick, the corner, the tick of the ground, the ground

_OF_TEXTUAL = "╭╮╰╯─│▔▊▎▏▍▕▐▀←→↑↓⏎•🔎"

ASCII: Mapping[int, str] = {
    ord(mark): twin
    for marks, twins in (
        ("●◐○◌·▲▼▌…━┄\N{MULTIPLICATION SIGN}", "*+o?.^v>~=-x"),
        (BARS, "_.:-=+*#"),
        (f"{SHADES[1:4]}{TRAIL}{AXIS[1:4]}", ":+%>+++"),
        (_OF_TEXTUAL, [*"++++-|-||||||-<>^v<*", "/ "]),
    )
    for mark, twin in zip(marks, twins, strict=True)
}
"""What stands for each mark where there is only ASCII."""


class Drawable(dict[int, str]):
    """A table for `str.translate`: what a terminal of this encoding can draw, in as many cells.

    With `ascii` that is so for marks alone: names keep their letters where the encoding has them.
    """

    def __init__(self, encoding: str, *, ascii: bool) -> None:
        super().__init__(ASCII if ascii else {})
        self._encoding = encoding

    def __missing__(self, code: int) -> str:
        char = chr(code)
        try:
            char.encode(self._encoding)
        except UnicodeEncodeError:
            char = "?" * cell_len(char)
        self[code] = char
        return char


def presence_cell(presence: Presence) -> Toned:
    """Return a state as a mark and a word."""
    mark, tone = _PRESENCE[presence]
    return Toned(f"{mark} {presence}", tone, said=str(presence))


def progress_bar(percentage: int | None, *, width: int = 6) -> Cell:
    """Return reading progress as a bar and a number, of the same length for each value."""
    if percentage is None:
        return ""
    filled = round(width * percentage / 100)
    bar = f"{'━' * filled}{'┄' * (width - filled)} {percentage:>3}%"
    return Toned(bar, None, said=f"{percentage}%")


def sparkline(counts: Sequence[int], width: int) -> str:
    """Return the last `width` counts as a line of bars, the tallest for the largest of them."""
    shown = counts[-width:] if width > 0 else []
    largest = max(shown, default=0)
    if largest == 0:
        return BARS[0] * len(shown)
    return "".join(BARS[(len(BARS) - 1) * count // largest] for count in shown)


def trace_line(counts: Sequence[int]) -> Toned:
    """Return what somebody did lately as a line of bars, blank where that was nothing.

    The bars of all readers have the same scale: each step of it is 5 activities.
    """
    bars = (BARS[min(len(BARS) - 1, (count - 1) // 5)] if count else " " for count in counts)
    return Toned("".join(bars), "accent", said=" ".join(map(str, counts)))


def activity_words(activity_type: str) -> str:
    """Return a type of activity as a person would say it."""
    return activity_type.replace("_", " ")


def minutes_of(duration: timedelta) -> str:
    """Return a duration in whole minutes."""
    return str(max(0, int(duration.total_seconds() // 60)))


def hours_and_minutes(minutes: int) -> str:
    """Return minutes as `1 h 05`, or `45 min` below an hour."""
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min"


def minutes_short(minutes: int) -> str:
    """Return minutes for an axis: `30 min`, `2 h`."""
    return f"{minutes // 60} h" if minutes and minutes % 60 == 0 else f"{minutes} min"


def time_spent(seconds: int) -> str:
    """Return seconds as `50 s` below a minute, else as hours and minutes."""
    return f"{seconds} s" if seconds < 60 else hours_and_minutes(seconds // 60)


def seconds_shown(seconds: int | None) -> str:
    """Return the length of an activity: `45 s`, `3:20`."""
    if seconds is None:
        return ""
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60}:{seconds % 60:02d}"


def time_in_feed(moment: datetime, now: datetime) -> Toned:
    """Return when it was where the consultant is: the time, or the day of what was not today."""
    here, today = moment.astimezone(), now.astimezone().date()
    if here.date() == today:
        shown = f"{here:%H:%M:%S}"
    elif today - here.date() < timedelta(days=7):
        shown = f"{here:%a %H:%M}"
    else:
        shown = f"{here:%d %b}"
    return Toned(shown, None, said=f"{here:%Y-%m-%d %H:%M:%S}")


def repeated_in_feed(times: int, begun_at: datetime, moment: datetime, now: datetime) -> Toned:
    """Return when it was and how often: `14:02-14:40 x4`, or the day of what was not today."""
    begun, last = time_in_feed(begun_at, now), time_in_feed(moment, now)
    here, today = begun_at.astimezone(), now.astimezone().date()
    span = f"{here:%H:%M}-{moment.astimezone():%H:%M}"
    shown = span if here.date() == today else last.text
    return Toned(f"{shown} x{times}", None, said=f"{times} times, {begun.said} to {last.said}")


def how_long_ago(moment: datetime | None, now: datetime) -> str:
    """Return it as a sentence goes on: `7 min ago`, `now`, `never`."""
    words = ago(moment, now)
    return words if words in {"now", "never"} else f"{words} ago"


def day_and_time(moment: datetime) -> str:
    """Return the day and time where the consultant is."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
