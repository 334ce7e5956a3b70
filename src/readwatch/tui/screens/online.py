"""The screen of Online: the list and, in wide terminals, a strip of totals above it."""

from collections.abc import Iterable
from typing import Any

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from readwatch.monitor.snapshots import View, ViewSnapshot
from readwatch.tui.format.online_strip import strip_lines
from readwatch.tui.screens.view import ViewScreen
from readwatch.tui.views.spec import ViewSpec
from readwatch.tui.widgets.header import Status


class OnlineScreen(ViewScreen):
    """Shows who is online, and how many."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-middle"), (140, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012

    DEFAULT_CSS = """
    OnlineScreen #strip {
        display: none; height: auto; max-height: 1; padding: 0 2; background: $surface;
    }
    OnlineScreen #strip.-old { color: $text-muted; text-style: dim; }
    OnlineScreen.-totalled.-middle #strip, OnlineScreen.-totalled.-wide #strip { display: block; }
    OnlineScreen.-tall #strip { max-height: 3; padding: 0 2 1 2; }
    """

    def __init__(self, view: View, spec: ViewSpec[Any], *, masked: bool = False) -> None:
        super().__init__(view, spec, masked=masked)
        self._strip = Static("", id="strip", markup=False)

    def widgets_above_table(self) -> Iterable[Widget]:
        """Return the strip."""
        return (self._strip,)

    def activate(self, *, keeps_rows: bool = False) -> None:
        """Show live data from now on; the strip is empty until it arrives."""
        super().activate(keeps_rows=keeps_rows)
        if not keeps_rows:
            self.remove_class("-totalled")

    def show_snapshot(self, snapshot: ViewSnapshot) -> bool:
        """Show a new snapshot with its totals, or only rows, if the list is frozen."""
        is_shown = super().show_snapshot(snapshot)
        if is_shown:
            self._show_strip()
        return is_shown

    def show_status(self, status: Status) -> None:
        """Show a status in the header; totals that may not be current are dimmed."""
        super().show_status(status)
        self._strip.set_class(status.is_old, "-old")

    def on_resize(self) -> None:
        """Fit the strip to the new width."""
        self._show_strip()

    def _show_strip(self) -> None:
        snapshot = self.snapshot
        totals = None if snapshot is None else snapshot.totals
        self.set_class(totals is not None, "-totalled")
        if snapshot is not None and totals is not None:
            lines = strip_lines(totals, snapshot.stats.taken_at, self.app.size.width - 4)
            self._strip.update(Content("\n").join(lines))
