"""Resume tokens: a device that was signed in gets a new session without the password.

Each token is good for once and is answered with the next one. Whoever comes with an earlier one, be
it a thief or the device that was robbed, ends the family: then only the password helps.
"""

from datetime import datetime, timedelta

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import User, UserRole
from readwatch.store.engine.connections import (
    Database,
    Lock,
    Statement,
    acquire_lock,
    from_db_time,
    to_db_time,
)
from readwatch.store.identity.sessions import end_session, open_session
from readwatch.store.identity.tokens import family_of, token_hash
from readwatch.store.identity.users import ACTIVE_READER, get_user

LIFETIME = timedelta(days=30)
"""How long after a login, or after it was last resumed, a session can be resumed."""

_KEEP = Statement(
    """
    INSERT INTO resume_tokens (family_hash, token_hash, user_id, session_id, expires_at)
    VALUES (:family_hash, :token_hash, :user_id, :session_id, :expires_at)
    """
)
_FIND = Statement(
    f"""
    SELECT r.token_hash, r.expires_at, r.user_id, r.session_id, s.device_type
    FROM resume_tokens r
    JOIN users u ON u.id = r.user_id
    JOIN reader_sessions s ON s.id = r.session_id
    WHERE r.family_hash = :family_hash
    AND {ACTIVE_READER}
    """  # noqa: S608 - our own text
)
_RENEW = Statement(
    """
    UPDATE resume_tokens
    SET token_hash = :token_hash, session_id = :session_id, expires_at = :expires_at
    WHERE family_hash = :family_hash
    """
)


def save_resume_token(db: Database, caller: Principal, resume_token: str, now: datetime) -> None:
    """Remember a new device's resume token for a session just opened. Call it in a transaction."""
    _KEEP(
        db,
        family_hash=token_hash(family_of(resume_token)),
        token_hash=token_hash(resume_token),
        user_id=caller.user_id,
        session_id=caller.session_id,
        expires_at=to_db_time(now + LIFETIME),
    )


def resume_session(
    db: Database,
    resume_token: str,
    next_token: str,
    session_token: str,
    now: datetime,
    *,
    ip_address: str | None = None,
    user_agent: str | None = None,
    device_type: str | None = None,
) -> tuple[User, Principal] | ReadwatchError:
    """Open a session in place of the one that `resume_token` came with; return whose it is.

    `next_token` is of the same family, `session_token` a hash. A refusal is returned, not raised:
    what a used token ends has to be committed. Call it in a transaction.
    """
    acquire_lock(db, Lock.ROLLUPS)  # of two copies one comes second, and finds the token used
    family_hash = token_hash(family_of(resume_token))
    row = _FIND(db, family_hash=family_hash).fetchone()
    if row is None or from_db_time(row[1]) <= now:
        return _refusal("this resume token is not valid any more; log in again")
    good, _, user_id, session_id, kept_device_type = row
    previous = Principal(user_id, UserRole.READER, session_id)
    if token_hash(resume_token) != good:
        end_session(db, previous, now)
        return _refusal(
            "this resume token was used before, so the device is signed out; log in again"
        )
    user = get_user(db, user_id)
    caller = open_session(
        db,
        user,
        session_token,
        now,
        ip_address=ip_address,
        user_agent=user_agent,
        device_type=device_type or kept_device_type,
    )
    _RENEW(
        db,
        token_hash=token_hash(next_token),
        session_id=caller.session_id,
        expires_at=to_db_time(now + LIFETIME),
        family_hash=family_hash,
    )
    end_session(db, previous, now)
    return user, caller


def _refusal(sentence: str) -> ReadwatchError:
    return ReadwatchError(ErrorKind.UNAUTHENTICATED, sentence)
