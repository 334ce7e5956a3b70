"""A list of the overview: header, table, filter, order, footer."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Label, Static

from readwatch.domain.errors import ReadwatchError
from readwatch.domain.filters import canonical, filter_size, parse
from readwatch.monitor.snapshots import Item, View, ViewSnapshot, with_older
from readwatch.store.lists.query import FIRST_PAGE, MAX_ROWS_SEARCHED, ListQuery, filterable_fields
from readwatch.tui.export_file import Source
from readwatch.tui.format.cells import Row
from readwatch.tui.format.columns import chosen, place
from readwatch.tui.keys import Group, bindings
from readwatch.tui.reader_pager import ReaderPager
from readwatch.tui.saved_views import SavedView
from readwatch.tui.screens.columns import ColumnsScreen
from readwatch.tui.views.spec import ViewSpec
from readwatch.tui.widgets.filter_suggester import FilterSuggester
from readwatch.tui.widgets.footer import Footer
from readwatch.tui.widgets.header import Header
from readwatch.tui.widgets.input import TextInput
from readwatch.tui.widgets.live_table import LiveTable


class ViewScreen(Screen[None]):
    """Shows the pictures of one view, and says what it wants to be asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Group.LISTS),
        *bindings(Group.ATTENTION),
        *bindings(Group.FILTER),
    ]

    CSS = """
    ViewScreen #filter { height: 1; background: $panel; padding: 0 1; display: none; }
    ViewScreen.-filtering #filter { display: block; }
    ViewScreen #filter Label { color: $text-accent; text-style: bold; }
    ViewScreen #filter TextInput { width: 1fr; }
    ViewScreen #found { width: auto; color: $text-muted; }
    ViewScreen #note {
        height: auto; padding: 0 1; background: $surface; color: $text-warning; display: none;
    }
    ViewScreen.-filtering.-noted #note { display: block; }
    """

    class Asked(Message):
        """Somebody wants this list sorted, filtered or longer."""

        def __init__(self, screen: "ViewScreen") -> None:
            super().__init__()
            self.screen = screen

    class Marked(Message):
        """Somebody has seen a reader, or takes that back."""

        def __init__(self, screen: "ViewScreen", reader_id: int) -> None:
            super().__init__()
            self.screen = screen
            self.reader_id = reader_id

    def __init__(self, view: View, listing: ViewSpec[Any], *, masked: bool = False) -> None:
        super().__init__()
        self.view = view
        self._listing = listing
        self._first_question = listing.queries.first_query(masked=masked)
        self.question = self._first_question
        self.shown: ViewSnapshot | None = None
        self.frozen = False
        self.held = ""  # how many rows are new since then
        self._newest: ViewSnapshot | None = None  # None before there was one since it is in front
        self._columns: frozenset[str] | None = None
        # Made here, because a picture may arrive before they are mounted.
        self.header = Header()
        self.table = LiveTable(listing.columns, empty_text="waiting for the first picture")
        self._filter = TextInput(
            placeholder="words to look for; enter keeps them, escape clears",
            suggester=FilterSuggester(filterable_fields(listing.queries.fields, masked=masked)),
        )
        self._found = Static("", id="found", markup=False)
        self._note = Static("", id="note", markup=False)
        self._mark_order()

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield self.header
        yield self.table
        yield self._note
        yield Horizontal(Label("/"), self._filter, self._found, id="filter")
        yield Footer()

    def on_mount(self) -> None:
        """Let the keys go to the table."""
        self.set_focus(self.table)

    def begin_with(self, question: ListQuery) -> None:
        """Be asked for this before anything is shown."""
        self.question = question
        self._filter.value = self.filtered_by
        self.set_class(bool(question.terms), "-filtering")
        self._mark_order()

    # Pictures.

    def come_to_front(self) -> None:
        """Begin to show what is going on."""
        self._freeze(False)
        self._newest = None

    def take(self, overview: ViewSnapshot) -> bool:
        """Show a new picture of this view, or hold it while the one before is frozen, which only
        becomes longer at its older end; tell whether it is shown.
        """
        if overview.query != self.question:
            return False  # asked for in another way meanwhile
        is_first, self._newest = self._newest is None, overview
        shown = self.shown
        if self.frozen and not is_first and shown and self._goes_on(shown, overview):
            if overview.query != shown.query:
                shown = with_older(shown, overview)
                self._show(shown)
                self._lengthen()  # so much may be new that nothing older came
            self.held = self._count_new(shown, overview)
            return False
        self.held = ""
        self._show(overview)
        return True

    def _goes_on(self, shown: ViewSnapshot, overview: ViewSnapshot) -> bool:
        """Tell whether a picture answers what the one that is shown does, or goes further back."""
        asked = shown.query
        if self.table.follow_top:
            asked = replace(asked, length=overview.query.length)
        return asked == overview.query

    def _count_new(self, shown: ViewSnapshot, overview: ViewSnapshot) -> str:
        """Say how many rows a picture has that are not in the one that is shown; with `+` where
        there may be others further down.
        """
        ids = overview.order.ids
        new = sum(id not in shown.order.positions for id in ids)
        is_sure = not overview.has_older or (new < len(ids) and self.table.follow_top)
        return f"{new}{'' if is_sure else '+'}" if new else ""

    def turn_frozen(self) -> None:
        """Hold the picture, or go on with the newest."""
        self._freeze(not self.frozen)
        if not self.frozen and self._newest is not None:
            self._show(self._newest)

    def _freeze(self, frozen: bool) -> None:
        self.frozen, self.held = frozen, ""
        # An activity or an entry never changes, and is read when it comes into view.
        self.table.keep_all(frozen and not self._listing.queries.pages)

    def _show(self, overview: ViewSnapshot) -> None:
        asked_anew = self.shown is not None and self.shown.query.terms != overview.query.terms
        self.shown = overview
        self.table.empty_text = self._listing.empty_text(self.question)
        self.table.show(self._rows(overview.items), overview.order)
        self._say_found()
        if asked_anew and self.table.cursor_row_departed:  # still here, only not asked for
            self.table.move_to(None)

    def fill(self, items: Sequence[Item]) -> None:
        """Show items that were lacking in the picture."""
        self.table.fill(self._rows(items))

    def _rows(self, items: Sequence[Item]) -> list[Row]:
        """Return the rows of items at the moment of the picture that is shown."""
        return self._listing.rows(items, self.shown.stats.taken_at) if self.shown else []

    def source(self) -> Source | None:
        """Return what can be taken along; None where there is nothing."""
        if self.shown is None or self.table.cursor_key is None:
            return None
        seen_in = f"from {self.view.label}{filter_size(self.shown.query.terms)}"
        return Source(self.table.draft(), seen_in, self.view, is_frozen=self.frozen)

    @property
    def filtered_by(self) -> str:
        """The filter; empty where there is none."""
        return canonical(self.question.terms)

    def refuse(self, question: ListQuery, reason: str) -> None:
        """Say why there is no answer to a question, and stay with the one before."""
        if question == self.question:
            self.question = self.shown.query if self.shown else self._first_question
            self._mark_order()
            self._say(reason)

    def walk_from(self, reader_id: int) -> ReaderPager:
        """Return the walk through the readers of the rows from top to bottom, each once."""
        reader_ids = tuple(dict.fromkeys(reader_id for _, reader_id in self._readers()))
        if reader_id not in reader_ids:  # gone since the key was pressed
            reader_ids = (reader_id,)
        return ReaderPager(self.view.label, reader_ids, reader_ids.index(reader_id))

    def move_to_reader(self, reader_id: int) -> None:
        """Put the cursor on the first row of a reader, unless it is on one or there is none."""
        keys = [key for key, of in self._readers() if of == reader_id]
        if keys and self.table.cursor_key not in keys:
            self.table.move_to(keys[0])

    def _readers(self) -> Iterator[tuple[int, int]]:
        """Yield each key from top to bottom, also that of a ghost, and whom its row is about."""
        known = (
            dict(zip(self.shown.order.ids, self.shown.reader_ids, strict=True))
            if self.shown
            else {}
        )
        for key in self.table.keys:
            reader_id = known.get(key, self.table.reader_id(key))
            if reader_id is not None:
                yield key, reader_id

    # What the person does.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the key of the filter to one that is typed in; offer marks where there are any."""
        if action == "filter" and self.focused is self._filter:
            return False
        if action == "mark" and not self._listing.marks:
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
        """Sort by the next column that is in sight."""
        sorts = [sort for sort in self._listing.queries.sorts if sort.column in self._in_sight]
        if not sorts:
            return
        columns = [sort.column for sort in sorts]
        at = columns.index(self.question.sort) if self.question.sort in columns else -1
        following = sorts[(at + 1) % len(sorts)]
        self._ask(sort=following.column, descending=following.descending)

    def action_turn(self) -> None:
        """Turn the order around."""
        self._ask(descending=not self.question.descending)

    def action_columns(self) -> None:
        """Ask which columns to show."""
        columns = self._listing.columns
        wanted = self._columns or self._in_sight
        self.app.push_screen(ColumnsScreen(columns, wanted, self.choose_columns))

    def choose_columns(self, keys: frozenset[str] | None) -> frozenset[str]:
        """Show columns as far as they fit, or with None as many as do; return those wanted now."""
        self._columns, columns = keys, self._listing.columns
        self.table.show_columns(columns if keys is None else chosen(columns, keys))
        return keys or self._in_sight

    @property
    def _in_sight(self) -> frozenset[str]:
        placed = place(self.table.columns, self.table.size.width)
        return frozenset(spot.column.key for spot in placed)

    def draft(self) -> SavedView:
        """Return what is wanted of this list now, to be kept under a name."""
        asked, columns = self.question, self._columns
        keys = None if columns is None else tuple(sorted(columns))
        return SavedView("", self.view, asked.sort, asked.descending, self.filtered_by, keys)

    def recall(self, saved: SavedView) -> None:
        """Want of this list what was kept, as far as there is such a thing."""
        known = frozenset(column.key for column in self._listing.columns)
        self.choose_columns(known.intersection(saved.columns or ()) or None)
        is_known = self._listing.queries.sort_by(saved.sort) is not None
        order = {"sort": saved.sort, "descending": saved.descending} if is_known else {}
        with self.prevent(Input.Changed):
            self._filter.value = saved.filter
        self.set_class(bool(saved.filter), "-filtering")
        self.set_focus(self.table)
        self._look_for(saved.filter, **order)

    def action_mark(self) -> None:
        """Mark the reader under the cursor as seen, or take that back."""
        if (key := self.table.meant()) is not None:
            self.post_message(self.Marked(self, key))

    @on(LiveTable.HeaderSelected)
    def _sort_by(self, event: LiveTable.HeaderSelected) -> None:
        if event.column == self.question.sort:
            self.action_turn()
        elif (sort := self._listing.queries.sort_by(event.column)) is not None:
            self._ask(sort=sort.column, descending=sort.descending)

    @on(LiveTable.ViewportChanged)
    def _lengthen(self) -> None:
        """Ask for another page before the end of the last one comes into view."""
        shown, length, sight = self.shown, self.question.length, self.table.viewport
        if shown is None or shown.query != self.question or not shown.has_older:
            return
        if self.frozen and not self.table.follow_top:
            return  # what is older has its places among the rows that are held
        ahead = sight.top + 2 * sight.height
        if ahead >= len(shown.order.ids) and length < MAX_ROWS_SEARCHED:
            self._ask(length=length + FIRST_PAGE)

    @on(Input.Changed)
    def _filter_changed(self, event: Input.Changed) -> None:
        self._look_for(event.value)

    def _look_for(self, typed: str, **changes: Any) -> None:
        try:
            terms = parse(typed)
        except ReadwatchError as error:
            self._say(error.message)
            return
        looks_back = self._listing.queries.pages and terms
        self._say(
            f"of the last {MAX_ROWS_SEARCHED:,} {self._listing.queries.pages}" if looks_back else ""
        )
        self._ask(terms=terms, **changes)

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _say_found(self) -> None:
        """Say how many rows the filter leaves, and which keys end it."""
        keys = "enter keeps, escape clears" if self.focused is self._filter else "escape clears"
        self._found.update(f"{self._fitting()}{keys}" if self.question.terms else "")

    def _fitting(self) -> str:
        if self.shown is None or self.shown.query.terms != self.question.terms:
            return ""  # not known yet
        number, more = len(self.shown.order.ids), "+" if self.shown.has_older else ""
        return f"{number:,}{more} {'fits' if number == 1 else 'fit'}; "

    @on(Input.Submitted)
    def _filter_kept(self) -> None:
        if not self._filter.value.strip():
            self.remove_class("-filtering")
        self.set_focus(self.table)

    def _ask(self, **changes: Any) -> None:
        question = replace(self.question, **{"length": FIRST_PAGE, **changes})
        if question != self.question:
            self.question = question
            self._mark_order()
            self._say_found()
            self.post_message(self.Asked(self))

    def _mark_order(self) -> None:
        self.table.sorted_by = (self.question.sort, self.question.descending)
        self.table.follow_top = self._listing.queries.follows_top(self.question)

    def _say(self, note: str) -> None:
        self._note.update(note)
        self.set_class(bool(note), "-noted")
