"""The reading days on a reader's page: a line of totals, and charts if there is room."""

from collections.abc import Sequence
from datetime import timedelta

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from readwatch.domain.group_figures import Peers
from readwatch.domain.reading import DayOfReading
from readwatch.tui.format.cells import SIGNS
from readwatch.tui.format.charts import (
    CALENDAR_WIDTH,
    CHART_LINES,
    PEERS_WIDTH,
    PLOT_MIN_WIDTH,
    calendar,
    daily_minutes_line,
    peer_weeks,
    plot,
)
from readwatch.tui.format.columns import fit
from readwatch.tui.format.text import hours_and_minutes

_GAP = 3
_MONTH = 28  # days, as in the bar chart


class ReadingDays(Widget, can_focus=True):
    """One line of totals, and charts below it if the widget is high enough."""

    DEFAULT_CSS = """
    ReadingDays { height: 1; background: $surface; color: $foreground; }
    """

    days: reactive[tuple[DayOfReading, ...]] = reactive(())
    peers: reactive[Peers | None] = reactive(None)

    def render(self) -> Content:
        """Return the totals, and below them the charts if there is room."""
        width, days = self.size.width, self.days
        if not days:
            return Content("")
        is_one_line = self.size.height <= CHART_LINES
        charts = [] if is_one_line else _charts(days, self.peers, width)
        return Content("\n").join([self._heading(width, with_trace=is_one_line), *charts])

    def _heading(self, width: int, *, with_trace: bool) -> Content:
        """Return the line of totals; its rest has one bar for each of the last days."""
        words = f"{SIGNS['cursor' if self.has_focus else 'row']} Reading   {_totals(self.days)}   "
        if with_trace:
            words += daily_minutes_line(self.days, min(_MONTH, width - cell_len(words) - 1))
        color = "$block-cursor-foreground on $block-cursor-background"
        return Content.styled(
            fit(words, width), color if self.has_focus else "bold $foreground on $panel"
        )


def _totals(days: Sequence[DayOfReading]) -> str:
    today = days[-1]
    week, month = days[-1 - today.day.weekday() :], days[-_MONTH:]
    return "   ".join(
        (
            f"today {hours_and_minutes(today.minutes)}",
            f"this week {hours_and_minutes(_minutes(week))}",
            f"in 4 weeks {hours_and_minutes(_minutes(month) // len(month))} a day",
        )
    )


def _minutes(days: Sequence[DayOfReading]) -> int:
    return sum((day.read for day in days), timedelta(0)) // timedelta(minutes=1)


def _charts(days: Sequence[DayOfReading], peers: Peers | None, width: int) -> list[Content]:
    """Return the calendar, and beside it the bar chart and the reader beside the group, if there is
    room."""
    indent = "  "
    room = width - 2 * len(indent) - CALENDAR_WIDTH - _GAP
    blocks = [calendar(days)]
    with_peers = peers is not None and room >= PLOT_MIN_WIDTH + _GAP + PEERS_WIDTH
    plot_width = room - (_GAP + PEERS_WIDTH) * with_peers
    if plot_width >= PLOT_MIN_WIDTH:
        blocks.append(plot(days, plot_width))
    if peers is not None and with_peers:
        blocks.append(peer_weeks(peers))
    widths = (CALENDAR_WIDTH, plot_width, PEERS_WIDTH)
    return [
        Content.assemble(
            indent,
            *(
                cell + " " * (cells - cell.cell_length + _GAP)
                for cell, cells in zip(line, widths, strict=False)
            ),
        ).rstrip()
        for line in zip(*blocks, strict=True)
    ]
