"""Reader: one reader's data, shown after the look is on record."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from zoneinfo import ZoneInfo

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from readwatch.domain.activities import ContentProgress, RecordedActivity
from readwatch.domain.clock import ago
from readwatch.domain.sessions import Session
from readwatch.monitor.snapshots import ReaderSnapshot
from readwatch.tui.export_file import Source
from readwatch.tui.format.cells import Row, Tone, Toned
from readwatch.tui.format.columns import Column, cut
from readwatch.tui.format.text import (
    TRAIL,
    activity_words,
    day_and_time,
    hours_and_minutes,
    how_long_ago,
    minutes_of,
    presence_cell,
    progress_bar,
    seconds_shown,
    time_spent,
)
from readwatch.tui.keys import Group, bindings
from readwatch.tui.reader_pager import ReaderPager
from readwatch.tui.widgets.activity_detail import ActivityDetail
from readwatch.tui.widgets.footer import Footer
from readwatch.tui.widgets.header import Header
from readwatch.tui.widgets.live_table import LiveTable
from readwatch.tui.widgets.reading_days import ReadingDays

_BOOKS = (
    Column("title", "Book", width=12, flex=1),
    Column("progress", "Progress", width=11),
    Column("time", "Time", width=9, align="right", from_width=52),
    Column("ago", "Last read", width=9, align="right"),
)
_SESSIONS = (
    Column("started", "Session", width=16),
    Column("minutes", "Min", width=5, align="right"),
    Column("device", "Device", width=8, flex=1),
    Column("state", "State", width=10),
)
_ACTIVITIES = (
    Column("when", "Activity", width=16),
    Column("type", "What", width=16),
    Column("title", "Title", width=8, flex=2),
    Column("progress", "Progress", width=11),
    Column("duration", "Length", width=6, align="right", from_width=84),
    Column("metadata", "Details", width=10, flex=2, from_width=88),
)
_TONES: dict[Tone | None, str] = {
    "good": "$text-success",
    "warn": "$text-warning",
    "bad": "$text-error",
    "accent": "$text-accent",
    "muted": "dim",
}
_NEAR_END = 20
"""So many activities before the oldest that is shown, older ones are read."""


class Panel(StrEnum):
    """The parts of the page that `tab` goes through."""

    DAYS = "days"
    BOOKS = "books"
    ACTIVITIES = "activities"
    SESSIONS = "sessions"


class ReaderScreen(Screen[None]):
    """A reader's days, books, sessions and activities; live while it is open.

    The panel that has the focus is open, and where there is little room the others are folded.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Group.READER)]
    AUTO_FOCUS = ""  # nothing has the focus before there is data
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (36, "-tall")]  # noqa: RUF012

    CSS = """
    ReaderScreen #trail { height: 1; padding: 0 1 0 2; background: $surface; }
    ReaderScreen #who {
        height: auto; padding: 0 1 0 2; background: $surface;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    ReaderScreen #data { display: none; height: 1fr; }
    ReaderScreen.-shown #data { display: block; }
    ReaderScreen.-tall ReadingDays, ReaderScreen ReadingDays.-open { height: 10; }
    ReaderScreen #tables { height: 1fr; layout: vertical; }
    ReaderScreen #doings { height: 2fr; }
    ReaderScreen.-low.-narrow #tables > * { height: 4; }
    ReaderScreen.-low.-narrow #tables > .-open { height: 1fr; }
    ReaderScreen.-low.-narrow.-days #tables > * { height: 1fr; }
    ReaderScreen.-wide #tables {
        layout: grid; grid-size: 2 2; grid-columns: 2fr 3fr; grid-rows: 1fr 1fr;
    }
    ReaderScreen.-wide #doings { row-span: 2; height: 1fr; }
    ReaderScreen.-unfolded ActivityDetail { display: block; }
    ReaderScreen.-low.-narrow.-unfolded #books, ReaderScreen.-low.-narrow.-unfolded #sessions {
        display: none;
    }
    ReaderScreen #refused { padding: 1 2; display: none; height: 1fr; background: $surface; }
    ReaderScreen.-refused #refused { display: block; }
    """

    class Left(Message):
        """The consultant goes back to the list."""

    @dataclass
    class Walked(Message):
        """The consultant goes on to another reader, so many places further down the list."""

        places: int

    def __init__(
        self,
        opening: int,
        walk: ReaderPager,
        panel: Panel,
        read_older: Callable[[int, int], object],
    ) -> None:
        """`panel` is the one that is open at first; `read_older` is asked for more activities of
        this opening than the oldest that is shown.
        """
        super().__init__()
        self._read_older = read_older
        self.opening = opening
        self.walk = walk
        # Made here, because a picture may arrive before they are mounted.
        self.header = Header()
        self._trail = Static("", id="trail", markup=False)
        self._who = Static("putting the look on record …", id="who", markup=False)
        self._refused = Static("", id="refused", markup=False)
        self._keys: dict[str, int] = {}
        self._days = ReadingDays(id=Panel.DAYS)
        self._books = LiveTable(_BOOKS, opens=False, id=Panel.BOOKS, empty_text="no books yet")
        self._activities = LiveTable(
            _ACTIVITIES, opens=False, id=Panel.ACTIVITIES, empty_text="no activities yet"
        )
        self._unfolded = ActivityDetail()
        self._sessions = LiveTable(
            _SESSIONS, opens=False, id=Panel.SESSIONS, empty_text="no sessions yet"
        )
        self._doings = Vertical(self._activities, self._unfolded, id="doings")
        # What takes the focus, and what becomes higher with it.
        self._panels: dict[Panel, tuple[Widget, Widget]] = {
            Panel.DAYS: (self._days, self._days),
            Panel.BOOKS: (self._books, self._books),
            Panel.ACTIVITIES: (self._activities, self._doings),
            Panel.SESSIONS: (self._sessions, self._sessions),
        }
        self.panel = panel
        self._page: ReaderSnapshot | None = None
        self._note = ""
        self._rows: dict[int, Row] = {}

    def compose(self) -> ComposeResult:
        """Lay out the screen; the data is not there yet."""
        yield self.header
        yield self._trail
        yield self._who
        yield self._refused
        with Container(id="data"):
            yield self._days
            with Container(id="tables"):
                yield self._books
                yield self._doings
                yield self._sessions
        yield Footer()

    def on_mount(self) -> None:
        """Say where one is."""
        self._show_trail()

    def show(self, page: ReaderSnapshot) -> None:
        """Show a new picture of the reader."""
        first = self._page is None
        self._page = page
        now = page.stats.taken_at
        self.add_class("-shown")
        self.remove_class("-refused")
        self._show_trail()
        self._who.update(_who(page, now))
        self._days.days = page.days
        self._books.show([_book_row(self._key_of(book), book, now) for book in page.contents])
        self._sessions.show([_session_row(session) for session in page.sessions])
        self._show_activities(page)
        if first:
            self.set_focus(self._panels[self.panel][0])

    def _show_activities(self, page: ReaderSnapshot) -> None:
        known = self._rows  # an activity never changes
        self._rows = {
            item.id: known[item.id] if item.id in known else _activity_row(item)
            for item in page.activities
        }
        self._activities.show(tuple(self._rows.values()))

    def refuse(self, reason: str) -> None:
        """Say why nothing is shown."""
        self._page = None
        self.add_class("-refused")
        self.remove_class("-shown", "-unfolded")
        self._show_trail()
        self._who.update("")
        self._refused.update(
            Content.assemble(
                ("This reader's data is not shown", "bold $text-error"),
                f"\n\n{reason}\n\n",
                ("escape goes back; the lists go on", "dim"),
            )
        )

    def source(self) -> Source | None:
        """Return what can be taken along, of the table that the keys go to; None where there is
        nothing.
        """
        if self._page is None:
            return None
        seen_in = f"from a reader's page, {self.table.id}"
        return Source(self.table.draft(), seen_in, reader_id=self._page.user.id)

    @property
    def table(self) -> LiveTable:
        """The table that the keys go to."""
        return self.focused if isinstance(self.focused, LiveTable) else self._activities

    def say_end(self, places: int) -> None:
        """Say that there is nobody further in this direction."""
        self._note = "nobody below" if places > 0 else "nobody above"
        self._show_trail()

    def _show_trail(self) -> None:
        """Say where one is: the list, the reader, the place in the list."""
        name, presence = "…", Content("")
        if self._page is not None:
            name = cut(self._page.user.full_name, 36)
            mark = presence_cell(self._page.presence_at(self._page.stats.taken_at))
            presence = Content.assemble("   ", (mark.text, _TONES[mark.tone]))
        self._trail.update(
            Content.assemble(
                (f"{self.walk.seen_in.capitalize()} {TRAIL} ", "dim"),
                (name, "bold"),
                (f" ({self.walk})", "dim"),
                (f"   {self._note}" if self._note else "", "$text-warning"),
                presence,
            )
        )

    def _key_of(self, book: ContentProgress) -> int:
        """Return a number that stays the book's own, by which the cursor stays on it."""
        return self._keys.setdefault(book.content_id, len(self._keys))

    # What the person does.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to unfold an activity where the cursor of the activities is in sight."""
        if action == "unfold":
            return self.focused in {self._activities, self._unfolded} and bool(self._rows)
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """Fold the activity that is unfolded, else go back to the list."""
        if self.has_class("-unfolded"):
            self.action_unfold()
        else:
            self.post_message(self.Left())

    def action_walk(self, places: int) -> None:
        """Go on to another reader of the list."""
        self.post_message(self.Walked(places))

    def action_unfold(self) -> None:
        """Show all about the activity of the cursor, or fold it again."""
        self.toggle_class("-unfolded")
        self.set_focus(self._activities)
        self._show_unfolded(self._activities.cursor_key)

    @on(LiveTable.RowHighlighted, "#activities")
    def _follow_cursor(self, event: LiveTable.RowHighlighted) -> None:
        self._show_unfolded(event.key)
        if self._page is not None and self._page.has_older and event.key is not None:
            last = self._page.activities[-_NEAR_END:]
            if event.key <= last[0].id:
                self._read_older(self.opening, last[-1].id)

    def _show_unfolded(self, key: int | None) -> None:
        if self._page is not None and self.has_class("-unfolded"):
            activities = (item for item in self._page.activities if item.id == key)
            self._unfolded.show(next(activities, None))

    def on_descendant_focus(self) -> None:
        """Open the panel that has the focus."""
        for panel, (takes_focus, grows) in self._panels.items():
            if self.focused in {takes_focus, grows, *grows.children}:
                self.panel = panel
        for panel, (_, grows) in self._panels.items():
            grows.set_class(panel is self.panel, "-open")
        self.set_class(self.panel is Panel.DAYS, "-days")


def _who(page: ReaderSnapshot, now: datetime) -> Content:
    """Return who this is, in two lines."""
    user, profile = page.user, page.profile
    level = cut(profile.reading_level, 20) or "no level"
    facts = (level, cut(profile.preferred_language, 10), _time_there(page.zone, now))
    totals = (
        f"{hours_and_minutes(profile.total_reading_time_minutes)} of reading",
        _counted(profile.total_sessions, "session"),
        _counted(profile.unique_content_read, "title"),
        f"last login {how_long_ago(profile.last_login, now)}",
    )
    return Content("\n").join(
        [
            Content.assemble("   ".join(facts), "   ", (cut(user.email, 80), "dim")),
            Content("   ".join(totals)),
        ]
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _time_there(zone: ZoneInfo | None, now: datetime) -> str:
    if zone is None:
        return f"{now:%a %H:%M} UTC"
    return f"{now.astimezone(zone):%a %H:%M} there ({cut(zone.key, 30)})"


def _book_row(key: int, book: ContentProgress, now: datetime) -> Row:
    return Row(
        key,
        (
            book.content_title or book.content_id,
            progress_bar(book.progress_percentage),
            time_spent(book.total_seconds),
            ago(book.last_at, now),
        ),
    )


def _session_row(session: Session) -> Row:
    begun, until = session.span
    return Row(
        session.id,
        (
            day_and_time(session.started_at),
            minutes_of(until - begun),
            session.device_type,
            Toned("active", "good") if session.is_active else "ended",
        ),
    )


def _activity_row(item: RecordedActivity) -> Row:
    return Row(
        item.id,
        (
            day_and_time(item.occurred_at),
            activity_words(item.activity_type),
            item.content_title,
            progress_bar(item.progress_percentage),
            seconds_shown(item.duration_seconds),
            item.metadata_json,
        ),
    )
