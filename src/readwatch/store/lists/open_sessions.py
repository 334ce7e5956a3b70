"""The list of the active sessions of all readers."""

from readwatch.domain.sessions import OpenSession
from readwatch.domain.text import clean
from readwatch.store.audit.log import RowAccess
from readwatch.store.engine.compiled import TRUE, CompiledQuery
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import ReaderSessions, Users
from readwatch.store.engine.times import from_db_time

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


def open_sessions(db: Database, _access: RowAccess) -> tuple[OpenSession, ...]:
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
