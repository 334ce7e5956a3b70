"""Heartbeats: each sets `last_heartbeat` of its session; presence is computed from it."""

from collections.abc import Mapping
from datetime import datetime

from readwatch.domain.sessions import Principal
from readwatch.store.engine.bulk import GIVEN, BulkStatement
from readwatch.store.engine.compiled import is_true_unindexed
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import ReaderSessions
from readwatch.store.engine.times import to_db_time

# `is_true`: otherwise SQLite scans the index of all active sessions.
_SAVE_HEARTBEATS = BulkStatement(
    {"session_id": "bigint", "user_id": "bigint", "heartbeat_at": "timestamptz"},
    ReaderSessions.update({ReaderSessions.last_heartbeat: GIVEN.c.heartbeat_at})
    .from_(GIVEN)
    .where(
        ReaderSessions.id == GIVEN.c.session_id,
        ReaderSessions.user == GIVEN.c.user_id,
        is_true_unindexed(ReaderSessions.is_active),
        ReaderSessions.last_heartbeat < GIVEN.c.heartbeat_at,
    ),
)


def record_heartbeats(db: Database, heartbeats: Mapping[Principal, datetime]) -> None:
    """Save the time of each heartbeat, unless a later one is stored."""
    if not heartbeats:
        return
    _SAVE_HEARTBEATS(
        db,
        [
            (principal.session_id, principal.user_id, to_db_time(heartbeat_at))
            for principal, heartbeat_at in heartbeats.items()
        ],
    )


def record_heartbeat(db: Database, principal: Principal, now: datetime) -> None:
    """Save the time of one heartbeat."""
    record_heartbeats(db, {principal: now})
