"""The columns and rows of the tables on a reader's page, and the summary of the profile."""

from datetime import datetime
from zoneinfo import ZoneInfo

from textual.content import Content

from readwatch.domain.activities import ContentProgress, RecordedActivity
from readwatch.domain.attention import Reason
from readwatch.domain.clock import ago
from readwatch.domain.plural import counted
from readwatch.domain.sessions import Session
from readwatch.monitor.snapshots import ReaderSnapshot
from readwatch.tui.format.case import case_line
from readwatch.tui.format.cells import TONE_STYLES, Cell, Row, TonedText
from readwatch.tui.format.columns import Column, cut, with_stable_width
from readwatch.tui.format.metadata import metadata_in_words
from readwatch.tui.format.reasons import RULE_TONES, reason_in_words
from readwatch.tui.format.text import (
    activity_length,
    hours_and_minutes,
    how_long_ago,
    progress_bar,
    time_in_table,
    time_spent,
    type_in_words,
    whole_minutes,
)

MAX_REASONS = 2
"""The number of reasons on a page, the most urgent ones; the list has all."""

BOOK_COLUMNS = (
    Column("title", "Title", width=12, flex=1),
    Column("progress", "Progress", width=11),
    Column("quiz", "Quiz", width=9, from_width=60, about="the last one"),
    Column("time", "Spent", width=9, align="right", from_width=52),
    Column("ago", "Last read", width=9, align="right"),
)
SESSION_COLUMNS = (
    Column("started", "Session", width=12),
    Column("minutes", "Min", width=5, align="right"),
    Column("device", "Device", width=8, flex=1),
    Column("state", "State", width=10),
)
ACTIVITY_COLUMNS = (
    Column("when", "Time", width=12),
    Column("type", "Activity", width=16),
    Column("title", "Title", width=8, flex=2),
    Column("progress", "Progress", width=11),
    Column("duration", "Length", width=6, align="right", from_width=84),
    Column("metadata", "Details", width=10, flex=2, from_width=88),
)


def profile_summary(page: ReaderSnapshot, now: datetime) -> Content:
    """Return the reasons why the reader is in Attention, each in a line, then the profile in two
    lines, and whose case the reader is in another one."""
    user, profile = page.user, page.profile
    level = cut(profile.reading_level, 20) or "no level"
    facts = (level, cut(profile.preferred_language, 10), _time_there(page.zone, now))
    totals = (
        f"{hours_and_minutes(profile.total_reading_time_minutes)} of reading",
        counted(profile.total_sessions, "session"),
        counted(profile.unique_content_read, "title"),
        f"last login {how_long_ago(profile.last_login, now)}",
    )
    case = case_line(page.case, now)
    reasons = () if page.case is None else page.case.reasons
    return Content("\n").join(
        [
            *(_reason_line(reason, page, now) for reason in reasons[:MAX_REASONS]),
            Content.assemble("   ".join(facts), "   ", (cut(user.email, 80), "dim")),
            Content("   ".join(totals)),
            *([Content.styled(case, "$text-accent")] if case else []),
        ]
    )


def _reason_line(reason: Reason, page: ReaderSnapshot, now: datetime) -> Content:
    style = TONE_STYLES[RULE_TONES[reason.rule]]
    return Content.styled(with_stable_width(reason_in_words(reason, now, page)), style)


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
            _quiz_cell(book),
            time_spent(book.total_seconds),
            ago(book.last_at, now),
        ),
    )


def _quiz_cell(book: ContentProgress) -> Cell:
    """Return the score of the last quiz and whether the app says that it was passed."""
    score = "" if book.quiz_score is None else f"{book.quiz_score:g}"
    match book.quiz_passed:
        case False:
            return TonedText(f"{score} failed".strip(), "bad")
        case True:
            return score or "passed"
    return score


def session_row(session: Session, now: datetime) -> Row:
    """Return the row of a session."""
    begun, until = session.span
    return Row(
        session.id,
        (
            time_in_table(session.started_at, now),
            whole_minutes(until - begun),
            session.device_type,
            TonedText("active", "good") if session.is_active else "ended",
        ),
    )


def activity_row(item: RecordedActivity, now: datetime) -> Row:
    """Return the row of an activity."""
    return Row(
        item.id,
        (
            time_in_table(item.occurred_at, now),
            type_in_words(item.activity_type),
            item.content_title,
            progress_bar(item.progress_percentage),
            activity_length(item.duration_seconds),
            TonedText(metadata_in_words(item.metadata_json), None, plain=item.metadata_json),
        ),
    )
