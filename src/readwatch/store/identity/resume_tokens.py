"""Resume tokens: a device that was logged in opens a new session without the password.

A resume replaces the token. The answer can get lost, and two tabs of a browser can resume at once,
so the token that was replaced, the predecessor, stays valid until its successor or the new session
is first used (https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2):

| token                | before the first use         | after it           |
|----------------------|------------------------------|--------------------|
| the current one      | new tokens and a new session | the same           |
| its predecessor      | the same tokens and session  | the device's end   |
| any older one        | the device's end             | the device's end   |

The end of a device ends its session and deletes its row: the token can be a stolen one, so only the
password helps. A logout, a revocation, a new password, a suspension and an erasure delete the row,
too. Of all tokens only hashes are stored; `readwatch.store.identity.tokens` derives the successors.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import User, UserRole
from readwatch.store.engine.compiled import TRUE, CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.models import ReaderSessions, ResumeTokens, Users
from readwatch.store.engine.times import from_db_time, to_db_time
from readwatch.store.identity.sessions import end_session, open_session, restart_session
from readwatch.store.identity.tokens import Tokens, family_of, hash_token, new_salt, successors
from readwatch.store.identity.users import get_user

LIFETIME = timedelta(days=30)
"""The time after a login or a resume in which a session can be resumed."""

_ADD = CompiledQuery(
    ResumeTokens.insert(
        {
            ResumeTokens.family_hash: Param("family_hash"),
            ResumeTokens.token_hash: Param("token_hash"),
            ResumeTokens.user: Param("user_id"),
            ResumeTokens.session: Param("session_id"),
            ResumeTokens.expires_at: Param("expires_at"),
        }
    )
)
_FIND = CompiledQuery(
    ResumeTokens.select(
        ResumeTokens.token_hash,
        ResumeTokens.expires_at,
        ResumeTokens.user,
        ResumeTokens.session,
        ResumeTokens.predecessor_hash,
        ResumeTokens.successor_salt,
        ReaderSessions.device_type,
    )
    .join_from(ResumeTokens, Users)
    .join_from(ResumeTokens, ReaderSessions)
    .where(
        ResumeTokens.family_hash == Param("family_hash"),
        Users.user_role == UserRole.READER,
        Users.is_active == TRUE,
        Users.deleted_at.is_null(),
    )
)
_REPLACE = CompiledQuery(
    ResumeTokens.update(
        {
            ResumeTokens.token_hash: Param("token_hash"),
            ResumeTokens.session: Param("session_id"),
            ResumeTokens.expires_at: Param("expires_at"),
            ResumeTokens.predecessor_hash: ResumeTokens.token_hash,
            ResumeTokens.predecessor_session_id: ResumeTokens.session,
            ResumeTokens.successor_salt: Param("salt"),
        }
    ).where(ResumeTokens.family_hash == Param("family_hash"))
)
_EXTEND = CompiledQuery(
    ResumeTokens.update({ResumeTokens.expires_at: Param("expires_at")}).where(
        ResumeTokens.family_hash == Param("family_hash")
    )
)
_HAS_PREDECESSOR = CompiledQuery(
    ResumeTokens.select(ResumeTokens.session).where(
        ResumeTokens.session == Param("session_id"), ResumeTokens.predecessor_hash.is_null(False)
    )
)
_REMOVE_PREDECESSOR = CompiledQuery(
    ResumeTokens.update(
        {
            ResumeTokens.predecessor_hash: None,
            ResumeTokens.predecessor_session_id: None,
            ResumeTokens.successor_salt: None,
        }
    ).where(ResumeTokens.session == Param("session_id"))
)
_FIND_DEVICE = CompiledQuery(
    ResumeTokens.select(ResumeTokens.user, ResumeTokens.session)
    .join(ReaderSessions, on=(ReaderSessions.user == ResumeTokens.user))
    .where(
        ReaderSessions.session_token == Param("session_token"),
        (ResumeTokens.session == ReaderSessions.id)
        | (ResumeTokens.predecessor_session_id == ReaderSessions.id),
    )
)


@dataclass(frozen=True, slots=True)
class Resumed:
    """A session that was resumed, and its tokens."""

    user: User
    principal: Principal
    tokens: Tokens


def save_resume_token(db: Database, principal: Principal, resume_token: str, now: datetime) -> None:
    """Save the resume token of a device for a new session. Call it in a transaction."""
    _ADD(
        db,
        family_hash=hash_token(family_of(resume_token)),
        token_hash=hash_token(resume_token),
        user_id=principal.user_id,
        session_id=principal.session_id,
        expires_at=to_db_time(now + LIFETIME),
    )


def resume_session(
    db: Database,
    resume_token: str,
    now: datetime,
    *,
    ip_address: str | None = None,
    user_agent: str | None = None,
    device_type: str | None = None,
) -> Resumed | ReadwatchError:
    """Open a new session in place of the one of `resume_token`, or return the one that it opened.

    A refusal is returned, not raised, because an old token ends the session, which has to be
    committed. Call it in a transaction.
    """
    acquire_lock(db, Lock.ROLLUPS)  # of two requests with one token, the second sees the first
    family_hash = hash_token(family_of(resume_token))
    stored = _FIND.one_or_none(db, family_hash=family_hash)
    if stored is None or from_db_time(stored.expires_at) <= now:
        return _refusal("this resume token is not valid any more; log in again")
    user, expires_at = get_user(db, stored.user_id), to_db_time(now + LIFETIME)
    current = Principal(user.id, UserRole.READER, stored.session_id)
    match hash_token(resume_token):
        case stored.token_hash:
            return _replace_session(
                db,
                user,
                current,
                resume_token,
                now,
                ip_address=ip_address,
                user_agent=user_agent,
                device_type=device_type or stored.device_type,
            )
        case stored.predecessor_hash:
            restart_session(db, current, now)
            _EXTEND(db, family_hash=family_hash, expires_at=expires_at)
            return Resumed(user, current, successors(resume_token, stored.successor_salt))
    end_session(db, current, now)
    return _refusal("this resume token was replaced, so the device is logged out; log in again")


def _replace_session(
    db: Database,
    user: User,
    previous: Principal,
    resume_token: str,
    now: datetime,
    **device: Any,
) -> Resumed:
    salt = new_salt()
    tokens = successors(resume_token, salt)
    principal = open_session(db, user, hash_token(tokens.session_token), now, **device)
    _REPLACE(
        db,
        family_hash=hash_token(family_of(resume_token)),
        token_hash=hash_token(tokens.resume_token),
        session_id=principal.session_id,
        expires_at=to_db_time(now + LIFETIME),
        salt=salt,
    )
    end_session(db, previous, now)
    return Resumed(user, principal, tokens)


def has_predecessor(db: Database, principal: Principal) -> bool:
    """Tell whether the session came from a resume token that is still valid."""
    return _HAS_PREDECESSOR.one_or_none(db, session_id=principal.session_id) is not None


def remove_predecessor(db: Database, principal: Principal) -> None:
    """Invalidate the resume token from which the session came. Call it in a transaction."""
    _REMOVE_PREDECESSOR(db, session_id=principal.session_id)


def end_device(db: Database, token_hash: str, now: datetime) -> None:
    """Log out the device of a session that has ended: it timed out, or a resume replaced it.

    Call it in a transaction.
    """
    acquire_lock(db, Lock.ROLLUPS)
    device = _FIND_DEVICE.one_or_none(db, session_token=token_hash)
    if device is not None:
        end_session(db, Principal(device.user_id, UserRole.READER, device.session_id), now)


def _refusal(sentence: str) -> ReadwatchError:
    return ReadwatchError(ErrorKind.UNAUTHENTICATED, sentence)
