"""The columns and rows of the tables on a reader's page, and the summary of the profile."""

from datetime import datetime
from zoneinfo import ZoneInfo

from textual.content import Content

from readwatch.domain.activities import ContentProgress, RecordedActivity
from readwatch.domain.clock import ago
from readwatch.domain.plural import counted
from readwatch.domain.sessions import Session
from readwatch.monitor.snapshots import ReaderSnapshot
from readwatch.tui.format.cells import Row, TonedText
from readwatch.tui.format.columns import Column, cut
from readwatch.tui.format.text import (
    activity_length,
    day_and_time,
    hours_and_minutes,
    how_long_ago,
    progress_bar,
    time_spent,
    type_in_words,
    whole_minutes,
)

BOOK_COLUMNS = (
    Column("title", "Title", width=12, flex=1),
    Column("progress", "Progress", width=11),
    Column("time", "Spent", width=9, align="right", from_width=52),
    Column("ago", "Last read", width=9, align="right"),
)
SESSION_COLUMNS = (
    Column("started", "Session", width=16),
    Column("minutes", "Min", width=5, align="right"),
    Column("device", "Device", width=8, flex=1),
    Column("state", "State", width=10),
)
ACTIVITY_COLUMNS = (
    Column("when", "Time", width=16),
    Column("type", "Activity", width=16),
    Column("title", "Title", width=8, flex=2),
    Column("progress", "Progress", width=11),
    Column("duration", "Length", width=6, align="right", from_width=84),
    Column("metadata", "Details", width=10, flex=2, from_width=88),
)


def profile_summary(page: ReaderSnapshot, now: datetime) -> Content:
    """Return the profile in two lines."""
    user, profile = page.user, page.profile
    level = cut(profile.reading_level, 20) or "no level"
    facts = (level, cut(profile.preferred_language, 10), _time_there(page.zone, now))
    totals = (
        f"{hours_and_minutes(profile.total_reading_time_minutes)} of reading",
        counted(profile.total_sessions, "session"),
        counted(profile.unique_content_read, "title"),
        f"last login {how_long_ago(profile.last_login, now)}",
    )
    return Content("\n").join(
        [
            Content.assemble("   ".join(facts), "   ", (cut(user.email, 80), "dim")),
            Content("   ".join(totals)),
        ]
    )


def _time_there(zone: ZoneInfo | None, now: datetime) -> str:
    if zone is None:
        return f"{now:%a %H:%M} UTC"
    return f"{now.astimezone(zone):%a %H:%M} there ({cut(zone.key, 30)})"


def book_row(key: int, book: ContentProgress, now: datetime) -> Row:
    """Return the row of a book."""
    return Row(
        key,
        (
            book.content_title or book.content_id,
            progress_bar(book.progress_percentage),
            time_spent(book.total_seconds),
            ago(book.last_at, now),
        ),
    )


def session_row(session: Session) -> Row:
    """Return the row of a session."""
    begun, until = session.span
    return Row(
        session.id,
        (
            day_and_time(session.started_at),
            whole_minutes(until - begun),
            session.device_type,
            TonedText("active", "good") if session.is_active else "ended",
        ),
    )


def activity_row(item: RecordedActivity) -> Row:
    """Return the row of an activity."""
    return Row(
        item.id,
        (
            day_and_time(item.occurred_at),
            type_in_words(item.activity_type),
            item.content_title,
            progress_bar(item.progress_percentage),
            activity_length(item.duration_seconds),
            item.metadata_json,
        ),
    )
