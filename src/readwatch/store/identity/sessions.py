"""Sessions: opened at login, kept by heartbeats, found by token, ended."""

from collections.abc import Mapping
from datetime import datetime

from readwatch.domain.errors import not_found
from readwatch.domain.sessions import STAFF_SESSION_LIFETIME, Principal
from readwatch.domain.users import User, UserRole
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database, Lock, Statement, acquire_lock, to_db_time

MAX_USER_AGENT_LENGTH = 500

_OPEN_READER_SESSION = Statement(
    """
    INSERT INTO reader_sessions (
        user_id, session_token, ip_address, user_agent, started_at, last_heartbeat, is_active,
        device_type
    ) VALUES (
        :user_id, :session_token, :ip_address, :user_agent, :now, :now, TRUE, :device_type
    ) RETURNING id
    """
)
_COUNT_LOGIN = Statement(
    """
    UPDATE reader_profiles
    SET last_login = CASE WHEN last_login > :now THEN last_login ELSE :now END,
        total_sessions = total_sessions + 1, updated_at = :now
    WHERE user_id = :user_id
    """
)
_OPEN_STAFF_SESSION = Statement(
    """
    INSERT INTO staff_sessions (
        user_id, session_token, ip_address, user_agent, started_at, is_active
    ) VALUES (
        :user_id, :session_token, :ip_address, :user_agent, :now, TRUE
    ) RETURNING id
    """
)
# Readers' sessions that ended lately, and those of accounts that are suspended or deleted.
_GONE = Statement(
    """
    SELECT session_token FROM reader_sessions WHERE ended_at > :since
    UNION ALL
    SELECT s.session_token FROM users u JOIN reader_sessions s ON s.user_id = u.id
    WHERE u.is_active = FALSE AND s.is_active = TRUE
    """
)
_DELETED = Statement("SELECT id FROM users WHERE is_active = FALSE AND deleted_at > :since")
_READER_CALLER = Statement(
    """
    SELECT s.user_id, u.user_role, s.id
    FROM reader_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.session_token = :session_token AND s.is_active = TRUE
    AND u.is_active = TRUE AND u.deleted_at IS NULL
    """
)
_STAFF_CALLER = Statement(
    """
    SELECT s.user_id, u.user_role, s.id
    FROM staff_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.session_token = :session_token AND s.is_active = TRUE AND s.started_at > :since
    AND u.is_active = TRUE AND u.deleted_at IS NULL
    """
)
# IS TRUE, as no index serves it: with "= TRUE" SQLite goes through all active sessions and through
# all the rows for each.
_HEARTBEATS = BulkStatement(
    {"session_id": "bigint", "user_id": "bigint", "heard_at": "timestamptz"},
    """
    UPDATE reader_sessions AS kept SET last_heartbeat = given.heard_at
    FROM {rows} AS given
    WHERE kept.id = given.session_id AND kept.user_id = given.user_id
    AND kept.is_active IS TRUE AND kept.last_heartbeat < given.heard_at
    """,
)
_END_READER_SESSION = Statement(
    """
    UPDATE reader_sessions SET is_active = FALSE, ended_at = :now
    WHERE id = :session_id AND user_id = :user_id AND is_active = TRUE
    """
)
_END_STAFF_SESSION = Statement(
    """
    UPDATE staff_sessions SET is_active = FALSE, ended_at = :now
    WHERE id = :session_id AND user_id = :user_id AND is_active = TRUE
    """
)
_FORGET_RESUME_TOKEN_OF = Statement(
    """
    DELETE FROM resume_tokens WHERE session_id = (
        SELECT id FROM reader_sessions WHERE session_token = :session_token
    )
    """
)
_FORGET_RESUME_TOKEN = Statement(
    "DELETE FROM resume_tokens WHERE session_id = :session_id AND user_id = :user_id"
)
_END_OTHER_READER_SESSIONS = Statement(
    """
    UPDATE reader_sessions SET is_active = FALSE, ended_at = :now
    WHERE user_id = :user_id AND is_active = TRUE AND id <> :kept RETURNING id
    """
)
_END_OTHER_STAFF_SESSIONS = Statement(
    """
    UPDATE staff_sessions SET is_active = FALSE, ended_at = :now
    WHERE user_id = :user_id AND is_active = TRUE AND id <> :kept RETURNING id
    """
)
_FORGET_OTHER_RESUME_TOKENS = Statement(
    "DELETE FROM resume_tokens WHERE user_id = :user_id AND session_id <> :kept"
)
_REVOCABLE = Statement(
    """
    SELECT user_id FROM reader_sessions WHERE id = :session_id
    AND (is_active = TRUE OR id IN (SELECT session_id FROM resume_tokens))
    """
)
_NONE_KEPT = 0  # no session has this number


def open_session(
    db: Database,
    user: User,
    session_token: str,
    now: datetime,
    *,
    ip_address: str | None = None,
    user_agent: str | None = None,
    device_type: str | None = None,
) -> Principal:
    """Open a session for a user who has just signed in; `session_token` is the token's hash.

    A reader's login counts among `total_sessions`; staff get a session that is never online.
    Call it in a transaction.
    """
    values = {
        "user_id": user.id,
        "session_token": session_token,
        "ip_address": ip_address,
        "user_agent": user_agent[:MAX_USER_AGENT_LENGTH] if user_agent else None,
        "now": to_db_time(now),
    }
    if user.user_role is UserRole.READER:
        acquire_lock(db, Lock.ROLLUPS)
        row = _OPEN_READER_SESSION(db, **values, device_type=device_type).fetchone()
        _COUNT_LOGIN(db, user_id=user.id, now=to_db_time(now))
    else:
        row = _OPEN_STAFF_SESSION(db, **values).fetchone()
    return Principal(user_id=user.id, user_role=user.user_role, session_id=row[0])


def find_principal(db: Database, session_token: str, now: datetime) -> Principal | None:
    """Return who is behind a token's hash; None when its session or its account is not active.

    A session of staff that is too old counts no more, also before the clean-up ends it.
    """
    row = (
        _READER_CALLER(db, session_token=session_token).fetchone()
        or _STAFF_CALLER(
            db, session_token=session_token, since=to_db_time(now - STAFF_SESSION_LIFETIME)
        ).fetchone()
    )
    if row is None:
        return None
    return Principal(user_id=row[0], user_role=UserRole(row[1]), session_id=row[2])


def record_heartbeats(db: Database, heard: Mapping[Principal, datetime]) -> None:
    """Note when which apps were still here; a clock that jumped back moves nothing."""
    _HEARTBEATS(
        db,
        [
            (caller.session_id, caller.user_id, to_db_time(heard_at))
            for caller, heard_at in heard.items()
        ],
    )


def record_heartbeat(db: Database, caller: Principal, now: datetime) -> None:
    """Note that one reader's app is still here."""
    record_heartbeats(db, {caller: now})


def end_session(db: Database, caller: Principal, now: datetime) -> None:
    """End the session that the caller came with, on purpose: it cannot be resumed.

    Call it in a transaction.
    """
    values = {"session_id": caller.session_id, "user_id": caller.user_id, "now": to_db_time(now)}
    if caller.user_role.is_staff:
        _END_STAFF_SESSION(db, **values)
    else:
        _END_READER_SESSION(db, **values)
        _FORGET_RESUME_TOKEN(db, session_id=caller.session_id, user_id=caller.user_id)


def delete_resume_token(db: Database, session_token: str) -> None:
    """Make a session that ended by silence one that cannot be resumed. Call it in a transaction."""
    _FORGET_RESUME_TOKEN_OF(db, session_token=session_token)


def end_other_sessions(db: Database, caller: Principal, now: datetime) -> None:
    """End all sessions of the caller's user but this one; none of them can be resumed.

    Call it in a transaction.
    """
    kept = caller.session_id
    of_reader, of_staff = (_NONE_KEPT, kept) if caller.user_role.is_staff else (kept, _NONE_KEPT)
    _end_sessions_but(db, caller.user_id, of_reader, of_staff, now)


def end_all_sessions(db: Database, user_id: int, now: datetime) -> int:
    """End all sessions of a user, none of which can be resumed; return how many were open.

    Call it in a transaction.
    """
    acquire_lock(db, Lock.ROLLUPS)  # heartbeats move the same rows, in an order of their own
    return _end_sessions_but(db, user_id, _NONE_KEPT, _NONE_KEPT, now)


def revoke_session(db: Database, session_id: int, now: datetime) -> int:
    """End a reader's session that is open or could be resumed; return whose it was.

    Call it in a transaction.
    """
    acquire_lock(db, Lock.ROLLUPS)
    row = _REVOCABLE(db, session_id=session_id).fetchone()
    if row is None:
        raise not_found(f"there is no session {session_id} that could be revoked")
    user_id: int = row[0]
    end_session(db, Principal(user_id, UserRole.READER, session_id), now)
    return user_id


def _end_sessions_but(
    db: Database, user_id: int, of_reader: int, of_staff: int, now: datetime
) -> int:
    values = {"user_id": user_id, "now": to_db_time(now)}
    ended = [
        *_END_OTHER_READER_SESSIONS(db, **values, kept=of_reader).fetchall(),
        *_END_OTHER_STAFF_SESSIONS(db, **values, kept=of_staff).fetchall(),
    ]
    _FORGET_OTHER_RESUME_TOKENS(db, user_id=user_id, kept=of_reader)
    return len(ended)


def users_deleted(db: Database, since: datetime) -> set[int]:
    """Return the ids of the users who were deleted after `since`: of some no session is left."""
    return {row[0] for row in _DELETED(db, since=to_db_time(since))}


def tokens_gone(db: Database, since: datetime) -> list[str]:
    """Return readers' token hashes whose session ended after `since` or whose account is closed."""
    return [row[0] for row in _GONE(db, since=to_db_time(since))]
