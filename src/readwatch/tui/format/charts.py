"""Charts of a reader's days: a calendar of weeks, and bars for the minutes of each day.

Each chart is a tuple of `CHART_LINES` lines; colour never carries meaning alone.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from rich.cells import cell_len
from textual.content import Content

from readwatch.domain.group_figures import Peers
from readwatch.domain.reading import DayOfReading
from readwatch.tui.format.columns import cut
from readwatch.tui.format.text import (
    AXIS,
    LOW_BARS,
    SHADES,
    bar_block,
    hours_and_minutes,
    minutes_short,
)

CHART_LINES = 9
CALENDAR_WIDTH = 41
PLOT_DAYS = 28
PLOT_MIN_WIDTH = 22  # two weeks

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHADES_FROM = (0, 1, 15, 30, 60)
"""The minimum of minutes for each shade of a day."""

_LABEL = 7  # cells to the left of the axis
_BAR_LINES = CHART_LINES - 3  # without the title, the axis and the dates
_WIDEST_BAR = 4
PEERS_WIDTH = 32
_OWN, _MEDIAN = "━", "┄"
_PEERS_HEADING = f"by week {_OWN} and {_MEDIAN} median of "
_PEERS_BAR = 15
_TOPS = (10, 20, 30, 60, 120, 240, 480, 960, 1440, 2880, 5760, 14_400, 28_800, 57_600)
"""Possible maximums of the axis in minutes; half of each is a round number, too."""


def calendar(days: Sequence[DayOfReading]) -> tuple[Content, ...]:
    """Return whole weeks as columns; the first day is a Monday, the last is today."""
    weeks = [days[start : start + 7] for start in range(0, len(days), 7)]
    lines = [Content.styled("    " + _months([week[0].day for week in weeks]), "bold")]
    for weekday, name in enumerate(WEEKDAYS):
        cells = [
            _cell(week[weekday], is_today=week[weekday] is days[-1])
            for week in weeks
            if weekday < len(week)
        ]
        lines.append(Content.assemble((f"{name}", "dim"), *cells))
    return (*lines, Content.styled(_legend(), "dim"))


def plot(days: Sequence[DayOfReading], width: int, *, least_top: int = 0) -> tuple[Content, ...]:
    """Return a bar chart of the last days, as many as fit in `width` cells, with axes; the axis has
    at least `least_top` minutes."""
    plotted = days[-PLOT_DAYS:]
    slot = max(1, min((width - _LABEL - 1) // len(plotted), _WIDEST_BAR + 1))
    plotted = plotted[-max(1, (width - _LABEL - 1) // slot) :]
    bar = max(1, slot - 1)
    largest = max(least_top, *(day.minutes for day in plotted))
    top = next((top for top in _TOPS if top >= largest), _TOPS[-1])
    ticks = {0: minutes_short(top), _BAR_LINES // 2: minutes_short(top // 2)}
    lines = [Content.styled(" " * (_LABEL + 1) + "minutes a day", "bold")]
    for line in range(_BAR_LINES):
        blocks = (
            bar_block(day.minutes, top, line, _BAR_LINES) * bar + " " * (slot - bar)
            for day in plotted
        )
        side = f"{ticks.get(line, ''):>{_LABEL - 1}} {AXIS[1] if line in ticks else AXIS[0]}"
        lines.append(Content.assemble((side, "dim"), ("".join(blocks), "$text-accent")))
    return (*lines, *_date_axis([day.day for day in plotted], slot))


def peer_weeks(peers: Peers) -> tuple[Content, ...]:
    """Return two bars a week: the reader's, and below it the median of the group."""
    name = cut(peers.group_name, PEERS_WIDTH - cell_len(_PEERS_HEADING))
    lines = [Content.styled(_PEERS_HEADING + name, "bold")]
    most = max((1, *(max(week.seconds, week.median_seconds) for week in peers.weeks)))
    for week in peers.weeks:
        label = f"{week.monday.day} {week.monday:%b}"
        for mark, seconds, style in (
            (_OWN, week.seconds, "$text-accent"),
            (_MEDIAN, week.median_seconds, "dim"),
        ):
            bar = mark * -(-seconds * _PEERS_BAR // most)
            time = hours_and_minutes(seconds // 60)
            space = " " * (PEERS_WIDTH - _LABEL - len(bar) - len(time))
            lines.append(
                Content.assemble((f"{label:<{_LABEL}}", "dim"), (bar, style), space, (time, style))
            )
            label = ""
    return tuple(lines)


def daily_minutes_line(days: Sequence[DayOfReading], width: int) -> str:
    """Return the minutes of the last days as a line of bars."""
    minutes_a_day = [day.minutes for day in days[-width:]] if width > 0 else []
    top = max((1, *minutes_a_day))
    highest = len(LOW_BARS) - 1
    return "".join(LOW_BARS[-(-minutes * highest // top)] for minutes in minutes_a_day)


def _months(mondays: Sequence[date]) -> str:
    """Return the names of the months, each above its first Monday, if there is room."""
    line = ""
    for week, monday in enumerate(mondays):
        begins = week == 0 or monday.month != mondays[week - 1].month
        ends_at_once = week == 0 and mondays[1:2] and mondays[1].month != monday.month
        line += f"{monday:%b}" if begins and not ends_at_once else "   "
    return line


def _cell(day: DayOfReading, *, is_today: bool) -> Content:
    shade = sum(day.minutes >= least for least in _SHADES_FROM) - 1
    text, style = SHADES[shade] * 2, "$text-success" if shade else "dim"
    if is_today:
        return Content.assemble(("[", "bold"), (text, style), ("]", "bold"))
    return Content.assemble(" ", (text, style))


def _legend() -> str:
    words = [f"<{least}" for least in _SHADES_FROM[2:]] + [f"{_SHADES_FROM[-1]}+ min"]
    shades = (f"{shade * 2} {word}" for shade, word in zip(SHADES[1:], words, strict=True))
    return "    " + "  ".join(shades)


def _date_axis(days: Sequence[date], slot: int) -> Iterator[Content]:
    """Yield the axis with a tick on each Monday, and the dates of the Mondays."""
    corner, tick, flat = tuple(AXIS[2:])
    axis = "".join((flat if day.weekday() else tick) + flat * (slot - 1) for day in days)
    yield Content.styled(" " * _LABEL + corner + axis, "dim")
    dates = " " * (_LABEL + 1)
    for index, day in enumerate(days):
        label = f"{day.day} {day:%b}"
        start = _LABEL + 1 + index * slot
        has_room = len(dates) <= start and len(label) <= slot * (len(days) - index)
        if day.weekday() == 0 and has_room:
            dates = f"{dates:<{start}}{label} "
    yield Content.styled(dates.rstrip(), "dim")
