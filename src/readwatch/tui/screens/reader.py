"""Reader: one reader's data, shown after the look is on record."""

from datetime import datetime, tzinfo
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from readwatch.domain.activities import ContentProgress, RecordedActivity
from readwatch.domain.clock import ago
from readwatch.domain.sessions import Session
from readwatch.tui.header import Header
from readwatch.tui.keys import Group, bindings
from readwatch.tui.marks import (
    activity_words,
    day_and_time,
    hours_and_minutes,
    minutes_of,
    presence_cell,
    progress_bar,
    seconds_shown,
)
from readwatch.tui.snapshots import ReaderPage
from readwatch.tui.table import Column, LiveTable, Row, Toned

_BOOKS = (
    Column("title", "Book", width=12, flex=1),
    Column("progress", "Progress", width=11),
    Column("time", "Time", width=9, align="right"),
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


class ReaderScreen(Screen[None]):
    """A reader's profile, books, sessions and activities; live while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Group.READER)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012

    CSS = """
    ReaderScreen #who { height: auto; padding: 0 1; background: $surface; }
    ReaderScreen #data { layout: grid; grid-size: 1 3; grid-rows: 2fr 2fr 3fr; display: none; }
    ReaderScreen.-shown #data { display: block; layout: grid; }
    ReaderScreen.-wide #data { grid-size: 2 2; grid-columns: 2fr 3fr; grid-rows: 3fr 2fr; }
    ReaderScreen.-wide #activities { row-span: 2; }
    ReaderScreen #refused { padding: 1 2; display: none; height: 1fr; }
    ReaderScreen.-refused #refused { display: block; }
    """

    class Left(Message):
        """The consultant goes back to the list."""

    def __init__(self, reader_id: int) -> None:
        super().__init__()
        self.reader_id = reader_id

    def compose(self) -> ComposeResult:
        """Lay out the screen; the data is not there yet."""
        yield Header()
        yield Static("putting the look on record …", id="who", markup=False)
        yield Static("", id="refused", markup=False)
        with Container(id="data"):
            yield LiveTable(_BOOKS, opens=False, id="books", empty_text="no books yet")
            yield LiveTable(
                _ACTIVITIES, opens=False, id="activities", empty_text="no activities yet"
            )
            yield LiveTable(_SESSIONS, opens=False, id="sessions", empty_text="no sessions yet")
        yield Footer()

    @property
    def header(self) -> Header:
        """The two lines on top."""
        return self.query_one(Header)

    def show(self, page: ReaderPage) -> None:
        """Show a new picture of the reader."""
        first = not self.has_class("-shown")
        now = page.pulse.taken_at
        self.add_class("-shown")
        self.remove_class("-refused")
        self.query_one("#who", Static).update(_who(page, now))
        self._table("books").show([_book_row(n, book, now) for n, book in enumerate(page.contents)])
        self._table("sessions").show([_session_row(session) for session in page.sessions])
        self._table("activities").show([_activity_row(item) for item in page.activities])
        if first:
            self.set_focus(self._table("activities"))

    def refuse(self, reason: str) -> None:
        """Say why nothing is shown."""
        self.add_class("-refused")
        self.remove_class("-shown")
        self.query_one("#who", Static).update("nothing is shown")
        self.query_one("#refused", Static).update(
            f"This reader's data is not shown, because the look could not be put on record:\n\n"
            f"{reason}\n\nescape goes back; the lists go on."
        )

    def action_back(self) -> None:
        """Go back to the list."""
        self.post_message(self.Left())

    def _table(self, name: str) -> LiveTable:
        return self.query_one(f"#{name}", LiveTable)


def _who(page: ReaderPage, now: datetime) -> Content:
    """Return who this is, in three lines."""
    user, profile = page.user, page.profile
    presence = presence_cell(page.presence(now))
    local = f"{now.astimezone(_zone(profile.timezone)):%a %H:%M}"
    facts = (profile.reading_level or "no level", profile.preferred_language, f"{local} there")
    totals = (
        f"{hours_and_minutes(profile.total_reading_time_minutes)} of reading",
        f"{profile.total_sessions} sessions",
        f"{profile.unique_content_read} titles",
        f"last login {_since(profile.last_login, now)}",
    )
    return Content("\n").join(
        [
            Content.assemble(
                (user.full_name, "bold"),
                "   ",
                presence.text if isinstance(presence, Toned) else presence,
                "   ",
                (user.email, "$text-muted"),
            ),
            Content("   ".join(facts)),
            Content("   ".join(totals)),
        ]
    )


def _since(moment: datetime | None, now: datetime) -> str:
    words = ago(moment, now)
    return words if words in {"now", "never"} else f"{words} ago"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _book_row(number: int, book: ContentProgress, now: datetime) -> Row:
    return Row(
        number,
        (
            book.content_title or book.content_id,
            progress_bar(book.progress_percentage),
            hours_and_minutes(book.total_seconds // 60),
            ago(book.last_at, now),
        ),
    )


def _session_row(session: Session) -> Row:
    until = session.ended_at or session.last_heartbeat
    return Row(
        session.id,
        (
            day_and_time(session.started_at),
            minutes_of(until - session.started_at),
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
