"""What time ends or makes needless: a portion a call, so that no other write waits long for it.

Any number of servers may do this at once: on PostgreSQL each leaves to the others what they are at,
on SQLite they take turns as all writers do.
"""

from datetime import datetime, timedelta

from readwatch.domain.lockout import FORGET_ALL_AFTER
from readwatch.domain.sessions import STAFF_SESSION_LIFETIME
from readwatch.store.engine.connections import Database, Statement, to_db_time

PORTION = 1000
"""How many rows a call looks at or changes at most."""

RECEIPTS_KEPT_FOR = timedelta(days=30)
"""An activity that is sent again within this time is recognised."""

Place = tuple[int, str]
"""The user and the event id of a receipt."""

FIRST_PLACE: Place = (0, "")


def _statement(sql: str) -> Statement:
    """Return a statement that on PostgreSQL leaves out `{the_busy}` rows."""
    return Statement(
        sql.format(the_busy=""), postgresql=sql.format(the_busy="FOR UPDATE SKIP LOCKED")
    )


_END_SILENT_SESSIONS = _statement(
    """
    UPDATE reader_sessions SET is_active = FALSE, ended_at = :now
    WHERE id IN (
        SELECT id FROM reader_sessions
        WHERE is_active = TRUE AND last_heartbeat < :silent_since
        ORDER BY last_heartbeat LIMIT :most {the_busy}
    ) RETURNING id
    """
)
_END_STAFF_SESSIONS = _statement(
    """
    UPDATE staff_sessions SET is_active = FALSE, ended_at = :now
    WHERE id IN (
        SELECT id FROM staff_sessions
        WHERE is_active = TRUE AND started_at <= :before
        ORDER BY started_at LIMIT :most {the_busy}
    ) RETURNING id
    """
)
_LAST_OF_PORTION = Statement(
    """
    SELECT user_id, event_id FROM (
        SELECT user_id, event_id FROM activity_receipts
        WHERE (user_id, event_id) > (:user_id, :event_id)
        ORDER BY user_id, event_id LIMIT :most
    ) AS portion ORDER BY user_id DESC, event_id DESC LIMIT 1
    """
)
_FORGET_RECEIPTS = _statement(
    """
    DELETE FROM activity_receipts WHERE (user_id, event_id) IN (
        SELECT user_id, event_id FROM activity_receipts
        WHERE (user_id, event_id) > (:user_id, :event_id)
        AND (user_id, event_id) <= (:last_user_id, :last_event_id)
        AND created_at < :before {the_busy}
    )
    """
)
_FORGET_FAILURES = _statement(
    """
    DELETE FROM failed_logins WHERE subject IN (
        SELECT subject FROM failed_logins WHERE last_failed_at < :before
        ORDER BY last_failed_at LIMIT :most {the_busy}
    ) RETURNING subject
    """
)
_FORGET_RESUME_TOKENS = _statement(
    """
    DELETE FROM resume_tokens WHERE family_hash IN (
        SELECT family_hash FROM resume_tokens WHERE expires_at <= :now
        ORDER BY expires_at LIMIT :most {the_busy}
    ) RETURNING family_hash
    """
)


def end_silent_sessions(
    db: Database, now: datetime, silent_for: timedelta, *, most: int = PORTION
) -> bool:
    """End sessions without a heartbeat for so long; tell whether there may be more of them.

    Call it, and each of the others here, in a transaction.
    """
    ended = _END_SILENT_SESSIONS(
        db, now=to_db_time(now), silent_since=to_db_time(now - silent_for), most=most
    )
    return len(ended.fetchall()) == most


def end_staff_sessions(db: Database, now: datetime, *, most: int = PORTION) -> bool:
    """End the sessions of staff that are good no more; tell whether there may be more of them."""
    ended = _END_STAFF_SESSIONS(
        db, now=to_db_time(now), before=to_db_time(now - STAFF_SESSION_LIFETIME), most=most
    )
    return len(ended.fetchall()) == most


def forget_receipts(
    db: Database, after: Place, now: datetime, *, most: int = PORTION
) -> Place | None:
    """Look at the receipts after a place and forget the old; return how far that came, or None."""
    user_id, event_id = after
    portion = {"user_id": user_id, "event_id": event_id}
    last = _LAST_OF_PORTION(db, **portion, most=most).fetchone()
    if last is None:
        return None
    _FORGET_RECEIPTS(
        db,
        **portion,
        last_user_id=last[0],
        last_event_id=last[1],
        before=to_db_time(now - RECEIPTS_KEPT_FOR),
    )
    return (last[0], last[1])


def forget_failures(db: Database, now: datetime, *, most: int = PORTION) -> bool:
    """Forget failed logins that count no longer; tell whether there may be more of them."""
    forgotten = _FORGET_FAILURES(db, before=to_db_time(now - FORGET_ALL_AFTER), most=most)
    return len(forgotten.fetchall()) == most


def forget_resume_tokens(db: Database, now: datetime, *, most: int = PORTION) -> bool:
    """Forget resume tokens that have expired; tell whether there may be more of them."""
    forgotten = _FORGET_RESUME_TOKENS(db, now=to_db_time(now), most=most)
    return len(forgotten.fetchall()) == most
