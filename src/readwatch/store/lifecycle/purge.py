"""The purge of sessions that ended long ago, in chunks, so that other writes do not wait long.

The totals of a reader stay: in the transaction of a chunk its sessions move into `archived_totals`,
which a rebuild and a comparison of the rollups add. Activities stay, without their session.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from readwatch.domain.errors import conflict
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.migrations import refuse_newer_schema
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time_or_none, to_db_time

LEAST_AGE = timedelta(days=90)
"""No session that ended later is deleted: pages and reports of readers show twelve weeks."""

CHUNK_SESSIONS = 100
"""The number of sessions that one transaction deletes; each of them can have many activities."""

_KEYS_AT_ONCE = 10_000

_MOST_SILENT = timedelta(days=31)

# The last session from before stays: Attention compares it with the next login. So do sessions that
# a device can resume, or has resumed a moment ago. {unindexed} keeps SQLite from an index with
# nearly all sessions.
_IS_OLD = """
    {unindexed}s.is_active = FALSE AND {unindexed}s.ended_at < :before
    AND EXISTS (
        SELECT 1 FROM reader_sessions n
        WHERE n.user_id = s.user_id AND n.id > s.id AND n.is_active = FALSE AND n.ended_at < :before
    )
    AND s.id NOT IN (
        SELECT session_id FROM resume_tokens WHERE expires_at > :now
        UNION ALL
        SELECT predecessor_session_id FROM resume_tokens
        WHERE expires_at > :now AND predecessor_session_id IS NOT NULL
    )
"""
_ON_SQLITE, _ON_POSTGRESQL = _IS_OLD.format(unindexed="+"), _IS_OLD.format(unindexed="")


def _of_old(sql: str) -> Statement:
    """Return a statement in which `{is_old}` is the condition for an old session."""
    return Statement(sql.format(is_old=_ON_SQLITE), postgresql=sql.format(is_old=_ON_POSTGRESQL))


_COUNT_OLD = _of_old("SELECT count(*) FROM reader_sessions s WHERE {is_old}")
_OLD_IDS = _of_old(
    """
    SELECT s.id FROM reader_sessions s WHERE s.id > :after AND {is_old} ORDER BY s.id LIMIT :most
    """
)
# CROSS JOIN: SQLite then searches the session of each given id.
_STILL_OLD_OF = "SELECT s.id FROM given CROSS JOIN reader_sessions s WHERE s.id = given.id AND "
_STILL_OLD = BulkStatement(
    {"id": "bigint"}, _STILL_OLD_OF + _ON_SQLITE, postgresql=_STILL_OLD_OF + _ON_POSTGRESQL
)
_ADD_TOTALS = BulkStatement(
    {"id": "bigint"},
    """
    INSERT INTO archived_totals (user_id, total_sessions, last_login)
    SELECT user_id, count(*), max(started_at) FROM reader_sessions
    WHERE id IN (SELECT id FROM given) GROUP BY user_id
    ON CONFLICT (user_id) DO UPDATE SET
        total_sessions = archived_totals.total_sessions + excluded.total_sessions,
        last_login = CASE
            WHEN archived_totals.last_login > excluded.last_login THEN archived_totals.last_login
            ELSE excluded.last_login
        END
    """,
)
_DELETE = BulkStatement(
    {"id": "bigint"}, "DELETE FROM reader_sessions WHERE id IN (SELECT id FROM given)"
)
_COUNT_OLD_STAFF = Statement(
    "SELECT count(*) FROM staff_sessions WHERE is_active = FALSE AND ended_at < :before"
)
_DELETE_STAFF = Statement(
    """
    DELETE FROM staff_sessions WHERE id IN (
        SELECT id FROM staff_sessions WHERE is_active = FALSE AND ended_at < :before
        ORDER BY id LIMIT :most
    ) RETURNING id
    """
)
_NEWEST_TIMES = Statement(
    """
    SELECT max(created_at) AS at FROM consultant_access_log
    UNION ALL
    SELECT max(started_at) FROM (
        SELECT started_at FROM reader_sessions ORDER BY id DESC LIMIT 1
    ) AS last_session
    """
)


def require_right_clock(db: Database, now: datetime) -> None:
    """Refuse if nothing in the database is nearly as new as `now`: then the clock may have jumped,
    and a purge would delete what is not old."""
    times = (from_db_time_or_none(row.at) for row in _NEWEST_TIMES.all(db))
    newest = max(filter(None, times), default=now)
    if now - newest > _MOST_SILENT:
        raise conflict(
            f"the clock of this machine says {now:%Y-%m-%d}, but the newest entry of the database "
            f"is of {newest:%Y-%m-%d}; nothing was deleted. If the clock is right, run another "
            "command first, such as: readwatch session list"
        )


def old_sessions(db: Database, before: datetime, now: datetime) -> int:
    """Return how many readers' sessions a purge would delete."""
    return int(_COUNT_OLD.scalar(db, before=to_db_time(before), now=to_db_time(now)))


def old_staff_sessions(db: Database, before: datetime) -> int:
    """Return how many staff sessions a purge would delete."""
    return int(_COUNT_OLD_STAFF.scalar(db, before=to_db_time(before)))


def purge_sessions(db: Database, before: datetime, now: datetime) -> Iterator[int]:
    """Delete readers' sessions that ended before a time, and yield the number of each chunk.

    Pauses after each chunk for as long as the chunk took, so that other programs can write.
    """
    times = {"before": to_db_time(before), "now": to_db_time(now)}
    after = 0
    while ids := _OLD_IDS(db, **times, after=after, most=_KEYS_AT_ONCE).fetchall():
        after = ids[-1][0]
        for start in range(0, len(ids), CHUNK_SESSIONS):
            began = time.monotonic()
            yield _purge_chunk(db, ids[start : start + CHUNK_SESSIONS], times)
            time.sleep(time.monotonic() - began)


def _purge_chunk(db: Database, ids: Sequence[tuple[int]], times: dict[str, str]) -> int:
    """Delete those of some sessions that are still old: a device may have resumed one."""
    with db.atomic():
        acquire_lock(db, Lock.ROLLUPS)
        refuse_newer_schema(db)
        still_old = [(row.id,) for row in _STILL_OLD.all(db, ids, **times)]
        _ADD_TOTALS(db, still_old)
        _DELETE(db, still_old)
    return len(still_old)


def purge_staff_sessions(db: Database, before: datetime) -> Iterator[int]:
    """Delete staff sessions that ended before a time, and yield the number of each chunk."""
    deleted = CHUNK_SESSIONS
    while deleted == CHUNK_SESSIONS:
        began = time.monotonic()
        with db.atomic():
            deleted = len(
                _DELETE_STAFF(db, before=to_db_time(before), most=CHUNK_SESSIONS).fetchall()
            )
        yield deleted
        time.sleep(time.monotonic() - began)
