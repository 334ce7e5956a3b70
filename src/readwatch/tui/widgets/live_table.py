"""A table that lives: rows come, go and change places under a cursor that stays on its row."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._time import get_time  # the clock of `event.time`, which is not the same everywhere
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size, clamp
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from readwatch.monitor.viewport import (
    RowOrder,
    Viewport,
    ids_near_viewport,
    row_order,
    top_index,
    with_departed_row,
)
from readwatch.tui.export_file import TableExport
from readwatch.tui.format.cells import (
    HeaderLine,
    Line,
    LineKind,
    NoteLine,
    Row,
    RowLine,
    SortedBy,
    parts_of,
)
from readwatch.tui.format.columns import Column, place
from readwatch.tui.keys import Group, bindings


class LiveTable(ScrollView, can_focus=True):
    """Shows one snapshot after another; the cursor is a key, and repaints are of changed lines.

    It knows the order of all keys, and the rows of those that are in view or near it.

    With `follow_top` the cursor stays on the newest row while it is the first one and in view:
    `home` goes there, every other move and each click leaves it. Without `opens` there is
    nothing behind a row.
    """

    GLANCE: ClassVar[float] = 0.25
    """Seconds: sooner after a row took the cursor by itself, nobody can have meant it by a key."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Group.TABLES)]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"live-table--{name}"
        for name in (
            *("heading", "row", "cursor", "ghost", "note"),
            *("good", "warn", "bad", "accent", "muted"),
        )
    }

    DEFAULT_CSS = """
    LiveTable {
        width: 1fr;
        height: 1fr;
        background: $surface;
        color: $foreground;
        overflow: hidden auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > .live-table--heading { background: $panel; color: $foreground; text-style: bold; }
        & > .live-table--note, & > .live-table--muted { color: $text-muted; }
        & > .live-table--good { color: $text-success; }
        & > .live-table--warn { color: $text-warning; }
        & > .live-table--bad { color: $text-error; text-style: bold; }
        & > .live-table--accent { color: $text-accent; }
        & > .live-table--cursor {
            background: $block-cursor-blurred-background;
            color: $block-cursor-blurred-foreground;
            text-style: $block-cursor-blurred-text-style;
        }
        & > .live-table--ghost {
            background: $block-cursor-blurred-background;
            color: $text-muted;
            text-style: italic;
        }
        &:focus > .live-table--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: $block-cursor-text-style;
        }
        &:nocolor:focus > .live-table--cursor {
            background: $surface;
            color: $foreground;
            text-style: reverse;
        }
        &:nocolor:focus > .live-table--ghost, &:ansi:focus > .live-table--ghost {
            background: $surface;
            color: $foreground;
            text-style: reverse italic;
        }
    }
    """

    empty_text = reactive("")
    sorted_by: reactive[SortedBy | None] = reactive(None)

    @dataclass
    class RowHighlighted(Message):
        """The cursor is on another key now, or on none because there are no rows."""

        table: "LiveTable"
        key: int | None

        @property
        def control(self) -> "LiveTable":
            """The table, for `@on(LiveTable.CursorMoved, "#its-id")`."""
            return self.table

    @dataclass
    class RowSelected(Message):
        """Somebody asked to look into this key."""

        table: "LiveTable"
        key: int
        reader_id: int | None

        @property
        def control(self) -> "LiveTable":
            """The table, for `@on(LiveTable.Opened, "#its-id")`."""
            return self.table

    @dataclass
    class ViewportChanged(Message):
        """Something else is in view now; the rows of `wanted` are lacking there or near it."""

        table: "LiveTable"
        sight: Viewport
        wanted: tuple[int, ...]

        @property
        def control(self) -> "LiveTable":
            """The table, for `@on(LiveTable.SightChanged, "#its-id")`."""
            return self.table

    @dataclass
    class HeaderSelected(Message):
        """Somebody clicked on the title of a column."""

        table: "LiveTable"
        column: str

        @property
        def control(self) -> "LiveTable":
            """The table, for `@on(LiveTable.HeadingClicked, "#its-id")`."""
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty_text: str = "",
        sorted_by: SortedBy | None = None,
        follow_top: bool = False,
        opens: bool = True,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.columns = tuple(columns)
        self.follow_top = follow_top
        self.opens = opens
        self.set_reactive(LiveTable.empty_text, empty_text)
        self.set_reactive(LiveTable.sorted_by, sorted_by)
        self._order = RowOrder()  # a ghost in it
        self._rows: dict[int, Row] = {}  # those that are known
        self._wanted: frozenset[int] = frozenset()  # those that were asked for
        self._told = Viewport(0)
        self._body = 0  # the lines there are for rows
        self._keeps_all = False
        self._cursor: int | None = None
        self._is_departed = False  # the row of the cursor is a ghost
        self._pinned = False  # a person has put the cursor where it is
        self._auto_moved_from: int | None = None  # where the cursor was until it followed the top,
        self._auto_moved_at = -inf  # and when it was painted there; not yet: inf
        self._pressed_at: float | None = None
        self._painted: dict[int, Line] = {}
        self._strips: LRUCache[tuple[Line, int], Strip] = LRUCache(512)
        self._styles_of: dict[str, Style] = {}

    # What the owner of the table uses.

    @property
    def cursor_key(self) -> int | None:
        """The key that the cursor is on; None only where there are no rows."""
        return self._cursor

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the rows from top to bottom, a ghost among them."""
        return self._order.ids

    def reader_id(self, key: int) -> int | None:
        """Return whose page is behind a row; None where there is none or it is not known yet."""
        row = self._rows.get(key)
        return row.reader_id if row is not None else None

    @property
    def cursor_row_departed(self) -> bool:
        """Whether the row of the cursor is gone from the last snapshot."""
        return self._is_departed

    @property
    def viewport(self) -> Viewport:
        """What is in view."""
        top = self._top
        return Viewport(
            self._body,
            top,
            self._order.ids[top : top + self._body],
            self._cursor,
            self._cursor is None or (self._may_follow and top == self._place == 0),
        )

    def show(self, rows: Sequence[Row], order: RowOrder | None = None) -> None:
        """Take `order` for the whole picture from now on, and `rows` for what is near the view.

        Without an order the rows are all there are. No two rows have the same key.
        """
        now = row_order(row.key for row in rows) if order is None else order
        sight, cursor = self.viewport, self._cursor
        if sight.follows:
            cursor = now.ids[0] if now.ids else None
        self._is_departed = cursor is not None and cursor not in now.positions
        if self._is_departed and cursor is not None:
            now = with_departed_row(now, self._order, cursor)
        top = top_index(now, sight)
        if cursor != self._cursor:
            self._auto_move(cursor)
        self._wanted = frozenset()
        self._know(rows, now, top)
        self._lay(now, top)

    def fill(self, rows: Sequence[Row]) -> None:
        """Take rows that were lacking."""
        self._know(rows, self._order, self._top)
        self._repaint()

    def keep_all(self, keeps_all: bool) -> None:
        """Ask for all rows at once and keep them, or go on with those that are near the view."""
        self._keeps_all = keeps_all
        self._post_viewport()

    def _know(self, rows: Sequence[Row], order: RowOrder, top: int) -> None:
        """Take rows, and keep of those that are known what is still of use."""
        near = order.ids if self._keeps_all else ids_near_viewport(order, top, self._body)
        kept = [*near, self._cursor, self._auto_moved_from]
        known = {key: self._rows[key] for key in kept if key in self._rows}
        self._rows = known | {row.key: row for row in rows}

    def show_columns(self, columns: Sequence[Column]) -> None:
        """Show the same columns at other widths, or not at all."""
        self.columns = tuple(columns)
        self._strips.clear()
        self._painted.clear()
        self._repaint()

    def draft(self) -> TableExport:
        """Return what is shown."""
        keys = self._order_without_departed().ids
        return TableExport(self._shown_columns, keys, dict(self._rows))

    def move_to(self, key: int | None) -> bool:
        """Put the cursor on a key, or with None on the first row; False where no row has it."""
        if key is None:
            self._go(0)
        elif key in self._order.positions:
            self._put(key)
        return key is None or key == self._cursor

    # What the person does.

    def action_move(self, lines: int) -> None:
        """Move the cursor; below a ghost is the row that is in its place when it is gone."""
        self._go(self._place + lines - (self._is_departed and lines > 0))

    def action_page(self, pages: int) -> None:
        """Move the view and the cursor in it, with one row that is on both pages."""
        lines = pages * max(1, self._body - 1)
        self._scroll(self._top + lines)
        self.action_move(lines)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self._go(0)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self._go(len(self._order.ids))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to open a row only where there is something behind it."""
        return self.opens if action == "open" else super().check_action(action, parameters)

    def action_open(self) -> None:
        """Open what the key was meant for."""
        if (key := self.meant()) is not None:
            self._open(key)

    def meant(self) -> int | None:
        """Return what the cursor was on when the key was pressed that is handled now; if it is out
        of sight, show it and return None.
        """
        pressed_at = get_time() if self._pressed_at is None else self._pressed_at
        self._pressed_at = None
        key = (
            self._auto_moved_from
            if pressed_at < self._auto_moved_at + self.GLANCE
            else self._cursor
        )
        if key is None or not self._in_view:
            self._reveal()
            return None
        return key

    def forget_key(self) -> None:
        """Take what is done next for meant by what is in sight now, not by a key from before."""
        self._pressed_at, self._auto_moved_at = None, -inf

    def on_key(self, event: events.Key) -> None:
        """Note the time, because the cursor may follow the top before the key gets its turn."""
        self._pressed_at = event.time

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that is painted there, or open it where it already was."""
        at = event.get_content_offset(self)
        line = self._painted.get(at.y) if at is not None and event.button == 1 else None
        if at is not None and isinstance(line, HeaderLine):
            self._click_heading(at.x)
        if not isinstance(line, RowLine):
            return
        if line.row.key == self._cursor and not self._may_follow:
            self._open(line.row.key)
        else:
            self.move_to(line.row.key)

    def _click_heading(self, x: int) -> None:
        for spot in place(self.columns, self.size.width):
            if spot.x <= x < spot.x + spot.width:
                self.post_message(self.HeaderSelected(self, spot.column.key))

    def on_resize(self) -> None:
        """Keep the cursor in view if it was."""
        was_in_view = self._in_view or not self._body
        self._body = max(0, self.size.height - 1)
        if was_in_view:
            self._reveal()
        self._post_viewport()

    # The cursor.

    @property
    def _place(self) -> int:
        return 0 if self._cursor is None else self._order.positions[self._cursor]

    @property
    def _shown_columns(self) -> list[tuple[int, Column]]:
        return [(spot.index, spot.column) for spot in place(self.columns, self.size.width)]

    @property
    def _top(self) -> int:
        return self.scroll_offset.y

    @property
    def _in_view(self) -> bool:
        return self._top <= self._place < self._top + self._body

    @property
    def _may_follow(self) -> bool:
        return self.follow_top and not self._pinned

    def _order_without_departed(self) -> RowOrder:
        if not self._is_departed:
            return self._order
        ids, ghost = self._order.ids, self._place
        return row_order((*ids[:ghost], *ids[ghost + 1 :]))

    def _go(self, place: int) -> None:
        """Put the cursor on the row in a place, not counting the ghost."""
        ids = self._order_without_departed().ids
        self._put(ids[clamp(place, 0, len(ids) - 1)] if ids else None)
        self._pinned = self._place > 0

    def _put(self, key: int | None) -> None:
        """A person moves the cursor, and the ghost that it leaves is gone."""
        self._pinned, self._auto_moved_at = True, -inf
        if key != self._cursor:
            order, top = self._order_without_departed(), self._top
            top -= self._is_departed and self._place < top
            self._cursor, self._is_departed = key, False
            if order is not self._order:
                self._lay(order, top)
            self.post_message(self.RowHighlighted(self, key))
        self._reveal()
        self._repaint()

    def _auto_move(self, key: int | None) -> None:
        """A snapshot moves the cursor, which nobody has seen before it is painted."""
        if get_time() >= self._auto_moved_at + self.GLANCE:
            self._auto_moved_from = self._cursor
        self._auto_moved_at = -inf if self._cursor is None or key is None else inf
        self._cursor = key
        self.post_message(self.RowHighlighted(self, key))

    def _open(self, key: int) -> None:
        self.move_to(key)
        row = self._rows.get(key)  # what nobody has seen yet, nobody can mean
        if self.opens and row is not None:
            self.post_message(self.RowSelected(self, key, row.reader_id))

    # The picture.

    def render_line(self, y: int) -> Strip:
        """The picture of one line, made anew only where no such line was painted lately."""
        line = self._painted[y] = self._line(y, self._top)
        if self._auto_moved_at == inf and isinstance(line, RowLine) and line.look != "row":
            self._auto_moved_at = get_time()
        width = self.size.width
        if (strip := self._strips.get((line, width))) is None:
            parts = parts_of(line, place(self.columns, width), width)
            strip = Strip([Segment(text, self._style(name)) for text, name in parts], width)
            self._strips[line, width] = strip
        return strip

    def notify_style_update(self) -> None:
        """Paint everything anew: the theme, the focus or a class has changed."""
        super().notify_style_update()
        self._strips.clear()
        self._styles_of.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scroll without painting lines whose picture stays the same."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self._repaint()

    def _line(self, y: int, top: int) -> Line:
        if y == 0:
            return HeaderLine(self.sorted_by)
        place, ids = top + y - 1, self._order.ids
        if place < len(ids):
            key = ids[place]
            mine: LineKind = "ghost" if self._is_departed else "cursor"
            return RowLine(self._rows.get(key) or Row(key), mine if key == self._cursor else "row")
        is_middle = not ids and y == (self.size.height + 1) // 2
        return NoteLine(self.empty_text if is_middle else "")

    def _style(self, name: str) -> Style:
        if name not in self._styles_of:
            self._styles_of[name] = self.get_component_rich_style(f"live-table--{name}")
        return self._styles_of[name]

    def _lay(self, order: RowOrder, top: int) -> None:
        """Take an order into the picture, without the layout of the whole screen that
        `virtual_size` asks for by itself: nothing but this table and its scrollbar changes."""
        self._order = order
        size_before, size = self.virtual_size, Size(0, len(order.ids) + 1)
        self.set_reactive(LiveTable.virtual_size, size)
        self._scroll(top)
        if size != size_before:
            self._scroll_update(size)
            self.scroll_target_y = self.scroll_target_y  # the wheel starts there: clamp it too
        self._repaint()

    def _scroll(self, top: int) -> None:
        if top != self._top:
            self.scroll_to(y=top, animate=False, force=True)

    def _reveal(self) -> None:
        """Scroll no further than it takes to see the cursor."""
        if self._body:
            self._scroll(clamp(self._top, self._place - self._body + 1, self._place))

    def _repaint(self) -> None:
        """Ask for the lines whose picture is no longer the one that was painted."""
        (width, height), top = self.size, self._top
        stale = [y for y in range(height) if self._painted.get(y) != self._line(y, top)]
        if stale:
            self.refresh(*(Region(0, y, width, 1) for y in stale))
        self._post_viewport()

    def _post_viewport(self) -> None:
        """Say what is in view when it is something else, and ask for the rows that are lacking
        before they come into view."""
        sight, half = self.viewport, self._body // 2
        near = around = self._order.ids
        if not self._keeps_all:
            near = near[max(0, sight.top - half) : sight.top + self._body + half]
            around = ids_near_viewport(self._order, sight.top, self._body)
        wanted: tuple[int, ...] = ()
        if any(key not in self._rows and key not in self._wanted for key in near):
            wanted = tuple(key for key in around if key not in self._rows)
            self._wanted = frozenset(wanted)
        if wanted or sight != self._told:
            self._told = sight
            self.post_message(self.ViewportChanged(self, sight, wanted))
