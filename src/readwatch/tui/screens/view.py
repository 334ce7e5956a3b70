"""The screen of a list: header, table, filter, footer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from readwatch.domain.attention import Rule
from readwatch.domain.audit import few_readers
from readwatch.domain.cases import NoteKind
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.filters import Term, canonical, parse
from readwatch.domain.typed_times import step_back, step_on
from readwatch.monitor.attention import AttentionItem
from readwatch.monitor.snapshots import Item, View, ViewSnapshot, list_for_log, with_older
from readwatch.store.lists.query import FIRST_PAGE, MAX_ROWS_SEARCHED, ListQuery, filterable_fields
from readwatch.tui.casework import CaseSubject
from readwatch.tui.export_file import Source
from readwatch.tui.format.cells import Row
from readwatch.tui.format.columns import only_columns, place_columns
from readwatch.tui.keys import Group, bindings
from readwatch.tui.reader_pager import ReaderPager
from readwatch.tui.saved_views import SavedView
from readwatch.tui.screens.columns import ColumnsScreen
from readwatch.tui.views.spec import ViewSpec
from readwatch.tui.widgets.filter_suggester import FilterSuggester
from readwatch.tui.widgets.footer import Footer
from readwatch.tui.widgets.header import Header, Status
from readwatch.tui.widgets.input import TextInput
from readwatch.tui.widgets.live_table import LiveTable


@dataclass(frozen=True)
class _Origin:
    """The view from which a list was opened with these terms, and the filter of the list before."""

    view: View
    filter: str
    terms: tuple[Term, ...]


class ViewScreen(Screen[None]):
    """Shows the snapshots of one view, and holds the query for the next snapshot."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Group.LISTS),
        *bindings(Group.PAST),
        *bindings(Group.PAIR),
        *bindings(Group.HISTORY),
        *bindings(Group.CASES),
        *bindings(Group.ATTENTION),
        *bindings(Group.FILTER),
    ]

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (140, "-wide")]  # noqa: RUF012 - as in Textual

    DEFAULT_CSS = """
    ViewScreen #list { height: 1fr; }
    ViewScreen #preview {
        display: none; width: 43; height: 1fr; padding: 0 1; background: $surface;
        border-left: solid $panel;
    }
    ViewScreen.-wide.-previewed #preview { display: block; }
    ViewScreen #filter { height: 1; background: $panel; padding: 0 1; display: none; }
    ViewScreen.-filtering #filter { display: block; }
    ViewScreen #filter Label { color: $text-accent; text-style: bold; }
    ViewScreen #filter TextInput { width: 1fr; }
    ViewScreen #match-count { width: auto; color: $text-muted; }
    ViewScreen #note {
        height: auto; padding: 0 1; background: $surface; color: $text-warning; display: none;
    }
    ViewScreen.-filtering.-noted #note { display: block; }
    ViewScreen #view-note {
        height: 1; padding: 0 2; background: $surface; color: $text-warning; display: none;
    }
    ViewScreen.-view-noted #view-note { display: block; }
    """

    @dataclass
    class QueryChanged(Message):
        """The user changed the order, filter or length of this list."""

        screen: "ViewScreen"

    @dataclass
    class SeenToggled(Message):
        """The user marks a reader as seen, or removes the mark."""

        screen: "ViewScreen"
        reader_id: int

    @dataclass
    class MuteToggled(Message):
        """The user mutes rules of Attention, or takes that back."""

        screen: "ViewScreen"
        rules: tuple[Rule, ...]
        is_muted: bool

    @dataclass
    class BackRequested(Message):
        """The user goes back to the view from which this list was opened."""

        screen: "ViewScreen"
        origin: View

    @dataclass
    class MarkToggled(Message):
        """The user marks a reader for a comparison, or removes the mark."""

        screen: "ViewScreen"
        reader_id: int

    @dataclass
    class ComparisonRequested(Message):
        """The user wants to compare the marked readers, or the marked one with that of a row."""

        screen: "ViewScreen"
        reader_id: int | None

    @dataclass
    class TimeRequested(Message):
        """The user wants to type a time of the past."""

        screen: "ViewScreen"

    @dataclass
    class StepRequested(Message):
        """The user goes an hour or a day back, or on."""

        screen: "ViewScreen"
        offset: int

    @dataclass
    class NowRequested(Message):
        """The user goes back to now."""

        screen: "ViewScreen"

    @dataclass
    class CaseChangeRequested(Message):
        """The user wants to add a note about a reader, or to change the reader's case."""

        screen: "ViewScreen"
        subject: CaseSubject
        kind: NoteKind

    def __init__(self, view: View, spec: ViewSpec[Any], *, masked: bool = False) -> None:
        super().__init__()
        self.view = view
        self._spec = spec
        self._initial_query = spec.options.first_query(masked=masked)
        self.list_query = self._initial_query
        self.snapshot: ViewSnapshot | None = None
        self.frozen = False
        self.new_rows = ""  # the number of new rows since the list was frozen
        self._newest: ViewSnapshot | None = None  # None until the first snapshot after `activate`
        self._refused: ListQuery | None = None  # the last query that was refused
        self._columns: frozenset[str] | None = None
        self._opened_from: _Origin | None = None
        self._items: dict[int, Item] = {}  # of the loaded rows
        # Created here, because a snapshot may arrive before the widgets are mounted.
        self.header = Header()
        self.table = LiveTable(spec.columns, empty_text="loading …")
        self._filter = TextInput(
            placeholder="type a filter; enter keeps it, escape clears it",
            suggester=FilterSuggester(
                filterable_fields(spec.options.filterable_fields, masked=masked)
            ),
        )
        self._match_count = Static("", id="match-count", markup=False)
        self._note = Static("", id="note", markup=False)
        self._view_note = Static("", id="view-note", markup=False)
        self._preview = Static("", id="preview", markup=False)
        self._previewed = Content("")
        self._set_table_order()

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield self.header
        yield self._view_note
        yield from self.widgets_above_table()
        with Horizontal(id="list"):
            yield self.table
            if self.has_preview:
                yield self._preview
        yield from self.widgets_below_table()
        yield self._note
        yield Horizontal(Label("/"), self._filter, self._match_count, id="filter")
        yield Footer()

    def widgets_above_table(self) -> Iterable[Widget]:
        """Return the widgets of a view between its header and its table."""
        return ()

    def widgets_below_table(self) -> Iterable[Widget]:
        """Return the widgets of a view between its table and its filter."""
        return ()

    def on_mount(self) -> None:
        """Give the focus to the table."""
        self.set_focus(self.table)

    def set_initial_query(self, list_query: ListQuery) -> None:
        """Set the query of the first snapshot."""
        self.list_query = list_query
        self._filter.value = self.filtered_by
        self.set_class(bool(list_query.terms), "-filtering")
        self._set_table_order()

    def open_from(self, origin: View, term: Term) -> None:
        """Show only the rows that match a term; `escape` goes back to another view, and this list
        gets its filter from before."""
        before = self.filtered_by if self._opened_from is None else self._opened_from.filter
        self._opened_from = _Origin(origin, before, (term,))
        self._set_filter(canonical([term]))

    @property
    def has_marks(self) -> bool:
        """Whether readers can be marked in this list."""
        return self.view not in {View.GROUPS, View.ACCESS_LOG}

    @property
    def goes_back(self) -> bool:
        """Whether the list can show a time of the past."""
        return self._spec.options.goes_back

    def show_time(self, at: datetime | None) -> None:
        """Show a time of the past, or now; a frozen list goes on."""
        if at != self.list_query.at:
            self._set_frozen(False)
            self._change_query(at=at)
            self.refresh_bindings()

    def discard_origin(self) -> None:
        """Let `escape` only clear the filter."""
        self._opened_from = None

    # Snapshots.

    def activate(self, *, keeps_rows: bool = False) -> None:
        """Show live data from now on; only with `keeps_rows` the rows stay until it arrives."""
        self._set_frozen(False)
        self._newest = None
        if not keeps_rows:
            self.table.is_concealed = self.snapshot is not None
            self._show_preview()

    def show_status(self, status: Status) -> None:
        """Show a status in the header, and dim the rows if they may not be current.

        While the database cannot be read, the last rows are shown again; those of a filter or
        a time of the past are not, because that cannot be logged.
        """
        self.header.status = status
        self.table.is_old = status.is_old
        snapshot = self.snapshot
        if (
            status.lost_since is not None
            and snapshot is not None
            and not snapshot.query.is_narrowed
            and self._shows_chosen_time
        ):
            self.table.is_concealed = False
            self._show_preview()

    def show_snapshot(self, snapshot: ViewSnapshot) -> bool:
        """Show a new snapshot, and return True. While the list is frozen, add only older rows and
        count the new ones; then return False.
        """
        if snapshot.query != self.list_query:
            return False  # the query has changed since the request
        is_first, self._newest = self._newest is None, snapshot
        current = self.snapshot
        if self.frozen and not is_first and current and self._extends(current, snapshot):
            if snapshot.query != current.query:
                current = with_older(current, snapshot)
                self._replace_snapshot(current)
                self._request_older()  # the new rows may have left no room for older ones
            self.new_rows = self._count_new(current, snapshot)
            return False
        self.new_rows = ""
        self._replace_snapshot(snapshot)
        if snapshot.query == self._refused:
            self._refused = None
            self._show_note(self._limit_of(snapshot.query.terms))
        return True

    def _extends(self, current: ViewSnapshot, newer: ViewSnapshot) -> bool:
        """Tell whether a snapshot has the query of the current one, or the same but longer."""
        current_query = current.query
        if self.table.follow_top:
            current_query = replace(current_query, length=newer.query.length)
        return current_query == newer.query

    def _count_new(self, current: ViewSnapshot, newer: ViewSnapshot) -> str:
        """Return the number of new rows in a snapshot, with `+` if there may be more."""
        ids = newer.order.ids
        new = sum(id not in current.order.positions for id in ids)
        is_sure = not newer.has_older or (new < len(ids) and self.table.follow_top)
        return f"{new}{'' if is_sure else '+'}" if new else ""

    def toggle_frozen(self) -> None:
        """Freeze the list, or show the newest snapshot."""
        self._set_frozen(not self.frozen)
        if not self.frozen and self._newest is not None:
            self._replace_snapshot(self._newest)

    def _set_frozen(self, frozen: bool) -> None:
        self.frozen, self.new_rows = frozen, ""
        # Activities and entries never change: they can be loaded when they come into view.
        self.table.load_all(frozen and not self._spec.options.is_endless)

    def _replace_snapshot(self, snapshot: ViewSnapshot) -> None:
        query = snapshot.query
        before = query if self.snapshot is None else self.snapshot.query
        is_other_list = (before.terms, before.at) != (query.terms, query.at)
        self.snapshot = snapshot
        cursor = self.table.cursor_key  # its row stays if the reader has left the list
        self._items = {key: item for key, item in self._items.items() if key == cursor}
        if before.at != query.at:  # a reader has the same key at all times
            self.table.drop_rows()
            self._items = {}
        self.table.empty_text = self._spec.empty_text(self.list_query)
        note = self._spec.note(snapshot)
        self._view_note.update(note)
        self.set_class(bool(note), "-view-noted")
        self.table.show(self._rows(snapshot.items), snapshot.order)
        self._show_match_count()
        if is_other_list and self.table.cursor_row_departed:
            self.table.move_to(None)  # the row exists, but the filter or the time hides it
        self._show_preview()

    def add_items(self, items: Sequence[Item]) -> None:
        """Show items that the snapshot did not contain."""
        self.table.add_rows(self._rows(items))
        self._show_preview()

    def _rows(self, items: Sequence[Item]) -> list[Row]:
        """Return the rows of items at the time of the current snapshot, and keep the items."""
        if self.snapshot is None:
            return []
        rows = self._spec.rows(items, self.snapshot.shown_at)
        self._items |= {row.key: item for row, item in zip(rows, items, strict=True)}
        return rows

    def export_source(self) -> Source | None:
        """Return the source for an export or copy; None if the list is empty, or if its rows are
        not yet those of the chosen time."""
        snapshot = self.snapshot
        if snapshot is None or self.table.cursor_key is None or not self._shows_chosen_time:
            return None
        details = f"from {list_for_log(self.view, snapshot.query)}"
        exported = self.table.export()
        readers, at = few_readers(map(self._reader_of, exported.keys)), snapshot.query.at
        return Source(exported, details, self.view, at, readers, is_frozen=self.frozen)

    @property
    def _shows_chosen_time(self) -> bool:
        return self.snapshot is not None and self.snapshot.query.at == self.list_query.at

    @property
    def shown_past(self) -> datetime | None:
        """The time of the past that the rows show; None is now, or a day that has not ended."""
        snapshot = self.snapshot
        if snapshot is None or snapshot.query.at is None:
            return None
        at, now = snapshot.query.at.astimezone(), snapshot.stats.taken_at.astimezone()
        is_today = self.view is View.DAY and at.date() == now.date()
        return None if is_today else at

    @property
    def has_preview(self) -> bool:
        """Whether wide terminals say more about the row under the cursor."""
        return self._spec.preview is not None

    @property
    def filtered_by(self) -> str:
        """The filter as text, or empty text."""
        return canonical(self.list_query.terms)

    def refuse(self, list_query: ListQuery, reason: str) -> None:
        """Show why a query was refused, and go back to the query of the snapshot."""
        if list_query == self.list_query:
            self.list_query = self.snapshot.query if self.snapshot else self._initial_query
            self._set_table_order()
            self._refused = list_query
            self._show_note(reason)
            self.refresh_bindings()

    def pager_from(self, reader_id: int) -> ReaderPager:
        """Return a pager through the readers of the rows, from top to bottom, each once."""
        reader_ids = tuple(dict.fromkeys(reader_id for _, reader_id in self._readers()))
        if reader_id not in reader_ids:  # the reader left the list after the key was pressed
            reader_ids = (reader_id,)
        return ReaderPager(self.view.label, reader_ids, reader_ids.index(reader_id))

    def move_to_reader(self, reader_id: int) -> None:
        """Move the cursor to the first row of a reader, unless it is on a row of the reader."""
        keys = [key for key, row_reader in self._readers() if row_reader == reader_id]
        if keys and self.table.cursor_key not in keys:
            self.table.move_to(keys[0])

    def _readers(self) -> Iterator[tuple[int, int]]:
        """Yield each key from top to bottom, including the departed row, with its reader."""
        for key in self.table.keys:
            if (reader_id := self._reader_of(key)) is not None:
                yield key, reader_id

    def _reader_of(self, key: int) -> int | None:
        snapshot = self.snapshot
        if snapshot is not None and key in snapshot.order.positions:
            return snapshot.reader_ids[snapshot.order.positions[key]]
        return self.table.reader_id(key)

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable `filter` while a filter is typed, and the keys of cases in views without them."""
        if action == "filter" and self.focused is self._filter:
            return False
        if action == "go" and parameters == (-1,):
            return self.goes_back
        if action == "now":
            return self.list_query.at is not None and not self.has_class("-filtering")
        if action in {"mark", "compare"}:
            return self.has_marks
        if action == "go":
            return self.list_query.at is not None
        if action in {"toggle_seen", "toggle_muted", "change_case"} and not self._spec.has_cases:
            return False
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Open the filter."""
        self.add_class("-filtering")
        self.set_focus(self._filter)  # at once: the next key belongs to the filter

    def action_clear(self) -> None:
        """Clear and close the filter, or take back an `enter` whose page is not open yet; go back
        to the view from which the list was opened."""
        if self.table.selections.drop():
            return
        if self._opened_from is not None:
            opened_from, self._opened_from = self._opened_from, None
            self._set_filter(opened_from.filter)
            self.post_message(self.BackRequested(self, opened_from.view))
            return
        self.remove_class("-filtering")
        self._filter.value = ""
        self.set_focus(self.table)

    def action_sort(self) -> None:
        """Sort by the next visible column."""
        sorts = [sort for sort in self._spec.options.sorts if sort.column in self._visible_columns]
        if not sorts:
            return
        columns = [sort.column for sort in sorts]
        index = columns.index(self.list_query.sort) if self.list_query.sort in columns else -1
        following = sorts[(index + 1) % len(sorts)]
        self._change_query(sort=following.column, descending=following.descending)

    def action_reverse(self) -> None:
        """Reverse the order."""
        self._change_query(descending=not self.list_query.descending)

    def action_mark(self) -> None:
        """Mark the reader under the cursor for a comparison and go to the next row, or remove the
        mark."""
        key = self.table.intended_key()
        reader_id = None if key is None else self._reader_of(key)
        if reader_id is not None:
            self.post_message(self.MarkToggled(self, reader_id))
            if reader_id not in self.table.marked:
                self.table.action_move(1)

    def action_compare(self) -> None:
        """Compare the marked readers, or the marked one with the one under the cursor."""
        key = self.table.intended_key()
        reader_id = None if key is None else self._reader_of(key)
        self.post_message(self.ComparisonRequested(self, reader_id))

    def action_time(self) -> None:
        """Ask for a time of the past."""
        self.post_message(self.TimeRequested(self))

    def action_go(self, offset: int) -> None:
        """Go an hour or a day back, or on."""
        self.post_message(self.StepRequested(self, offset))

    def action_now(self) -> None:
        """Go back to now."""
        self.post_message(self.NowRequested(self))

    def step_from(self, now: datetime, offset: int) -> datetime | None:
        """Return the time an hour or a day before the chosen one, or after it; None is now."""
        step, at = self._spec.options.step, self.list_query.at
        if step is None:
            return None
        if offset < 0:
            return step_back(at, step, now)
        return None if at is None else step_on(at, step, now)

    def action_columns(self) -> None:
        """Open the dialog to choose columns."""
        columns = self._spec.columns
        chosen_keys = self._columns or self._visible_columns
        self.app.push_screen(ColumnsScreen(columns, chosen_keys, self.choose_columns))

    def choose_columns(self, keys: frozenset[str] | None) -> frozenset[str]:
        """Show columns (None: the columns that fit); return the keys of the shown columns."""
        self._columns, columns = keys, self._spec.columns
        self.table.show_columns(columns if keys is None else only_columns(columns, keys))
        return keys or self._visible_columns

    @property
    def _visible_columns(self) -> frozenset[str]:
        placed = place_columns(self.table.columns, self.table.size.width)
        return frozenset(placed_column.column.key for placed_column in placed)

    def to_saved_view(self) -> SavedView:
        """Return the current query and columns as a view without a name."""
        list_query, columns = self.list_query, self._columns
        keys = None if columns is None else tuple(sorted(columns))
        return SavedView(
            "", self.view, list_query.sort, list_query.descending, self.filtered_by, keys
        )

    def apply_saved_view(self, saved: SavedView) -> None:
        """Apply the query and the columns of a saved view, without columns that do not exist."""
        existing = frozenset(column.key for column in self._spec.columns)
        self.choose_columns(existing.intersection(saved.columns or ()) or None)
        can_sort = self._spec.options.sort_by(saved.sort) is not None
        order = {"sort": saved.sort, "descending": saved.descending} if can_sort else {}
        self._opened_from = None
        self._set_filter(saved.filter, **order)

    def _set_filter(self, filter: str, **changes: Any) -> None:
        with self.prevent(Input.Changed):
            self._filter.value = filter
        self.set_class(bool(filter), "-filtering")
        self.set_focus(self.table)
        self._apply_filter(filter, **changes)

    def action_toggle_seen(self) -> None:
        """Mark the reader under the cursor as seen, or remove the mark."""
        if (key := self.table.intended_key()) is not None:
            self.post_message(self.SeenToggled(self, key))

    def action_toggle_muted(self) -> None:
        """Mute the most urgent rule of the row under the cursor that is not muted; if all are, take
        that back."""
        key = self.table.intended_key()
        item = None if key is None or self.table.is_concealed else self._items.get(key)
        if isinstance(item, AttentionItem) and item.rules:
            first = next((rule for rule in item.rules if rule not in item.muted), None)
            rules = item.rules if first is None else (first,)
            self.post_message(self.MuteToggled(self, rules, is_muted=first is not None))

    def action_change_case(self, kind: str) -> None:
        """Add a note about the reader under the cursor, or change the reader's case."""
        key = self.table.intended_key()
        item = None if key is None else self._items.get(key)
        if isinstance(item, AttentionItem):
            subject = CaseSubject(item.user_id, item.full_name, item.case)
            self.post_message(self.CaseChangeRequested(self, subject, NoteKind(kind)))

    @on(LiveTable.RowHighlighted)
    def _show_preview(self) -> None:
        """Show what the list knows about the row under the cursor, unless rows are concealed."""
        key, preview, lines = self.table.cursor_key, self._spec.preview, Content("")
        item = None if key is None or self.table.is_concealed else self._items.get(key)
        if item is not None and preview is not None and self.snapshot is not None:
            lines = Content("\n").join(preview(item, self.snapshot.shown_at))
        if not lines.is_same(self._previewed):
            self._previewed = lines
            self._preview.update(lines, layout=False)

    @on(LiveTable.HeaderSelected)
    def _sort_by(self, event: LiveTable.HeaderSelected) -> None:
        if event.column == self.list_query.sort:
            self.action_reverse()
        elif (sort := self._spec.options.sort_by(event.column)) is not None:
            self._change_query(sort=sort.column, descending=sort.descending)

    @on(LiveTable.ViewportChanged)
    def _request_older(self) -> None:
        """Request another page before the end of the last page comes into view."""
        snapshot, length, viewport = self.snapshot, self.list_query.length, self.table.viewport
        if snapshot is None or snapshot.query != self.list_query or not snapshot.has_older:
            return
        if self.frozen and not self.table.follow_top:
            return  # in this order, older rows could belong between the frozen ones
        ahead = viewport.top + 2 * viewport.height
        if ahead >= len(snapshot.order.ids) and length < MAX_ROWS_SEARCHED:
            self._change_query(length=length + FIRST_PAGE)

    @on(Input.Changed)
    def _filter_changed(self, event: Input.Changed) -> None:
        self._apply_filter(event.value)

    def _apply_filter(self, typed: str, **changes: Any) -> None:
        try:
            terms = parse(typed)
        except ReadwatchError as error:
            self._show_note(error.message)
            return
        if self._opened_from is not None and terms != self._opened_from.terms:
            self._opened_from = None  # it is another list now
        self._show_note(self._limit_of(terms))
        self._change_query(terms=terms, **changes)

    def _limit_of(self, terms: Sequence[Term]) -> str:
        """Return how far a filter goes back, or empty text for a list with an end."""
        if not terms or not self._spec.options.is_endless:
            return ""
        return f"searches the last {MAX_ROWS_SEARCHED:,} {self._spec.options.noun}"

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _show_match_count(self) -> None:
        """Show the number of rows that match the filter, and the keys that end typing."""
        escapes = "escape clears" if self._opened_from is None else "escape goes back"
        keys = f"enter keeps, {escapes}" if self.focused is self._filter else escapes
        self._match_count.update(f"{self._match_text()}{keys}" if self.list_query.terms else "")

    def _match_text(self) -> str:
        if self.snapshot is None or self.snapshot.query.terms != self.list_query.terms:
            return ""  # the number for this filter is unknown
        number, more = len(self.snapshot.order.ids), "+" if self.snapshot.has_older else ""
        return f"{number:,}{more} {'match' if number == 1 else 'matches'}; "

    @on(Input.Submitted)
    def _close_filter(self) -> None:
        if not self._filter.value.strip():
            self.remove_class("-filtering")
        elif self._refused is not None:
            self._apply_filter(self._filter.value)  # another try
        self.set_focus(self.table)

    def _change_query(self, **changes: Any) -> None:
        list_query = replace(self.list_query, **{"length": FIRST_PAGE, **changes})
        if list_query != self.list_query:
            self.list_query = list_query
            self._set_table_order()
            self._show_match_count()
            self.post_message(self.QueryChanged(self))

    def _set_table_order(self) -> None:
        self.table.sorted_by = (self.list_query.sort, self.list_query.descending)
        self.table.follow_top = self._spec.options.follows_top(self.list_query)

    def _show_note(self, note: str) -> None:
        self._note.update(note)
        self.set_class(bool(note), "-noted")
