"""Retention: end sessions and delete expired rows, one chunk per call, so that other writes do
not wait long.

Several servers can do this at the same time: on PostgreSQL each skips rows that another server has
locked; on SQLite they wait for each other, as all writers do.
"""

from datetime import datetime, timedelta

from readwatch.domain.lockout import ALL_FAILURES_EXPIRE_AFTER
from readwatch.domain.sessions import STAFF_SESSION_LIFETIME
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import to_db_time

CHUNK_ROWS = 1000
"""The maximum number of rows that a call reads or changes."""

RECEIPT_RETENTION = timedelta(days=30)
"""Receipts are kept for this time: an activity that is sent again is recognised as a duplicate."""

ReceiptKey = tuple[int, str]
"""The key of a receipt: user id and event id."""

BEFORE_FIRST_RECEIPT: ReceiptKey = (0, "")


def _statement(sql: str) -> Statement:
    """Return a statement in which `{locked}` is FOR UPDATE SKIP LOCKED on PostgreSQL."""
    return Statement(sql.format(locked=""), postgresql=sql.format(locked="FOR UPDATE SKIP LOCKED"))


_END_SILENT_SESSIONS = _statement(
    """
    UPDATE reader_sessions SET is_active = FALSE, ended_at = :now
    WHERE id IN (
        SELECT id FROM reader_sessions
        WHERE is_active = TRUE AND last_heartbeat < :silent_since
        ORDER BY last_heartbeat LIMIT :most {locked}
    ) RETURNING id
    """
)
_END_STAFF_SESSIONS = _statement(
    """
    UPDATE staff_sessions SET is_active = FALSE, ended_at = :now
    WHERE id IN (
        SELECT id FROM staff_sessions
        WHERE is_active = TRUE AND started_at <= :before
        ORDER BY started_at LIMIT :most {locked}
    ) RETURNING id
    """
)
_LAST_OF_CHUNK = Statement(
    """
    SELECT user_id, event_id FROM (
        SELECT user_id, event_id FROM activity_receipts
        WHERE (user_id, event_id) > (:user_id, :event_id)
        ORDER BY user_id, event_id LIMIT :most
    ) AS chunk ORDER BY user_id DESC, event_id DESC LIMIT 1
    """
)
_PURGE_RECEIPTS = _statement(
    """
    DELETE FROM activity_receipts WHERE (user_id, event_id) IN (
        SELECT user_id, event_id FROM activity_receipts
        WHERE (user_id, event_id) > (:user_id, :event_id)
        AND (user_id, event_id) <= (:last_user_id, :last_event_id)
        AND created_at < :before {locked}
    )
    """
)
_PURGE_FAILED_LOGINS = _statement(
    """
    DELETE FROM failed_logins WHERE subject IN (
        SELECT subject FROM failed_logins WHERE last_failed_at < :before
        ORDER BY last_failed_at LIMIT :most {locked}
    ) RETURNING subject
    """
)
_PURGE_RESUME_TOKENS = _statement(
    """
    DELETE FROM resume_tokens WHERE family_hash IN (
        SELECT family_hash FROM resume_tokens WHERE expires_at <= :now
        ORDER BY expires_at LIMIT :most {locked}
    ) RETURNING family_hash
    """
)
_PURGE_INVITATIONS = Statement(
    """
    DELETE FROM invitations WHERE user_id IN (
        SELECT user_id FROM invitations WHERE expires_at <= :now ORDER BY expires_at LIMIT :most
    ) RETURNING user_id
    """
)


def end_silent_sessions(
    db: Database, now: datetime, silent_for: timedelta, *, most: int = CHUNK_ROWS
) -> bool:
    """End sessions that have timed out; tell whether there may be more of them.

    Call each function of this module in a transaction.
    """
    ended = _END_SILENT_SESSIONS(
        db, now=to_db_time(now), silent_since=to_db_time(now - silent_for), most=most
    )
    return len(ended.fetchall()) == most


def end_staff_sessions(db: Database, now: datetime, *, most: int = CHUNK_ROWS) -> bool:
    """End staff sessions that have expired; tell whether there may be more of them."""
    ended = _END_STAFF_SESSIONS(
        db, now=to_db_time(now), before=to_db_time(now - STAFF_SESSION_LIFETIME), most=most
    )
    return len(ended.fetchall()) == most


def purge_receipts(
    db: Database, after: ReceiptKey, now: datetime, *, most: int = CHUNK_ROWS
) -> ReceiptKey | None:
    """Delete expired receipts after a key; return the last key read, or None at the end."""
    user_id, event_id = after
    start = {"user_id": user_id, "event_id": event_id}
    last = _LAST_OF_CHUNK.one_or_none(db, **start, most=most)
    if last is None:
        return None
    _PURGE_RECEIPTS(
        db,
        **start,
        last_user_id=last.user_id,
        last_event_id=last.event_id,
        before=to_db_time(now - RECEIPT_RETENTION),
    )
    return (last.user_id, last.event_id)


def purge_failed_logins(db: Database, now: datetime, *, most: int = CHUNK_ROWS) -> bool:
    """Delete failed logins that no longer count; tell whether there may be more of them."""
    purged = _PURGE_FAILED_LOGINS(db, before=to_db_time(now - ALL_FAILURES_EXPIRE_AFTER), most=most)
    return len(purged.fetchall()) == most


def purge_resume_tokens(db: Database, now: datetime, *, most: int = CHUNK_ROWS) -> bool:
    """Delete resume tokens that have expired; tell whether there may be more of them."""
    purged = _PURGE_RESUME_TOKENS(db, now=to_db_time(now), most=most)
    return len(purged.fetchall()) == most


def purge_invitations(db: Database, now: datetime, *, most: int = CHUNK_ROWS) -> bool:
    """Delete invitations that have expired; tell whether there may be more of them."""
    acquire_lock(db, Lock.ROLLUPS)  # the first lock of all changes of accounts
    purged = _PURGE_INVITATIONS(db, now=to_db_time(now), most=most)
    return len(purged.fetchall()) == most
