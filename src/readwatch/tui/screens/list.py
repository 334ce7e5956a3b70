"""A list of the overview: header, table, filter, order, footer."""

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Footer, Input

from readwatch.tui.header import Header
from readwatch.tui.keys import Group, bindings
from readwatch.tui.snapshots import Overview
from readwatch.tui.table import LiveTable
from readwatch.tui.views.listing import Listing


class ListScreen(Screen[None]):
    """Shows the pictures of one view."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Group.LISTS)]

    CSS = """
    ListScreen Input { height: 1; border: none; padding: 0 1; display: none; }
    ListScreen.-filtering Input { display: block; }
    """

    def __init__(self, listing: Listing[Any]) -> None:
        super().__init__()
        self._listing = listing
        self._order = 0
        # Made here, because a picture may arrive before they are mounted.
        self.header = Header()
        self.table = LiveTable(
            listing.columns,
            empty_text="waiting for the first picture",
            sorted_by=self._sorted_by,
            follow_top=listing.follows_top(self._order),
        )
        self._filter = Input(placeholder="words to look for; enter keeps them, escape clears")
        self._overview: Overview | None = None
        self._words: tuple[str, ...] = ()
        self._reader_of: dict[int, int] = {}

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield self.header
        yield self.table
        yield self._filter
        yield Footer()

    def on_mount(self) -> None:
        """Let the keys go to the table."""
        self.set_focus(self.table)

    def show(self, overview: Overview) -> None:
        """Show a new picture of this view."""
        self._overview = overview
        self._show_rows()

    def count_new(self, overview: Overview) -> int:
        """Return how many rows a picture has that are not in the one that is shown."""
        known = {row.key for row, _ in self._rows(self._overview)} if self._overview else set()
        return sum(row.key not in known for row, _ in self._rows(overview))

    @property
    def filtered_by(self) -> str:
        """The words of the filter; empty where there is none."""
        return " ".join(self._words)

    @property
    def reader_id(self) -> int | None:
        """The reader under the cursor; None where there is none."""
        cursor = self.table.cursor_key
        return None if cursor is None else self.reader_under(cursor)

    def reader_under(self, key: int) -> int | None:
        """Return the reader whom the row with this key is about; None if it is not shown."""
        return self._reader_of.get(key)

    def readers_in_order(self) -> tuple[int, ...]:
        """Return the readers of the rows from top to bottom, each once."""
        return tuple(dict.fromkeys(self._reader_of[key] for key in self.table.keys))

    def move_to_reader(self, reader_id: int) -> None:
        """Put the cursor on the first row of a reader, unless it is on one or there is none."""
        cursor = self.table.cursor_key
        if cursor is not None and self._reader_of.get(cursor) != reader_id:
            rows = (key for key in self.table.keys if self._reader_of[key] == reader_id)
            self.table.move_to(next(rows, cursor))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to sort where there are orders; leave its key to a filter that is typed in."""
        if action == "sort" and not self._listing.orders:
            return False
        if action == "filter" and self.focused is self._filter:
            return False
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Ask for the words."""
        self.add_class("-filtering")
        self.set_focus(self._filter)  # at once: the next key is for it already

    def action_clear(self) -> None:
        """Take the filter away."""
        self.remove_class("-filtering")
        self._filter.value = ""
        self.set_focus(self.table)

    def action_sort(self) -> None:
        """Take the next order."""
        if self._listing.orders:
            self._order = (self._order + 1) % len(self._listing.orders)
            self.table.sorted_by = self._sorted_by
            self.table.follow_top = self._listing.follows_top(self._order)
            self._show_rows()

    @on(Input.Changed)
    def _words_changed(self, event: Input.Changed) -> None:
        self._words = tuple(event.value.casefold().split())
        self._show_rows()
        if self.table.cursor_is_ghost:  # that reader is still here, only not asked for
            self.table.move_to(None)

    @on(Input.Submitted)
    def _words_kept(self) -> None:
        if not self._words:
            self.remove_class("-filtering")
        self.set_focus(self.table)

    @property
    def _sorted_by(self) -> tuple[str, bool] | None:
        if not self._listing.orders:
            return None
        order = self._listing.orders[self._order]
        return (order.column, order.descending)

    def _rows(self, overview: Overview) -> tuple[tuple[Any, int], ...]:
        return self._listing.rows(
            overview.items, overview.pulse.taken_at, words=self._words, order=self._order
        )

    def _show_rows(self) -> None:
        if self._overview is None:
            return
        rows = self._rows(self._overview)
        shown = {row.key: reader_id for row, reader_id in rows}
        cursor = self.table.cursor_key
        if cursor is not None and cursor in self._reader_of:
            shown.setdefault(cursor, self._reader_of[cursor])  # it may stay as a ghost
        self._reader_of = shown
        words = " ".join(self._words)
        self.table.empty_text = f"nothing has the words: {words}" if words else self._listing.empty
        self.table.show([row for row, _ in rows])
