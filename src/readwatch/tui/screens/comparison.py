"""Two readers side by side, shown after both accesses are logged."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from readwatch.monitor.snapshots import ReaderSnapshot
from readwatch.tui.format.comparison import comparison_lines
from readwatch.tui.format.text import BREADCRUMB
from readwatch.tui.keys import Group, bindings
from readwatch.tui.screens.refusal import refusal
from readwatch.tui.widgets.footer import Footer
from readwatch.tui.widgets.header import Header, Status


class ComparisonScreen(Screen[None]):
    """The live comparison of two readers."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Group.COMPARISON),
        *bindings(Group.HISTORY),
    ]

    CSS = """
    ComparisonScreen #breadcrumb { height: 1; padding: 0 1 0 2; background: $surface; }
    ComparisonScreen VerticalScroll {
        height: 1fr; padding: 0 1 0 2; background: $surface;
        scrollbar-gutter: stable; scrollbar-size-vertical: 1;
    }
    """

    class BackRequested(Message):
        """The user goes back to the list."""

    def __init__(self, request_id: int, list_name: str) -> None:
        super().__init__()
        self.request_id = request_id
        # Created here, because a snapshot may arrive before the widgets are mounted.
        self.header = Header()
        words = f"{list_name.capitalize()} {BREADCRUMB} comparison"
        self._breadcrumb = Static(words, id="breadcrumb", markup=False)
        self._content = Static("logging the accesses …", markup=False)
        self._readers: tuple[ReaderSnapshot, ReaderSnapshot] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the screen without data."""
        yield self.header
        yield self._breadcrumb
        with VerticalScroll():
            yield self._content
        yield Footer()

    def show_status(self, status: Status) -> None:
        """Show a status in the header."""
        self.header.status = status

    def show(self, readers: tuple[ReaderSnapshot, ...]) -> None:
        """Show new snapshots of both readers."""
        first, second = readers
        self._readers = first, second
        self._show()

    def on_resize(self) -> None:
        """Lay out the comparison for the new width."""
        self._show()

    def _show(self) -> None:
        if self._readers is not None:
            now, width = self._readers[0].stats.taken_at, self._content.size.width
            lines = comparison_lines(self._readers, now, width or self.app.size.width)
            self._content.update(Content("\n").join(lines))

    def refuse(self, reason: str) -> None:
        """Show why there is no data."""
        self._readers = None
        self._content.update(refusal("These readers' data is not shown", reason))

    def action_back(self) -> None:
        """Go back to the list."""
        self.post_message(self.BackRequested())
