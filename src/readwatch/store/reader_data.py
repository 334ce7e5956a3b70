"""The data of one reader; every query takes a `Permit`."""

from datetime import datetime

import peewee

from readwatch.domain.activities import ContentProgress, RecordedActivity
from readwatch.domain.audit import AuditEntryForReader
from readwatch.domain.errors import not_found
from readwatch.domain.reading import Span
from readwatch.domain.sessions import Session
from readwatch.domain.text import clean
from readwatch.domain.users import ReaderProfile, User, UserRole
from readwatch.store.audit.log import Permit
from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import (
    MAX_ID,
    ConsultantAccessLog,
    ReaderContentProgress,
    ReaderProfiles,
    ReaderQuizzes,
    ReaderSessions,
    Users,
)
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, from_db_time_or_none
from readwatch.store.identity.users import get_user
from readwatch.store.lists.feed import TITLE, recorded

_PROFILE = CompiledQuery(
    ReaderProfiles.select(
        ReaderProfiles.user,
        ReaderProfiles.reading_level,
        ReaderProfiles.preferred_language,
        ReaderProfiles.timezone,
        ReaderProfiles.last_login,
        ReaderProfiles.last_activity_at,
        ReaderProfiles.total_reading_time_minutes,
        ReaderProfiles.total_sessions,
        ReaderProfiles.unique_content_read,
    ).where(ReaderProfiles.user == Param("user_id"))
)
_SESSIONS = CompiledQuery(
    ReaderSessions.select(
        ReaderSessions.id,
        ReaderSessions.user,
        ReaderSessions.device_type,
        ReaderSessions.ip_address,
        ReaderSessions.started_at,
        ReaderSessions.last_heartbeat,
        ReaderSessions.ended_at,
        ReaderSessions.is_active,
    )
    .where(ReaderSessions.user == Param("user_id"), ReaderSessions.id < Param("before"))
    .order_by(ReaderSessions.id.desc())
    .limit(Param("length"))
)
# Sorted by id, so that the index on user_id returns the page in order.
_ACTIVITIES = Statement(
    f"""
    SELECT
        a.id, a.user_id, u.full_name, a.activity_type, a.content_id, {TITLE} AS content_title,
        a.progress_percentage, a.duration_seconds, a.metadata_json, a.occurred_at, a.created_at
    FROM reader_activities a JOIN users u ON u.id = a.user_id
    WHERE a.user_id = :user_id AND a.id < :before ORDER BY a.id DESC LIMIT :length
    """  # noqa: S608 - our own text
)
_ACCESSES = CompiledQuery(
    ConsultantAccessLog.select(
        ConsultantAccessLog.id,
        ConsultantAccessLog.created_at,
        ConsultantAccessLog.action_type,
        Users.user_role,
        Users.full_name,
    )
    .join(Users, on=ConsultantAccessLog.consultant_user)
    .where(
        ConsultantAccessLog.target_user == Param("user_id"),
        ConsultantAccessLog.id < Param("before"),
    )
    .order_by(ConsultantAccessLog.id.desc())
    .limit(Param("length"))
)
_CONTENTS = CompiledQuery(
    ReaderContentProgress.select(
        ReaderContentProgress.content_id,
        ReaderContentProgress.content_title,
        ReaderContentProgress.progress_percentage,
        ReaderContentProgress.total_seconds,
        ReaderContentProgress.first_at,
        ReaderContentProgress.last_at,
        ReaderQuizzes.passed.alias("quiz_passed"),
        ReaderQuizzes.score.alias("quiz_score"),
    )
    .join(
        ReaderQuizzes,
        peewee.JOIN.LEFT_OUTER,
        on=(
            (ReaderQuizzes.user == ReaderContentProgress.user)
            & (ReaderQuizzes.content_id == ReaderContentProgress.content_id)
        ),
    )
    .where(ReaderContentProgress.user == Param("user_id"))
    .order_by(ReaderContentProgress.last_at.desc())
    .limit(Param("length"))
)


def require_reader(db: Database, reader_id: int) -> None:
    """Refuse an id that is not the id of a reader: there is no data, so nothing is logged."""
    if get_user(db, reader_id).user_role is not UserRole.READER:
        raise not_found(f"user {reader_id} is not a reader")


def account(db: Database, permit: Permit) -> User:
    """Return the reader's account."""
    require_reader(db, permit.subject_id)
    return get_user(db, permit.subject_id)


def profile(db: Database, permit: Permit) -> ReaderProfile:
    """Return the reader's profile with the totals."""
    row = _PROFILE.one_or_none(db, user_id=permit.subject_id)
    if row is None:
        raise not_found(f"reader {permit.subject_id} has no profile")
    return ReaderProfile(
        user_id=row.user_id,
        reading_level=clean(row.reading_level),
        preferred_language=clean(row.preferred_language),
        timezone=clean(row.timezone),
        last_login=from_db_time_or_none(row.last_login),
        last_activity_at=from_db_time_or_none(row.last_activity_at),
        total_reading_time_minutes=row.total_reading_time_minutes,
        total_sessions=row.total_sessions,
        unique_content_read=row.unique_content_read,
    )


def sessions(
    db: Database, permit: Permit, *, length: int = 50, before: int = MAX_ID
) -> tuple[Session, ...]:
    """Return the reader's latest sessions before the id `before`, newest first."""
    return tuple(
        Session(
            id=row.id,
            user_id=row.user_id,
            device_type=clean(row.device_type),
            ip_address=clean(row.ip_address),
            started_at=from_db_time(row.started_at),
            last_heartbeat=from_db_time(row.last_heartbeat),
            ended_at=from_db_time_or_none(row.ended_at),
            is_active=bool(row.is_active),
        )
        for row in _SESSIONS.iterate(db, user_id=permit.subject_id, length=length, before=before)
    )


def spans(db: Database, permit: Permit, since: datetime) -> tuple[Span, ...]:
    """Return the start and the end of each session that began after `since`.

    The query reads sessions from the newest on and stops soon after the first older one.
    """
    read: list[Session] = []
    while page := sessions(db, permit, before=read[-1].id if read else MAX_ID):
        read += page
        if page[-1].started_at <= since:
            break
    return tuple(session.span for session in read if session.started_at > since)


def activities(
    db: Database, permit: Permit, *, length: int = 100, before: int | None = None
) -> tuple[RecordedActivity, ...]:
    """Return the reader's latest activities before the id `before`, newest first."""
    last = MAX_ID if before is None else before
    rows = _ACTIVITIES.all(db, user_id=permit.subject_id, length=length, before=last)
    return tuple(recorded(row) for row in rows)


def accesses(
    db: Database, permit: Permit, *, by_name: bool, length: int, before: int | None = None
) -> tuple[AuditEntryForReader, ...]:
    """Return the accesses to a user's data before the id `before`, newest first."""
    last = MAX_ID if before is None else before
    return tuple(
        AuditEntryForReader(
            id=row.id,
            created_at=from_db_time(row.created_at),
            action_type=clean(row.action_type),
            user_role=UserRole(row.user_role),
            full_name=clean(row.full_name)
            if by_name and UserRole(row.user_role).is_staff
            else None,
        )
        for row in _ACCESSES.iterate(db, user_id=permit.subject_id, length=length, before=last)
    )


def contents(db: Database, permit: Permit, *, length: int = 50) -> tuple[ContentProgress, ...]:
    """Return the reader's progress and last quiz in each content, the content read last first."""
    return tuple(
        ContentProgress(
            content_id=clean(row.content_id),
            content_title=clean(row.content_title),
            progress_percentage=row.progress_percentage,
            total_seconds=row.total_seconds,
            first_at=from_db_time(row.first_at),
            last_at=from_db_time(row.last_at),
            quiz_passed=None if row.quiz_passed is None else bool(row.quiz_passed),
            quiz_score=row.quiz_score,
        )
        for row in _CONTENTS.iterate(db, user_id=permit.subject_id, length=length)
    )
