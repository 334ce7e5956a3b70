"""The data of one reader: every query takes a permit, of a logged access or of the reader."""

from datetime import datetime

from readwatch.domain.activities import ContentProgress, RecordedActivity
from readwatch.domain.audit import AuditEntryForReader
from readwatch.domain.errors import not_found
from readwatch.domain.reading import Span
from readwatch.domain.sessions import Session
from readwatch.domain.text import clean
from readwatch.domain.users import ReaderProfile, User, UserRole
from readwatch.store.audit.log import Permit
from readwatch.store.engine.connections import (
    Database,
    Statement,
    from_db_time,
    from_db_time_or_none,
)
from readwatch.store.identity.users import get_user
from readwatch.store.lists.feed import recorded

LAST_ID = 2**63 - 1

_PROFILE = Statement(
    """
    SELECT
        user_id, reading_level, preferred_language, timezone, last_login, last_activity_at,
        total_reading_time_minutes, total_sessions, unique_content_read
    FROM reader_profiles WHERE user_id = :user_id
    """
)
_SESSIONS = Statement(
    """
    SELECT
        id, user_id, device_type, ip_address, started_at, last_heartbeat, ended_at, is_active
    FROM reader_sessions WHERE user_id = :user_id AND id < :before
    ORDER BY id DESC LIMIT :length
    """
)
# Sorted by the key, newest first, so that the page is read off the index on user_id.
_ACTIVITIES = Statement(
    """
    SELECT
        a.id, a.user_id, u.full_name, a.activity_type, a.content_id, a.content_title,
        a.progress_percentage, a.duration_seconds, a.metadata_json, a.occurred_at, a.created_at
    FROM reader_activities a JOIN users u ON u.id = a.user_id
    WHERE a.user_id = :user_id AND a.id < :before ORDER BY a.id DESC LIMIT :length
    """
)
_ACCESSES = Statement(
    """
    SELECT l.id, l.created_at, l.action_type, u.user_role, u.full_name
    FROM consultant_access_log l JOIN users u ON u.id = l.consultant_user_id
    WHERE l.target_user_id = :user_id AND l.id < :before ORDER BY l.id DESC LIMIT :length
    """
)
_CONTENTS = Statement(
    """
    SELECT content_id, content_title, progress_percentage, total_seconds, first_at, last_at
    FROM reader_content_progress WHERE user_id = :user_id ORDER BY last_at DESC LIMIT :length
    """
)


def require_reader(db: Database, reader_id: int) -> None:
    """Refuse an id that is no reader's: there is no data to see, and nothing to log."""
    if get_user(db, reader_id).user_role is not UserRole.READER:
        raise not_found(f"user {reader_id} is not a reader")


def account(db: Database, permit: Permit) -> User:
    """Return the reader's account."""
    require_reader(db, permit.subject_id)
    return get_user(db, permit.subject_id)


def profile(db: Database, permit: Permit) -> ReaderProfile:
    """Return the reader's profile with the totals."""
    row = _PROFILE(db, user_id=permit.subject_id).fetchone()
    if row is None:
        raise not_found(f"reader {permit.subject_id} has no profile")
    return ReaderProfile(
        user_id=row[0],
        reading_level=clean(row[1]),
        preferred_language=clean(row[2]),
        timezone=clean(row[3]),
        last_login=from_db_time_or_none(row[4]),
        last_activity_at=from_db_time_or_none(row[5]),
        total_reading_time_minutes=row[6],
        total_sessions=row[7],
        unique_content_read=row[8],
    )


def sessions(
    db: Database, permit: Permit, *, length: int = 50, before: int = LAST_ID
) -> tuple[Session, ...]:
    """Return the reader's latest sessions, newest first, those before the id `before` only."""
    return tuple(
        Session(
            id=row[0],
            user_id=row[1],
            device_type=clean(row[2]),
            ip_address=clean(row[3]),
            started_at=from_db_time(row[4]),
            last_heartbeat=from_db_time(row[5]),
            ended_at=from_db_time_or_none(row[6]),
            is_active=bool(row[7]),
        )
        for row in _SESSIONS(db, user_id=permit.subject_id, length=length, before=before)
    )


def spans(db: Database, permit: Permit, since: datetime) -> tuple[Span, ...]:
    """Return the start and the end of each session that began after `since`.

    Sessions are read from the newest on, and hardly one that is older.
    """
    read: list[Session] = []
    while page := sessions(db, permit, before=read[-1].id if read else LAST_ID):
        read += page
        if page[-1].started_at <= since:
            break
    return tuple(session.span for session in read if session.started_at > since)


def activities(
    db: Database, permit: Permit, *, length: int = 100, before: int | None = None
) -> tuple[RecordedActivity, ...]:
    """Return the reader's latest activities, newest first, those before the id `before` only."""
    last = LAST_ID if before is None else before
    rows = _ACTIVITIES.all(db, user_id=permit.subject_id, length=length, before=last)
    return tuple(recorded(row) for row in rows)


def accesses(
    db: Database, permit: Permit, *, by_name: bool, length: int, before: int | None = None
) -> tuple[AuditEntryForReader, ...]:
    """Return who accessed a user's data, newest first, only entries before the id `before`."""
    last = LAST_ID if before is None else before
    return tuple(
        AuditEntryForReader(
            id=row[0],
            created_at=from_db_time(row[1]),
            action_type=clean(row[2]),
            user_role=UserRole(row[3]),
            full_name=clean(row[4]) if by_name and UserRole(row[3]).is_staff else None,
        )
        for row in _ACCESSES(db, user_id=permit.subject_id, length=length, before=last)
    )


def contents(db: Database, permit: Permit, *, length: int = 50) -> tuple[ContentProgress, ...]:
    """Return how far the reader is in each content, the one read last first."""
    return tuple(
        ContentProgress(
            content_id=clean(row[0]),
            content_title=clean(row[1]),
            progress_percentage=row[2],
            total_seconds=row[3],
            first_at=from_db_time(row[4]),
            last_at=from_db_time(row[5]),
        )
        for row in _CONTENTS(db, user_id=permit.subject_id, length=length)
    )
