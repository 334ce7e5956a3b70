"""Sessions: they are opened, found by token, updated by heartbeats, and ended."""

from datetime import datetime
from typing import Any

import peewee

from readwatch.domain.errors import not_found
from readwatch.domain.sessions import STAFF_SESSION_LIFETIME, Principal
from readwatch.domain.users import User, UserRole
from readwatch.store.engine.compiled import (
    FALSE,
    TRUE,
    CompiledQuery,
    Param,
    is_false_unindexed,
    is_true_unindexed,
)
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.models import (
    ReaderProfiles,
    ReaderSessions,
    ResumeTokens,
    StaffSessions,
    Users,
)
from readwatch.store.engine.times import to_db_time

MAX_USER_AGENT_LENGTH = 500

_OPEN_READER_SESSION = CompiledQuery(
    ReaderSessions.insert(
        {
            ReaderSessions.user: Param("user_id"),
            ReaderSessions.session_token: Param("session_token"),
            ReaderSessions.ip_address: Param("ip_address"),
            ReaderSessions.user_agent: Param("user_agent"),
            ReaderSessions.started_at: Param("now"),
            ReaderSessions.last_heartbeat: Param("now"),
            ReaderSessions.is_active: TRUE,
            ReaderSessions.device_type: Param("device_type"),
        }
    ).returning(ReaderSessions.id)
)
_OPEN_STAFF_SESSION = CompiledQuery(
    StaffSessions.insert(
        {
            StaffSessions.user: Param("user_id"),
            StaffSessions.session_token: Param("session_token"),
            StaffSessions.ip_address: Param("ip_address"),
            StaffSessions.user_agent: Param("user_agent"),
            StaffSessions.started_at: Param("now"),
            StaffSessions.is_active: TRUE,
        }
    ).returning(StaffSessions.id)
)


def _latest(column: peewee.Field) -> Any:
    """Return the later one of a column and now; the clock of another server can be ahead."""
    return peewee.Case(None, [(column > Param("now"), column)], Param("now"))


_LAST_LOGIN = {
    ReaderProfiles.last_login: _latest(ReaderProfiles.last_login),
    ReaderProfiles.updated_at: Param("now"),
}
_COUNT_LOGIN = CompiledQuery(
    ReaderProfiles.update(
        {**_LAST_LOGIN, ReaderProfiles.total_sessions: ReaderProfiles.total_sessions + 1}
    ).where(ReaderProfiles.user == Param("user_id"))
)
_REPEAT_LOGIN = CompiledQuery(
    ReaderProfiles.update(_LAST_LOGIN).where(ReaderProfiles.user == Param("user_id"))
)
_RESTART_READER_SESSION = CompiledQuery(
    ReaderSessions.update(
        {
            ReaderSessions.is_active: TRUE,
            ReaderSessions.started_at: _latest(ReaderSessions.started_at),
            ReaderSessions.last_heartbeat: _latest(ReaderSessions.last_heartbeat),
            ReaderSessions.ended_at: None,
        }
    ).where(ReaderSessions.id == Param("session_id"))
)
_FIND_READER = CompiledQuery(
    ReaderSessions.select(ReaderSessions.id, ReaderSessions.user, Users.user_role)
    .join(Users)
    .where(
        ReaderSessions.session_token == Param("session_token"),
        ReaderSessions.is_active == TRUE,
        Users.is_active == TRUE,
        Users.deleted_at.is_null(),
    )
)
_FIND_STAFF = CompiledQuery(
    StaffSessions.select(StaffSessions.id, StaffSessions.user, Users.user_role)
    .join(Users)
    .where(
        StaffSessions.session_token == Param("session_token"),
        StaffSessions.is_active == TRUE,
        StaffSessions.started_at > Param("since"),
        Users.is_active == TRUE,
        Users.deleted_at.is_null(),
    )
)
# Readers' sessions that ended lately, and sessions of accounts that were suspended lately.
_INVALID_TOKENS = CompiledQuery(
    ReaderSessions.select(ReaderSessions.session_token)
    .where(ReaderSessions.ended_at > Param("since"))
    .union_all(
        ReaderSessions.select(ReaderSessions.session_token)
        .join(Users)
        .where(
            is_false_unindexed(Users.is_active),
            Users.updated_at > Param("since"),
            is_true_unindexed(ReaderSessions.is_active),
        )
    )
)
_DELETED_USERS = CompiledQuery(
    Users.select(Users.id).where(Users.is_active == FALSE, Users.deleted_at > Param("since"))
)
_END_READER_SESSION = CompiledQuery(
    ReaderSessions.update(
        {ReaderSessions.is_active: FALSE, ReaderSessions.ended_at: Param("now")}
    ).where(
        ReaderSessions.id == Param("session_id"),
        ReaderSessions.user == Param("user_id"),
        ReaderSessions.is_active == TRUE,
    )
)
_END_STAFF_SESSION = CompiledQuery(
    StaffSessions.update(
        {StaffSessions.is_active: FALSE, StaffSessions.ended_at: Param("now")}
    ).where(
        StaffSessions.id == Param("session_id"),
        StaffSessions.user == Param("user_id"),
        StaffSessions.is_active == TRUE,
    )
)
_END_OTHER_READER_SESSIONS = CompiledQuery(
    ReaderSessions.update({ReaderSessions.is_active: FALSE, ReaderSessions.ended_at: Param("now")})
    .where(
        ReaderSessions.user == Param("user_id"),
        is_true_unindexed(ReaderSessions.is_active),
        ReaderSessions.id != Param("except_id"),
    )
    .returning(ReaderSessions.id)
)
_END_OTHER_STAFF_SESSIONS = CompiledQuery(
    StaffSessions.update({StaffSessions.is_active: FALSE, StaffSessions.ended_at: Param("now")})
    .where(
        StaffSessions.user == Param("user_id"),
        StaffSessions.is_active == TRUE,
        StaffSessions.id != Param("except_id"),
    )
    .returning(StaffSessions.id)
)
_DELETE_RESUME_TOKEN = CompiledQuery(
    ResumeTokens.delete().where(
        ResumeTokens.session == Param("session_id"), ResumeTokens.user == Param("user_id")
    )
)
_DELETE_OTHER_RESUME_TOKENS = CompiledQuery(
    ResumeTokens.delete().where(
        ResumeTokens.user == Param("user_id"), ResumeTokens.session != Param("except_id")
    )
)
_FIND_REVOCABLE = CompiledQuery(
    ReaderSessions.select(ReaderSessions.user).where(
        ReaderSessions.id == Param("session_id"),
        (ReaderSessions.is_active == TRUE)
        | ReaderSessions.id.in_(ResumeTokens.select(ResumeTokens.session)),
    )
)
_NO_SESSION = 0  # no session has this id


def open_session(
    db: Database,
    user: User,
    token_hash: str,
    now: datetime,
    *,
    ip_address: str | None = None,
    user_agent: str | None = None,
    device_type: str | None = None,
) -> Principal:
    """Open a session for a user who has just logged in; `session_token` is the token's hash.

    A reader's session adds to `total_sessions`; a staff session is never online.
    Call it in a transaction.
    """
    values = {
        "user_id": user.id,
        "session_token": token_hash,
        "ip_address": ip_address,
        "user_agent": user_agent[:MAX_USER_AGENT_LENGTH] if user_agent else None,
        "now": to_db_time(now),
    }
    if user.user_role is UserRole.READER:
        acquire_lock(db, Lock.ROLLUPS)
        session_id = _OPEN_READER_SESSION.scalar(db, **values, device_type=device_type)
        _COUNT_LOGIN(db, user_id=user.id, now=to_db_time(now))
    else:
        session_id = _OPEN_STAFF_SESSION.scalar(db, **values)
    return Principal(user_id=user.id, user_role=user.user_role, session_id=session_id)


def restart_session(db: Database, principal: Principal, now: datetime) -> None:
    """Let a reader's session, which nobody has used so far, begin now.

    Call it in a transaction.
    """
    _RESTART_READER_SESSION(db, session_id=principal.session_id, now=to_db_time(now))
    _REPEAT_LOGIN(db, user_id=principal.user_id, now=to_db_time(now))


def find_principal(db: Database, token_hash: str, now: datetime) -> Principal | None:
    """Return the principal of a token hash; None unless session and account are active.

    A staff session expires after `STAFF_SESSION_LIFETIME`, even before retention ends it.
    """
    session = _FIND_READER.one_or_none(db, session_token=token_hash) or _FIND_STAFF.one_or_none(
        db, session_token=token_hash, since=to_db_time(now - STAFF_SESSION_LIFETIME)
    )
    if session is None:
        return None
    return Principal(
        user_id=session.user_id, user_role=UserRole(session.user_role), session_id=session.id
    )


def end_session(db: Database, principal: Principal, now: datetime) -> None:
    """End the principal's session; it cannot be resumed.

    Call it in a transaction.
    """
    session = {"session_id": principal.session_id, "user_id": principal.user_id}
    if principal.user_role.is_staff:
        _END_STAFF_SESSION(db, **session, now=to_db_time(now))
    else:
        _END_READER_SESSION(db, **session, now=to_db_time(now))
        _DELETE_RESUME_TOKEN(db, **session)


def end_other_sessions(db: Database, principal: Principal, now: datetime) -> None:
    """End the user's other sessions; they cannot be resumed.

    Call it in a transaction.
    """
    if principal.user_role.is_staff:
        _end_sessions(db, principal.user_id, now, except_staff_session=principal.session_id)
    else:
        _end_sessions(db, principal.user_id, now, except_reader_session=principal.session_id)


def end_all_sessions(db: Database, user_id: int, now: datetime) -> int:
    """End all sessions of a user, which cannot be resumed; return how many were active.

    Call it in a transaction.
    """
    acquire_lock(db, Lock.ROLLUPS)  # heartbeats update the same rows, in another order
    return _end_sessions(db, user_id, now)


def revoke_session(db: Database, session_id: int, now: datetime) -> int:
    """End a reader's session that is active or can be resumed; return the reader's id.

    Call it in a transaction.
    """
    acquire_lock(db, Lock.ROLLUPS)
    session = _FIND_REVOCABLE.one_or_none(db, session_id=session_id)
    if session is None:
        raise not_found(f"there is no session {session_id} that could be revoked")
    user_id: int = session.user_id
    end_session(db, Principal(user_id, UserRole.READER, session_id), now)
    return user_id


def _end_sessions(
    db: Database,
    user_id: int,
    now: datetime,
    *,
    except_reader_session: int = _NO_SESSION,
    except_staff_session: int = _NO_SESSION,
) -> int:
    user = {"user_id": user_id, "now": to_db_time(now)}
    ended = [
        *_END_OTHER_READER_SESSIONS(db, **user, except_id=except_reader_session),
        *_END_OTHER_STAFF_SESSIONS(db, **user, except_id=except_staff_session),
    ]
    _DELETE_OTHER_RESUME_TOKENS(db, user_id=user_id, except_id=except_reader_session)
    return len(ended)


def users_deleted(db: Database, since: datetime) -> set[int]:
    """Return the ids of users deleted after `since`; their sessions may be erased already."""
    return {user.id for user in _DELETED_USERS.all(db, since=to_db_time(since))}


def invalid_tokens(db: Database, since: datetime) -> list[str]:
    """Return the token hashes of readers' sessions that ended after `since`, and of the sessions of
    accounts that were suspended or deleted after `since`.
    """
    sessions = _INVALID_TOKENS.all(db, since=to_db_time(since))
    return [session.session_token for session in sessions]
