"""Reader: one reader's data, shown after the look is on record."""

from datetime import datetime
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
from readwatch.tui.columns import cut
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
    time_spent,
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
    ReaderScreen #who {
        height: auto; padding: 0 1; background: $surface;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    ReaderScreen #data { layout: grid; grid-size: 1 3; grid-rows: 2fr 3fr 2fr; display: none; }
    ReaderScreen.-shown #data { display: block; layout: grid; }
    ReaderScreen.-wide #data { grid-size: 2 2; grid-columns: 2fr 3fr; grid-rows: 3fr 2fr; }
    ReaderScreen.-wide #activities { row-span: 2; }
    ReaderScreen #refused { padding: 1 2; display: none; height: 1fr; }
    ReaderScreen.-refused #refused { display: block; }
    """

    class Left(Message):
        """The consultant goes back to the list."""

    def __init__(self, opening: int) -> None:
        super().__init__()
        self.opening = opening
        # Made here, because a picture may arrive before they are mounted.
        self.header = Header()
        self._who = Static("putting the look on record …", id="who", markup=False)
        self._refused = Static("", id="refused", markup=False)
        self._keys: dict[str, int] = {}
        self._books = LiveTable(_BOOKS, opens=False, id="books", empty_text="no books yet")
        self._activities = LiveTable(
            _ACTIVITIES, opens=False, id="activities", empty_text="no activities yet"
        )
        self._sessions = LiveTable(
            _SESSIONS, opens=False, id="sessions", empty_text="no sessions yet"
        )

    def compose(self) -> ComposeResult:
        """Lay out the screen; the data is not there yet."""
        yield self.header
        yield self._who
        yield self._refused
        yield Container(self._books, self._activities, self._sessions, id="data")
        yield Footer()

    def show(self, page: ReaderPage) -> None:
        """Show a new picture of the reader."""
        first = not self.has_class("-shown")
        now = page.pulse.taken_at
        self.add_class("-shown")
        self.remove_class("-refused")
        self._who.update(_who(page, now))
        self._books.show([_book_row(self._key_of(book), book, now) for book in page.contents])
        self._sessions.show([_session_row(session) for session in page.sessions])
        self._activities.show([_activity_row(item) for item in page.activities])
        if first:
            self.set_focus(self._activities)

    def refuse(self, reason: str) -> None:
        """Say why nothing is shown."""
        self.add_class("-refused")
        self.remove_class("-shown")
        self._who.update("nothing is shown")
        self._refused.update(
            f"This reader's data is not shown:\n\n{reason}\n\nescape goes back; the lists go on."
        )

    def _key_of(self, book: ContentProgress) -> int:
        """Return a number that stays the book's own, by which the cursor stays on it."""
        return self._keys.setdefault(book.content_id, len(self._keys))

    def action_back(self) -> None:
        """Go back to the list."""
        self.post_message(self.Left())


def _who(page: ReaderPage, now: datetime) -> Content:
    """Return who this is, in three lines."""
    user, profile = page.user, page.profile
    presence = presence_cell(page.presence(now))
    level = cut(profile.reading_level, 20) or "no level"
    facts = (level, cut(profile.preferred_language, 10), _time_there(profile.timezone, now))
    totals = (
        f"{hours_and_minutes(profile.total_reading_time_minutes)} of reading",
        f"{profile.total_sessions} sessions",
        f"{profile.unique_content_read} titles",
        f"last login {_since(profile.last_login, now)}",
    )
    return Content("\n").join(
        [
            Content.assemble(
                (cut(user.full_name, 40), "bold"),
                "   ",
                presence.text if isinstance(presence, Toned) else presence,
                "   ",
                (cut(user.email, 80), "dim"),
            ),
            Content("   ".join(facts)),
            Content("   ".join(totals)),
        ]
    )


def _since(moment: datetime | None, now: datetime) -> str:
    words = ago(moment, now)
    return words if words in {"now", "never"} else f"{words} ago"


def _time_there(timezone: str, now: datetime) -> str:
    try:
        return f"{now.astimezone(ZoneInfo(timezone)):%a %H:%M} there"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{now:%a %H:%M} UTC"


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
