"""Totals over all readers: the open sessions, and the activities per minute."""

from datetime import datetime, timedelta

from readwatch.domain.activities import MinuteCount
from readwatch.domain.sessions import OpenSession
from readwatch.domain.text import clean
from readwatch.store.audit.log import ListAccess
from readwatch.store.engine.connections import Database, Statement, from_db_time, to_db_time

_OPEN_SESSIONS = Statement(
    """
    SELECT
        s.id, s.user_id, u.full_name, s.device_type, s.ip_address, s.started_at, s.last_heartbeat
    FROM reader_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.is_active = TRUE ORDER BY s.last_heartbeat DESC, s.id DESC
    """
)
_COUNTS = Statement(
    """
    SELECT minute, sum(activities) FROM activity_counts
    WHERE minute > :since GROUP BY minute ORDER BY minute
    """
)


def open_sessions(db: Database, _access: ListAccess) -> tuple[OpenSession, ...]:
    """Return the open sessions of all readers, the latest heartbeat first."""
    return tuple(
        OpenSession(
            id=row[0],
            user_id=row[1],
            full_name=clean(row[2]),
            device_type=clean(row[3]),
            ip_address=clean(row[4]),
            started_at=from_db_time(row[5]),
            last_heartbeat=from_db_time(row[6]),
        )
        for row in _OPEN_SESSIONS(db)
    )


def activities_per_minute(
    db: Database, now: datetime, *, minutes: int = 60
) -> tuple[MinuteCount, ...]:
    """Return how many activities occurred in each of the last minutes, oldest first; the last one
    is the present minute."""
    this_minute = now.replace(second=0, microsecond=0)
    since = this_minute - timedelta(minutes=minutes)
    counts = {from_db_time(row[0]): int(row[1]) for row in _COUNTS(db, since=to_db_time(since))}
    return tuple(
        MinuteCount(minute, counts.get(minute, 0))
        for minute in (since + timedelta(minutes=step) for step in range(1, minutes + 1))
    )
