"""Data over all readers: the active sessions, and the activities per minute."""

from datetime import datetime, timedelta

from peewee import fn

from readwatch.domain.activities import MinuteCount
from readwatch.domain.sessions import OpenSession
from readwatch.domain.text import clean
from readwatch.store.audit.log import ListAccess
from readwatch.store.engine.compiled import TRUE, CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import ActivityCounts, ReaderSessions, Users
from readwatch.store.engine.times import from_db_time, to_db_time

_OPEN_SESSIONS = CompiledQuery(
    ReaderSessions.select(
        ReaderSessions.id,
        ReaderSessions.user,
        Users.full_name,
        ReaderSessions.device_type,
        ReaderSessions.ip_address,
        ReaderSessions.started_at,
        ReaderSessions.last_heartbeat,
    )
    .join(Users)
    .where(ReaderSessions.is_active == TRUE)
    .order_by(ReaderSessions.last_heartbeat.desc(), ReaderSessions.id.desc())
)
_COUNTS = CompiledQuery(
    ActivityCounts.select(
        ActivityCounts.minute, fn.sum(ActivityCounts.activities).alias("activities")
    )
    .where(ActivityCounts.minute > Param("since"))
    .group_by(ActivityCounts.minute)
    .order_by(ActivityCounts.minute)
)


def open_sessions(db: Database, _access: ListAccess) -> tuple[OpenSession, ...]:
    """Return the active sessions of all readers, the latest heartbeat first."""
    return tuple(
        OpenSession(
            id=row.id,
            user_id=row.user_id,
            full_name=clean(row.full_name),
            device_type=clean(row.device_type),
            ip_address=clean(row.ip_address),
            started_at=from_db_time(row.started_at),
            last_heartbeat=from_db_time(row.last_heartbeat),
        )
        for row in _OPEN_SESSIONS.iterate(db)
    )


def activities_per_minute(
    db: Database, now: datetime, *, minutes: int = 60
) -> tuple[MinuteCount, ...]:
    """Return the number of activities in each of the last minutes, oldest first; the last value
    is the current minute."""
    this_minute = now.replace(second=0, microsecond=0)
    since = this_minute - timedelta(minutes=minutes)
    rows = _COUNTS.iterate(db, since=to_db_time(since))
    counts = {from_db_time(row.minute): int(row.activities) for row in rows}
    return tuple(
        MinuteCount(minute, counts.get(minute, 0))
        for minute in (since + timedelta(minutes=step) for step in range(1, minutes + 1))
    )
