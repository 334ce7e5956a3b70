"""Resume tokens: a device that was logged in opens a new session without the password.

Each token works once; the response contains the next one. An earlier token of the same device can
be a stolen one, so it ends the session, and the device must log in with the password.
"""

from datetime import datetime, timedelta

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import User, UserRole
from readwatch.store.engine.compiled import TRUE, CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.models import ReaderSessions, ResumeTokens, Users
from readwatch.store.engine.times import from_db_time, to_db_time
from readwatch.store.identity.sessions import end_session, open_session
from readwatch.store.identity.tokens import family_of, hash_token
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
_RENEW = CompiledQuery(
    ResumeTokens.update(
        {
            ResumeTokens.token_hash: Param("token_hash"),
            ResumeTokens.session: Param("session_id"),
            ResumeTokens.expires_at: Param("expires_at"),
        }
    ).where(ResumeTokens.family_hash == Param("family_hash"))
)


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
    next_token: str,
    token_hash: str,
    now: datetime,
    *,
    ip_address: str | None = None,
    user_agent: str | None = None,
    device_type: str | None = None,
) -> tuple[User, Principal] | ReadwatchError:
    """Replace the session of `resume_token` by a new one; return the reader's principal.

    `next_token` is of the same family; `session_token` is a hash. A refusal is returned, not
    raised, because a used token ends the session, which has to be committed. Call it in a
    transaction.
    """
    acquire_lock(db, Lock.ROLLUPS)  # of two requests with the same token, the second one is refused
    family_hash = hash_token(family_of(resume_token))
    stored = _FIND.one_or_none(db, family_hash=family_hash)
    if stored is None or from_db_time(stored.expires_at) <= now:
        return _refusal("this resume token is not valid any more; log in again")
    previous = Principal(stored.user_id, UserRole.READER, stored.session_id)
    if hash_token(resume_token) != stored.token_hash:
        end_session(db, previous, now)
        return _refusal(
            "this resume token was used before, so the device is logged out; log in again"
        )
    user = get_user(db, stored.user_id)
    principal = open_session(
        db,
        user,
        token_hash,
        now,
        ip_address=ip_address,
        user_agent=user_agent,
        device_type=device_type or stored.device_type,
    )
    _RENEW(
        db,
        token_hash=hash_token(next_token),
        session_id=principal.session_id,
        expires_at=to_db_time(now + LIFETIME),
        family_hash=family_hash,
    )
    end_session(db, previous, now)
    return user, principal


def _refusal(sentence: str) -> ReadwatchError:
    return ReadwatchError(ErrorKind.UNAUTHENTICATED, sentence)
