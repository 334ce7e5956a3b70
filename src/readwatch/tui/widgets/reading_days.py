"""The days of a reader on the page: a line that sums them up, and pictures where there is room."""

from collections.abc import Sequence
from datetime import timedelta

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from readwatch.domain.reading import DayOfReading
from readwatch.tui.format.cells import SIGNS
from readwatch.tui.format.charts import (
    CALENDAR_WIDTH,
    PICTURE_LINES,
    PLOT_MIN_WIDTH,
    calendar,
    plot,
    trace,
)
from readwatch.tui.format.columns import fit
from readwatch.tui.format.text import hours_and_minutes

_GAP = 3
_MONTH = 28  # days, as many as the plot has


class ReadingDays(Widget, can_focus=True):
    """Folded it is a line, and below that as high as it is made."""

    DEFAULT_CSS = """
    ReadingDays { height: 1; background: $surface; color: $foreground; }
    """

    days: reactive[tuple[DayOfReading, ...]] = reactive(())

    def render(self) -> Content:
        """Return the line, and below it the pictures if there is room."""
        width, days = self.size.width, self.days
        if not days:
            return Content("")
        folded = self.size.height <= PICTURE_LINES
        pictures = [] if folded else _pictures(days, width)
        return Content("\n").join([self._heading(width, with_trace=folded), *pictures])

    def _heading(self, width: int, *, with_trace: bool) -> Content:
        """Return the line with the sums; in what is left of it the last days, a cell each."""
        words = f"{SIGNS['cursor' if self.has_focus else 'row']} Reading   {_sums(self.days)}   "
        if with_trace:
            words += trace(self.days, min(_MONTH, width - cell_len(words) - 1))
        color = "$block-cursor-foreground on $block-cursor-background"
        return Content.styled(
            fit(words, width), color if self.has_focus else "bold $foreground on $panel"
        )


def _sums(days: Sequence[DayOfReading]) -> str:
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


def _pictures(days: Sequence[DayOfReading], width: int) -> list[Content]:
    """Return the calendar, and the plot beside it where there is room."""
    indent = "  "
    room = width - len(indent) - CALENDAR_WIDTH - _GAP
    weeks = calendar(days)
    if room < PLOT_MIN_WIDTH:
        return [Content(indent) + line for line in weeks]
    return [
        Content.assemble(indent, left, " " * (CALENDAR_WIDTH + _GAP - left.cell_length), right)
        for left, right in zip(weeks, plot(days, room), strict=True)
    ]
