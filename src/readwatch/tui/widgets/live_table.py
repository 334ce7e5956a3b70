"""A live table: rows appear, vanish and move, and the cursor stays on its row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._time import get_time  # the clock of `event.time`, which depends on the system
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
    row_order,
    top_index,
    with_departed_row,
    without_row,
)
from readwatch.tui.export_file import TableExport
from readwatch.tui.format.cells import (
    TONES,
    HeaderLine,
    Line,
    LineKind,
    NoteLine,
    Row,
    RowLine,
    SortedBy,
    segments_of,
)
from readwatch.tui.format.columns import Column, place_columns
from readwatch.tui.keys import Group, bindings
from readwatch.tui.widgets.intended_row import IntendedRow
from readwatch.tui.widgets.loaded_rows import LoadedRows
from readwatch.tui.widgets.selections import Selections


@dataclass
class _FromTable(Message):
    """A message of a table."""

    table: "LiveTable"

    @property
    def control(self) -> "LiveTable":
        """The table, for `@on(LiveTable.RowSelected, "#its-id")`."""
        return self.table


class LiveTable(ScrollView, can_focus=True):
    """Shows snapshots of a list; the cursor belongs to a key, and only changed lines are repainted.

    The table has the order of all keys, and the rows in or near the viewport.

    The cursor stays on the first row, even if another row becomes the first, until the user uses
    it; with `follow_top` also after `home`, which goes back to the first row. Without `opens` rows
    cannot be selected. While `is_concealed` no row is painted; the next snapshot ends that. Rows
    that may not be current are dimmed (`is_old`). Rows of readers in `marked` have a mark.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Group.TABLES)]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"live-table--{name}"
        for name in ("heading", "row", "cursor", "departed", "note", "old", *TONES)
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
        & > .live-table--note, & > .live-table--muted, & > .live-table--old { color: $text-muted; }
        & > .live-table--good { color: $text-success; }
        & > .live-table--warn { color: $text-warning; }
        & > .live-table--bad { color: $text-error; text-style: bold; }
        & > .live-table--accent { color: $text-accent; }
        & > .live-table--cursor {
            background: $block-cursor-blurred-background;
            color: $block-cursor-blurred-foreground;
            text-style: $block-cursor-blurred-text-style;
        }
        & > .live-table--departed {
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
        &:nocolor > .live-table--old, &:ansi > .live-table--old { text-style: dim; }
        &:nocolor:focus > .live-table--departed, &:ansi:focus > .live-table--departed {
            background: $surface;
            color: $foreground;
            text-style: reverse italic;
        }
    }
    """

    empty_text = reactive("")
    is_concealed = reactive(False)
    is_old = reactive(False)
    sorted_by: reactive[SortedBy | None] = reactive(None)
    marked: reactive[frozenset[int]] = reactive(frozenset())

    @dataclass
    class RowHighlighted(_FromTable):
        """The cursor is on another key, or on no key because there are no rows."""

        key: int | None

    @dataclass
    class RowSelected(_FromTable):
        """The user selected the row with this key."""

        key: int
        reader_id: int | None

    @dataclass
    class ViewportChanged(_FromTable):
        """The viewport changed; the rows of `missing_keys` are in or near it and not loaded."""

        viewport: Viewport
        missing_keys: tuple[int, ...]

    @dataclass
    class HeaderSelected(_FromTable):
        """The user clicked on the title of a column."""

        column: str

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
        self._order = RowOrder()  # including the departed row
        self._rows = LoadedRows()
        self._posted_viewport = Viewport(0)
        self._body_height = 0  # lines for rows
        self._cursor: int | None = None
        self._is_departed = False  # the row is not in the snapshot
        self._is_user_placed = False  # the user moved the cursor to its row
        self._is_used = False  # the user has used the cursor
        self._intended = IntendedRow()
        self.selections = Selections[LiveTable.RowSelected]()
        self._painted: dict[int, Line] = {}
        self._strips: LRUCache[tuple[Line, int], Strip] = LRUCache(512)
        self._line_styles: dict[str, Style] = {}

    # For the screen.

    @property
    def cursor_key(self) -> int | None:
        """The key under the cursor; None only if there are no rows."""
        return self._cursor

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the rows from top to bottom, including the departed row."""
        return self._order.ids

    def reader_id(self, key: int) -> int | None:
        """Return the reader of a row; None without a reader or if the row is not loaded."""
        row = self._rows.by_key.get(key)
        return row.reader_id if row is not None else None

    @property
    def cursor_row_departed(self) -> bool:
        """Whether the row under the cursor is not in the last snapshot."""
        return self._is_departed

    @property
    def viewport(self) -> Viewport:
        """The part of the list on the screen."""
        top = self._top
        return Viewport(
            self._body_height,
            top,
            self._order.ids[top : top + self._body_height],
            self._cursor,
            self._cursor is None or (self._can_follow_top and top == self._cursor_index == 0),
        )

    def show(self, rows: Sequence[Row], order: RowOrder | None = None) -> None:
        """Show a snapshot: the order of all keys, and the rows in or near the viewport.

        Without `order`, `rows` are all rows. Keys are unique.
        """
        new_order = row_order(row.key for row in rows) if order is None else order
        viewport, cursor = self.viewport, self._cursor
        has_departed = cursor is not None and cursor not in new_order.positions
        if viewport.follows and (self.follow_top or not has_departed):
            cursor = new_order.ids[0] if new_order.ids else None
        self._is_departed = cursor is not None and cursor not in new_order.positions
        if self._is_departed and cursor is not None:
            new_order = with_departed_row(new_order, self._order, cursor)
        top = top_index(new_order, viewport)
        if cursor != self._cursor:
            self._auto_move(cursor)
        self._rows.begin_snapshot()
        self._load(rows, new_order, top)
        self.set_reactive(LiveTable.is_concealed, False)
        self._set_order(new_order, top)

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Add rows that were requested."""
        self._load(rows, self._order, self._top)
        self._repaint()

    def drop_rows(self) -> None:
        """Drop all rows, because rows of the same keys have other content now."""
        self._rows.by_key = {}

    def load_all(self, loads_all: bool) -> None:
        """Load and keep all rows, or only the rows near the viewport."""
        self._rows.loads_all = loads_all
        self._post_viewport()

    def _load(self, rows: Sequence[Row], order: RowOrder, top: int) -> None:
        keep = (self._cursor, self._intended.before_move)
        self._rows.add(rows, order, top, self._body_height, keep)

    def show_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns."""
        self.columns = tuple(columns)
        self._strips.clear()
        self._painted.clear()
        self._repaint()

    def export(self) -> TableExport:
        """Return the content of the table for an export."""
        keys = self._order_without_departed().ids
        return TableExport(self._visible_columns, keys, self._rows.by_key)

    def move_to(self, key: int | None) -> bool:
        """Move the cursor to a key (None: the first row); return False if no row has the key."""
        if key is None:
            self._move_to_index(0)
        elif key in self._order.positions:
            self._move_cursor(key)
        return key is None or key == self._cursor

    # Input.

    def action_move(self, lines: int) -> None:
        """Move the cursor; the row below a departed one takes its index."""
        self._move_to_index(self._cursor_index + lines - (self._is_departed and lines > 0))

    def action_page(self, pages: int) -> None:
        """Scroll by pages that overlap by one row, and move the cursor by the same distance."""
        lines = pages * max(1, self._body_height - 1)
        self._scroll(self._top + lines)
        self.action_move(lines)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self._move_to_index(0)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self._move_to_index(len(self._order.ids))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable `open` if rows cannot be selected."""
        return self.opens if action == "open" else super().check_action(action, parameters)

    def action_open(self) -> None:
        """Select the intended row."""
        if (key := self.intended_key()) is not None:
            self._select(key)

    def intended_key(self) -> int | None:
        """Return the key of the row that was under the cursor when the current key was pressed. If
        that row is not on the screen, scroll to it and return None.
        """
        key = self._intended.take(self._cursor, get_time())
        self._is_used = True
        if key is None or not self._in_view:
            self._scroll_to_cursor()
            return None
        return key

    def discard_key_time(self) -> None:
        """Make the next action apply to the current row, not to the row at an earlier key press."""
        self._intended.discard_press()

    def on_key(self, event: events.Key) -> None:
        """Store the time of the key, because the cursor may move before the key is handled."""
        self._intended.press(event.time)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; select the row if the cursor is on it already."""
        offset = event.get_content_offset(self)
        line = self._painted.get(offset.y) if offset is not None and event.button == 1 else None
        if offset is not None and isinstance(line, HeaderLine):
            self._select_header(offset.x)
        if not isinstance(line, RowLine):
            return
        if line.row.key == self._cursor and not self._can_follow_top:
            self._select(line.row.key)
        else:
            self.move_to(line.row.key)

    def _select_header(self, x: int) -> None:
        for placed_column in place_columns(self.columns, self.size.width):
            if placed_column.x <= x < placed_column.x + placed_column.width:
                self.post_message(self.HeaderSelected(self, placed_column.column.key))

    def on_resize(self) -> None:
        """Keep the cursor on the screen if it was on the screen."""
        was_in_view = self._in_view or not self._body_height
        self._body_height = max(0, self.size.height - 1)
        if was_in_view:
            self._scroll_to_cursor()
        self._post_viewport()

    # The cursor.

    @property
    def _cursor_index(self) -> int:
        return 0 if self._cursor is None else self._order.positions[self._cursor]

    @property
    def _visible_columns(self) -> list[tuple[int, Column]]:
        placed = place_columns(self.columns, self.size.width)
        return [(placed_column.index, placed_column.column) for placed_column in placed]

    @property
    def _top(self) -> int:
        return self.scroll_offset.y

    @property
    def _in_view(self) -> bool:
        return self._top <= self._cursor_index < self._top + self._body_height

    @property
    def _can_follow_top(self) -> bool:
        return not self._is_user_placed and (self.follow_top or (self.opens and not self._is_used))

    def _order_without_departed(self) -> RowOrder:
        departed = self._cursor if self._is_departed else None
        return self._order if departed is None else without_row(self._order, departed)

    def _move_to_index(self, index: int) -> None:
        """Move the cursor to a row by its index, not counting the departed row."""
        ids = self._order_without_departed().ids
        self._move_cursor(ids[clamp(index, 0, len(ids) - 1)] if ids else None)
        self._is_user_placed = self._cursor_index > 0

    def _move_cursor(self, key: int | None) -> None:
        """Move the cursor for the user; remove the departed row that it leaves."""
        self._is_user_placed = self._is_used = True
        self._intended.move_by_user()
        if key != self._cursor:
            order, top = self._order_without_departed(), self._top
            top -= self._is_departed and self._cursor_index < top
            self._cursor, self._is_departed = key, False
            if order is not self._order:
                self._set_order(order, top)
            self.post_message(self.RowHighlighted(self, key))
        self._scroll_to_cursor()
        self._repaint()

    def _auto_move(self, key: int | None) -> None:
        """Move the cursor for a snapshot; the user sees the move only after the next repaint."""
        self._intended.move(self._cursor, key, get_time())
        self._cursor = key
        self.post_message(self.RowHighlighted(self, key))

    def _select(self, key: int) -> None:
        self.move_to(key)
        row = self._rows.by_key.get(key)  # the row was not painted, because it is not loaded
        if self.opens and row is not None:
            self.post_message(self.selections.add(self.RowSelected(self, key, row.reader_id)))

    def take_selection(self, selection: RowSelected) -> bool:
        """Tell whether a selection holds: it has not been taken or dropped."""
        return self.selections.take(selection)

    # Painting.

    def render_line(self, y: int) -> Strip:
        """Return the strip of one line, from a cache if possible."""
        line = self._painted[y] = self._line(y, self._top)
        if isinstance(line, RowLine) and line.kind != "row":
            self._intended.paint(get_time())
        width = self.size.width
        if (strip := self._strips.get((line, width))) is None:
            parts = segments_of(line, place_columns(self.columns, width), width)
            strip = Strip([Segment(text, self._style(name)) for text, name in parts], width)
            self._strips[line, width] = strip
        return strip

    def notify_style_update(self) -> None:
        """Repaint all lines, because the theme, the focus or a class has changed."""
        super().notify_style_update()
        self._strips.clear()
        self._line_styles.clear()

    def watch_is_old(self) -> None:
        """Paint all rows in another style."""
        self._strips.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scroll, and repaint only the lines that change."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self._repaint()

    def _line(self, y: int, top: int) -> Line:
        if y == 0:
            return HeaderLine(self.sorted_by)
        index, ids = top + y - 1, self._order.ids
        if self.is_concealed:
            return NoteLine("")
        if index < len(ids):
            key = ids[index]
            kind: LineKind = "departed" if self._is_departed else "cursor"
            row = self._rows.by_key.get(key) or Row(key)
            is_marked = row.reader_id in self.marked
            return RowLine(row, kind if key == self._cursor else "row", is_marked)
        is_middle = not ids and y == (self.size.height + 1) // 2
        return NoteLine(self.empty_text if is_middle else "")

    def _style(self, name: str) -> Style:
        if self.is_old and (name == "row" or name in TONES):
            name = "old"
        if name not in self._line_styles:
            self._line_styles[name] = self.get_component_rich_style(f"live-table--{name}")
        return self._line_styles[name]

    def _set_order(self, order: RowOrder, top: int) -> None:
        """Set the order and the scroll position. A change of `virtual_size` alone would lay out
        the whole screen, although only this table and its scrollbar change.
        """
        self._order = order
        size_before, size = self.virtual_size, Size(0, len(order.ids) + 1)
        self.set_reactive(LiveTable.virtual_size, size)
        self._scroll(top)
        if size != size_before:
            self._scroll_update(size)
            self.scroll_target_y = self.scroll_target_y  # the mouse wheel starts there
        self._repaint()

    def _scroll(self, top: int) -> None:
        if top != self._top:
            self.scroll_to(y=top, animate=False, force=True)

    def _scroll_to_cursor(self) -> None:
        """Scroll by the minimum that shows the cursor."""
        index = self._cursor_index
        if self._body_height:
            self._scroll(clamp(self._top, index - self._body_height + 1, index))

    def _repaint(self) -> None:
        """Repaint the lines that have changed since they were painted."""
        (width, height), top = self.size, self._top
        stale = [y for y in range(height) if self._painted.get(y) != self._line(y, top)]
        if stale:
            self.refresh(*(Region(0, y, width, 1) for y in stale))
        self._post_viewport()

    def _post_viewport(self) -> None:
        """Post the viewport when it changes; request rows before they are on the screen."""
        viewport = self.viewport
        missing_keys = self._rows.request_missing(self._order, viewport)
        if missing_keys or viewport != self._posted_viewport:
            self._posted_viewport = viewport
            self.post_message(self.ViewportChanged(self, viewport, missing_keys))
