"""Values as short text: states, bars, sparklines, durations and times."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from rich.cells import cell_len

from readwatch.domain.clock import ago
from readwatch.domain.presence import Presence
from readwatch.tui.format.cells import Cell, Tone, TonedText

_PRESENCE: dict[Presence, tuple[str, Tone]] = {
    Presence.READING: ("●", "good"),
    Presence.IDLE: ("◐", "muted"),
    Presence.SILENT: ("○", "warn"),
    Presence.LEAVING: ("◌", "bad"),
    Presence.OFFLINE: ("·", "muted"),
}
BARS = "▁▂▃▄▅▆▇█"
LOW_BARS = BARS[:-1]
"""The bars of a chart in one row: a gap stays to the row above."""
BLOCK_STEPS = len(BARS)
SHADES = "·░▒▓█"  # from empty to full
BREADCRUMB = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
AXIS = "│┤└┴─"  # vertical, its tick, the corner, the horizontal tick, horizontal

_DAYS_A_WEEK = 7
_DAYS_OF_A_MONTH_NAME = 300
_HIGHEST_TREND = 999

_OF_TEXTUAL = "╭╮╰╯─│▔▊▎▏▍▕▐▀←→↑↓⏎•🔎"

ASCII: Mapping[int, str] = {
    ord(mark): twin
    for marks, twins in (
        ("●◐○◌·▲▼▌…━┄\N{MULTIPLICATION SIGN}", "*+o?.^v>~=-x"),
        (BARS, "_.:-=+*#"),
        (f"{SHADES[1:4]}{BREADCRUMB}{AXIS[1:4]}", ":+%>+++"),
        (_OF_TEXTUAL, [*"++++-|-||||||-<>^v<*", "/ "]),
    )
    for mark, twin in zip(marks, twins, strict=True)
}
"""The ASCII replacement of each symbol."""


class DrawableCharacters(dict[int, str]):
    """A table for `str.translate` that replaces characters by others of the same width.

    It replaces characters that the encoding lacks and, with `ascii`, all symbols; letters that the
    encoding has stay.
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


def presence_mark(presence: Presence) -> TonedText:
    """Return a presence as a symbol."""
    mark, tone = _PRESENCE[presence]
    return TonedText(mark, tone, plain=str(presence))


def presence_cell(presence: Presence) -> TonedText:
    """Return a presence as a symbol and a word."""
    mark = presence_mark(presence)
    return TonedText(f"{mark.text} {presence}", mark.tone, plain=mark.plain)


def progress_bar(percentage: int | None, *, width: int = 6) -> Cell:
    """Return reading progress as a bar and a number, of constant length."""
    if percentage is None:
        return ""
    filled = round(width * percentage / 100)
    bar = f"{'━' * filled}{'┄' * (width - filled)} {percentage:>3}%"
    return TonedText(bar, None, plain=f"{percentage}%")


def bar_block(value: int, top: int, line: int, lines: int) -> str:
    """Return the block in a line of a bar that has `lines` lines if the value is `top`; the top
    line is 0. A value of at least 1 is visible."""
    eighths = max(min(value, 1), round(lines * BLOCK_STEPS * min(value, top) / top))
    full = eighths - BLOCK_STEPS * (lines - 1 - line)
    return BARS[min(full, BLOCK_STEPS) - 1] if full > 0 else " "


def sparkline(counts: Sequence[int], width: int) -> str:
    """Return the last `width` counts as a line of bars, scaled to the largest of them."""
    latest = counts[-width:] if width > 0 else []
    largest = max(latest, default=0)
    if largest == 0:
        return LOW_BARS[0] * len(latest)
    return "".join(LOW_BARS[(len(LOW_BARS) - 1) * count // largest] for count in latest)


def recent_activity_line(counts: Sequence[int]) -> TonedText:
    """Return a reader's recent activity counts as a line of bars, blank for no activity.

    The scale is the same for all readers: each step is 5 activities.
    """
    highest = len(LOW_BARS) - 1
    bars = (LOW_BARS[min(highest, (count - 1) // 5)] if count else " " for count in counts)
    return TonedText("".join(bars), "accent", plain=" ".join(map(str, counts)))


def trend(percent: int | None) -> str:
    """Return a change in percent: `▲ 21 %`, `▼ 6 %`, `0 %`; empty text if it is not known."""
    if not percent:
        return "" if percent is None else "0 %"
    number = min(abs(percent), _HIGHEST_TREND)
    return f"{'▲' if percent > 0 else '▼'} {number} %"


def type_in_words(activity_type: str) -> str:
    """Return the type of an activity, or an action, in words."""
    return activity_type.replace("_", " ")


def whole_minutes(duration: timedelta) -> str:
    """Return a duration in whole minutes."""
    return str(max(0, int(duration.total_seconds() // 60)))


def hours_and_minutes(minutes: int) -> str:
    """Return minutes as `1 h 05`, or `45 min` below an hour."""
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min"


def minutes_short(minutes: int) -> str:
    """Return minutes for an axis: `30 min`, `2 h`."""
    return f"{minutes // 60} h" if minutes and minutes % 60 == 0 else f"{minutes} min"


def time_spent(seconds: int) -> str:
    """Return seconds as `50 s` below a minute, otherwise as hours and minutes."""
    return f"{seconds} s" if seconds < 60 else hours_and_minutes(seconds // 60)


def activity_length(seconds: int | None) -> str:
    """Return the length of an activity: `45 s`, `3:20`."""
    if seconds is None:
        return ""
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60}:{seconds % 60:02d}"


def time_in_feed(occurred_at: datetime, now: datetime) -> TonedText:
    """Return the local time of an activity, or its day if it was not today."""
    here, today = occurred_at.astimezone(), now.astimezone().date()
    if here.date() == today:
        short = f"{here:%H:%M:%S}"
    elif today - here.date() < timedelta(days=7):
        short = f"{here:%a %H:%M}"
    else:
        short = f"{here:%d %b}"
    return TonedText(short, None, plain=f"{here:%Y-%m-%d %H:%M:%S}")


def repeated_in_feed(times: int, begun_at: datetime, last_at: datetime, now: datetime) -> TonedText:
    """Return the local time span and the count, `14:02-14:40 x4`; the day if it was not today."""
    begun, last = time_in_feed(begun_at, now), time_in_feed(last_at, now)
    here, today = begun_at.astimezone(), now.astimezone().date()
    span = f"{here:%H:%M}-{last_at.astimezone():%H:%M}"
    short = span if here.date() == today else last.text
    return TonedText(
        f"{short} x{times}", None, plain=f"{times} times, {begun.plain} to {last.plain}"
    )


def how_long_ago(at: datetime | None, now: datetime) -> str:
    """Return the time since `at`: `7 min ago`, `now`, `never`."""
    words = ago(at, now)
    return words if words in {"now", "never"} else f"{words} ago"


def short_time(at: datetime, now: datetime) -> str:
    """Return a local time as people say it: `14:28` today, `tomorrow 09:00`, `Fri 14:28` within a
    week, then `12 Nov`, and the year if it is another one."""
    here, today = at.astimezone(), now.astimezone().date()
    days = (here.date() - today).days
    match days:
        case -1:
            return f"yesterday {here:%H:%M}"
        case 0:
            return f"{here:%H:%M}"
        case 1:
            return f"tomorrow {here:%H:%M}"
    if abs(days) < _DAYS_A_WEEK:
        return f"{here:%a %H:%M}"
    return f"{here.day} {here:%b}" if here.year == today.year else f"{here.day} {here:%b %Y}"


def short_day(at: datetime, now: datetime) -> str:
    """Return a local day as people say it: `yesterday`, `Fri` within a week, then `12 Nov`, and the
    year if it is another one."""
    here, today = at.astimezone(), now.astimezone().date()
    days = (today - here.date()).days
    if days <= 1:
        return "yesterday" if days else "today"
    if days < _DAYS_A_WEEK:
        return f"{here:%a}"
    return f"{here.day} {here:%b}" if here.year == today.year else f"{here.day} {here:%b %Y}"


def time_in_table(at: datetime, now: datetime) -> TonedText:
    """Return a local time without what the rows have in common: `14:28` today, `Fri 14:28` within a
    week, then `12 Nov 14:28`, and `12 Nov 2025` when the name of a month may not be enough."""
    here, today = at.astimezone(), now.astimezone().date()
    days = (today - here.date()).days
    if days == 0:
        short = f"{here:%H:%M}"
    elif 0 < days < _DAYS_A_WEEK:
        short = f"{here:%a %H:%M}"
    elif abs(days) < _DAYS_OF_A_MONTH_NAME:
        short = f"{here.day} {here:%b %H:%M}"
    else:
        short = f"{here.day} {here:%b %Y}"
    return TonedText(short, None, plain=day_and_time(at))


def day_in_words(at: datetime) -> str:
    """Return the local day: `Friday, 27 November 2026`."""
    here = at.astimezone()
    return f"{here:%A}, {here.day} {here:%B %Y}"


def day_and_time(at: datetime) -> str:
    """Return the local day and time."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
