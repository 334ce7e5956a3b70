"""The page of one reader, shown after the access is logged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from readwatch.domain.activities import ContentProgress
from readwatch.domain.cases import NoteKind
from readwatch.monitor.snapshots import ReaderSnapshot
from readwatch.tui.casework import CaseSubject
from readwatch.tui.export_file import Source
from readwatch.tui.format.case import NOTE_COLUMNS, note_row
from readwatch.tui.format.cells import TONE_STYLES, Row
from readwatch.tui.format.columns import cut
from readwatch.tui.format.reader_page import (
    ACTIVITY_COLUMNS,
    BOOK_COLUMNS,
    SESSION_COLUMNS,
    activity_row,
    book_row,
    profile_summary,
    session_row,
)
from readwatch.tui.format.text import (
    BREADCRUMB,
    presence_cell,
)
from readwatch.tui.keys import Group, bindings
from readwatch.tui.reader_pager import ReaderPager
from readwatch.tui.screens.refusal import refusal
from readwatch.tui.widgets.activity_detail import ActivityDetail
from readwatch.tui.widgets.footer import Footer
from readwatch.tui.widgets.header import Header, Status
from readwatch.tui.widgets.live_table import LiveTable
from readwatch.tui.widgets.reading_days import ReadingDays

_NEAR_END = 20
"""Older activities are requested if the cursor is within this many rows of the oldest one."""


class Panel(StrEnum):
    """The panels of the page; `tab` moves from one to the next."""

    DAYS = "days"
    BOOKS = "books"
    ACTIVITIES = "activities"
    SESSIONS = "sessions"
    NOTES = "notes"


class ReaderScreen(Screen[None]):
    """The live page of a reader: days, books, sessions, activities and, if there are any, the notes
    of consultants.

    In a small terminal only the focused panel is open.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Group.READER),
        *bindings(Group.CASES),
        *bindings(Group.HISTORY),
    ]
    AUTO_FOCUS = ""  # no widget has the focus before there is data
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (36, "-tall")]  # noqa: RUF012

    CSS = """
    ReaderScreen #breadcrumb { height: 1; padding: 0 1 0 2; background: $surface; }
    ReaderScreen #summary {
        height: auto; padding: 0 1 0 2; background: $surface;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    ReaderScreen #data { display: none; height: 1fr; }
    ReaderScreen.-shown #data { display: block; }
    ReaderScreen.-tall ReadingDays, ReaderScreen ReadingDays.-open { height: 10; }
    ReaderScreen #tables { height: 1fr; layout: vertical; }
    ReaderScreen #activity-panel { height: 2fr; }
    ReaderScreen.-low.-narrow #tables > * { height: 4; }
    ReaderScreen.-low.-narrow #tables > .-open { height: 1fr; }
    ReaderScreen.-low.-narrow.-days #tables > * { height: 1fr; }
    ReaderScreen.-wide #tables {
        layout: grid; grid-size: 2 2; grid-columns: 2fr 3fr; grid-rows: 1fr 1fr;
    }
    ReaderScreen.-wide #activity-panel { row-span: 2; height: 1fr; }
    ReaderScreen #notes { display: none; }
    ReaderScreen.-noted #notes { display: block; }
    ReaderScreen.-noted.-low.-narrow #notes { height: 2; }
    ReaderScreen.-noted.-low.-narrow #notes.-open { height: 1fr; }
    ReaderScreen.-noted.-wide #tables { grid-size: 2 3; grid-rows: 1fr 1fr 1fr; }
    ReaderScreen.-noted.-wide #activity-panel { row-span: 3; }
    ReaderScreen.-with-detail ActivityDetail { display: block; }
    ReaderScreen.-low.-narrow.-with-detail #books,
    ReaderScreen.-low.-narrow.-with-detail #sessions {
        display: none;
    }
    ReaderScreen #refused { padding: 1 2; display: none; height: 1fr; background: $surface; }
    ReaderScreen.-refused #refused { display: block; }
    """

    class BackRequested(Message):
        """The user goes back to the list."""

    @dataclass
    class StepRequested(Message):
        """The user goes to the reader `offset` rows further down the list."""

        offset: int

    @dataclass
    class CaseChangeRequested(Message):
        """The user wants to add a note about the reader, or to change the reader's case."""

        screen: "ReaderScreen"
        subject: CaseSubject
        kind: NoteKind

    def __init__(
        self,
        request_id: int,
        pager: ReaderPager,
        panel: Panel,
        read_older: Callable[[int, int], object],
    ) -> None:
        """`panel` is open at first; `read_older` requests activities older than an id, for the
        request that opened the page.
        """
        super().__init__()
        self._read_older = read_older
        self.request_id = request_id
        self.pager = pager
        # Created here, because a snapshot may arrive before the widgets are mounted.
        self.header = Header()
        self._breadcrumb = Static("", id="breadcrumb", markup=False)
        self._summary = Static("logging the access …", id="summary", markup=False)
        self._refused = Static("", id="refused", markup=False)
        self._book_keys: dict[str, int] = {}
        self._days = ReadingDays(id=Panel.DAYS)
        self._books = LiveTable(
            BOOK_COLUMNS, opens=False, id=Panel.BOOKS, empty_text="no books yet"
        )
        self._activities = LiveTable(
            ACTIVITY_COLUMNS, opens=False, id=Panel.ACTIVITIES, empty_text="no activities yet"
        )
        self._detail = ActivityDetail()
        self._sessions = LiveTable(
            SESSION_COLUMNS, opens=False, id=Panel.SESSIONS, empty_text="no sessions yet"
        )
        self._notes = LiveTable(NOTE_COLUMNS, opens=False, id=Panel.NOTES)
        self._notes.follow_top = True  # a low panel shows the newest one
        self._activity_panel = Vertical(self._activities, self._detail, id="activity-panel")
        # For each panel, the widget that takes the focus and the widget that grows.
        self._panels: dict[Panel, tuple[Widget, Widget]] = {
            Panel.DAYS: (self._days, self._days),
            Panel.BOOKS: (self._books, self._books),
            Panel.ACTIVITIES: (self._activities, self._activity_panel),
            Panel.SESSIONS: (self._sessions, self._sessions),
            Panel.NOTES: (self._notes, self._notes),
        }
        self.panel = panel
        self._page: ReaderSnapshot | None = None
        self._note = ""
        self._rows: dict[int, Row] = {}
        self._rows_of_day: date | None = None  # the day on which the rows show their times

    def compose(self) -> ComposeResult:
        """Lay out the screen without data."""
        yield self.header
        yield self._breadcrumb
        yield self._summary
        yield self._refused
        with Container(id="data"):
            yield self._days
            with Container(id="tables"):
                yield self._books
                yield self._activity_panel
                yield self._sessions
                yield self._notes
        yield Footer()

    def on_mount(self) -> None:
        """Show the breadcrumb."""
        self._show_breadcrumb()

    def show_status(self, status: Status) -> None:
        """Show a status in the header, and dim the rows if they may not be current."""
        self.header.status = status
        for table in (self._books, self._activities, self._sessions, self._notes):
            table.is_old = status.is_old

    def show(self, readers: tuple[ReaderSnapshot, ...]) -> None:
        """Show a new snapshot of the reader."""
        [page] = readers
        before, self._page = self._page, page
        now = page.stats.taken_at
        self.add_class("-shown")
        self.remove_class("-refused")
        self._show_breadcrumb()
        self._summary.update(profile_summary(page, now))
        self._days.days, self._days.peers = page.days, page.peers
        self._books.show([book_row(self._key_of(book), book, now) for book in page.contents])
        self._sessions.show([session_row(session, now) for session in page.sessions])
        self.set_class(bool(page.notes), "-noted")
        self._notes.show([note_row(note, now) for note in page.notes])
        self._show_activities(page)
        is_other_case = before is None or (before.case is None) is not (page.case is None)
        if is_other_case:
            self.refresh_bindings()
        if before is None:
            self.set_focus(self._panels[self.panel][0])

    def _show_activities(self, page: ReaderSnapshot) -> None:
        now, cached = page.stats.taken_at, self._rows  # activities never change
        if self._rows_of_day != (today := now.astimezone().date()):
            self._rows_of_day, cached = today, {}
        self._rows = {
            item.id: cached[item.id] if item.id in cached else activity_row(item, now)
            for item in page.activities
        }
        self._activities.show(tuple(self._rows.values()))

    def refuse(self, reason: str) -> None:
        """Show why there is no data."""
        self._page = None
        self.add_class("-refused")
        self.remove_class("-shown", "-with-detail")
        self._show_breadcrumb()
        self._summary.update("")
        self.refresh_bindings()
        self._refused.update(refusal("This reader's data is not shown", reason))

    def export_source(self) -> Source | None:
        """Return the source for an export or copy of the focused table; None without data."""
        if self._page is None:
            return None
        details = f"from a reader's page, {self.table.id}"
        return Source(self.table.export(), details, readers=frozenset({self._page.user.id}))

    @property
    def has_data(self) -> bool:
        """Whether the page shows data: it does not while the access is logged, or if refused."""
        return self._page is not None

    @property
    def table(self) -> LiveTable:
        """The focused table, or the activities if no table has the focus."""
        return self.focused if isinstance(self.focused, LiveTable) else self._activities

    def say(self, note: str) -> None:
        """Show why a key has opened no other reader."""
        self._note = note
        self._show_breadcrumb()

    def _show_breadcrumb(self) -> None:
        """Show the list, the reader and the position in the list."""
        name, presence = "…", Content("")
        if self._page is not None:
            name = cut(self._page.user.full_name, 36)
            mark = presence_cell(self._page.presence_at(self._page.stats.taken_at))
            presence = Content.assemble("   ", (mark.text, TONE_STYLES[mark.tone]))
        self._breadcrumb.update(
            Content.assemble(
                (f"{self.pager.list_name.capitalize()} {BREADCRUMB} ", "dim"),
                (name, "bold"),
                (f" ({self.pager})", "dim"),
                (f"   {self._note}" if self._note else "", "$text-warning"),
                presence,
            )
        )

    def _key_of(self, book: ContentProgress) -> int:
        """Return a row key for a book that stays the same while the page is open."""
        return self._book_keys.setdefault(book.content_id, len(self._book_keys))

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable `toggle_detail` unless the activities have the focus, and `change_case` for a
        reader who is not in Attention, except for a note."""
        if action == "change_case":
            page = self._page
            return page is not None and (page.case is not None or parameters == (NoteKind.NOTE,))
        if action == "toggle_detail":
            return self.focused in {self._activities, self._detail} and bool(self._rows)
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """Close the details of an activity or, if they are closed, go back to the list."""
        if self.has_class("-with-detail"):
            self.action_toggle_detail()
        else:
            self.post_message(self.BackRequested())

    def action_step(self, offset: int) -> None:
        """Go to another reader of the list."""
        self.post_message(self.StepRequested(offset))

    def action_toggle_detail(self) -> None:
        """Show or hide the details of the activity under the cursor."""
        self.toggle_class("-with-detail")
        self.set_focus(self._activities)
        self._show_detail(self._activities.cursor_key)

    def action_change_case(self, kind: str) -> None:
        """Add a note about the reader, or change the reader's case."""
        if (page := self._page) is not None:
            subject = CaseSubject(page.user.id, page.user.full_name, page.case)
            self.post_message(self.CaseChangeRequested(self, subject, NoteKind(kind)))

    @on(LiveTable.RowHighlighted, "#activities")
    def _follow_cursor(self, event: LiveTable.RowHighlighted) -> None:
        self._show_detail(event.key)
        if self._page is not None and self._page.has_older and event.key is not None:
            last = self._page.activities[-_NEAR_END:]
            if event.key <= last[0].id:
                self._read_older(self.request_id, last[-1].id)

    def _show_detail(self, key: int | None) -> None:
        if self._page is not None and self.has_class("-with-detail"):
            activities = (item for item in self._page.activities if item.id == key)
            self._detail.show(next(activities, None))

    def on_descendant_focus(self) -> None:
        """Open the panel that has the focus."""
        for panel, (takes_focus, grows) in self._panels.items():
            if self.focused in {takes_focus, grows, *grows.children}:
                self.panel = panel
        for panel, (_, grows) in self._panels.items():
            grows.set_class(panel is self.panel, "-open")
        self.set_class(self.panel is Panel.DAYS, "-days")
