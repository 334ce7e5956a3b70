"""Invitations: codes with which people set their own password, once and within three days.

The database has only the hash of a code. A user has at most one invitation: a new one replaces it,
and a new password, e-mail or role, a suspension and a deletion delete it.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import User
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.compiled import TRUE, CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import Invitations, Users
from readwatch.store.engine.times import from_db_time, to_db_time
from readwatch.store.identity.users import get_user

LIFETIME = timedelta(hours=72)
"""The time in which a code can be used."""

NO_PASSWORD = ""
"""The hash of an account without a password: no password matches it."""

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O and U, which people misread
_LENGTH, _GROUP = 28, 4  # 28 letters of 5 bits are 140 bits
_MISREAD = str.maketrans("ILO", "110")
_BETWEEN = re.compile(r"[^0-9A-Z]")

_DELETE = BulkStatement(
    {"user_id": "bigint", "code_hash": "text"},
    "DELETE FROM invitations WHERE user_id IN (SELECT user_id FROM given)",
)
_ADD = BulkStatement(
    {"user_id": "bigint", "code_hash": "text"},
    """
    INSERT INTO invitations (user_id, code_hash, created_at, expires_at)
    SELECT user_id, code_hash, :now, :expires_at FROM given
    """,
    postgresql="""
    INSERT INTO invitations (user_id, code_hash, created_at, expires_at)
    SELECT user_id, code_hash, CAST(:now AS timestamptz), CAST(:expires_at AS timestamptz)
    FROM given
    """,
)
_FIND = CompiledQuery(
    Invitations.select(Invitations.user, Invitations.expires_at)
    .join(Users)
    .where(
        Invitations.code_hash == Param("code_hash"),
        Users.is_active == TRUE,
        Users.deleted_at.is_null(),
    )
)
_EXPIRES_AT = CompiledQuery(
    Invitations.select(Invitations.expires_at).where(Invitations.user == Param("user_id"))
)
_REVOKE = CompiledQuery(Invitations.delete().where(Invitations.user == Param("user_id")))


def new_code() -> str:
    """Return a new random code, such as `K7QF-9M2X-...`: 140 bits in groups of four letters."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def hash_code(code: str) -> str:
    """Return the SHA-256 of a code, as 64 hex digits, however it was typed: case, spaces and
    hyphens do not matter, and O, I and L are read as digits."""
    letters = _BETWEEN.sub("", code.upper().translate(_MISREAD))
    return hashlib.sha256(letters.encode()).hexdigest()


def add_invitations(db: Database, codes: Mapping[int, str], now: datetime) -> datetime:
    """Invite users with these codes, by user id; return when the codes expire.

    Earlier invitations of these users are void. Append the entries first, with the same time: the
    engine refuses an invitation without one. Call it in a transaction, which has the lock of
    account changes unless the accounts are new.
    """
    expires_at = now + LIFETIME
    rows = [(user_id, hash_code(code)) for user_id, code in codes.items()]
    _DELETE(db, rows)
    _ADD(db, rows, now=to_db_time(now), expires_at=to_db_time(expires_at))
    return expires_at


def invited_user(db: Database, code: str, now: datetime) -> User:
    """Return the active user whom the code invites; refuse every other code in the same way."""
    invitation = _FIND.one_or_none(db, code_hash=hash_code(code))
    if invitation is None or from_db_time(invitation.expires_at) <= now:
        raise ReadwatchError(
            ErrorKind.UNAUTHENTICATED,
            "this code is not valid, or not valid any more; ask for a new invitation",
        )
    return get_user(db, invitation.user_id)


def invited_until(db: Database, user_id: int, now: datetime) -> datetime | None:
    """Return when the invitation of a user expires; None if there is none that can be used."""
    invitation = _EXPIRES_AT.one_or_none(db, user_id=user_id)
    expires_at = from_db_time(invitation.expires_at) if invitation else now
    return expires_at if expires_at > now else None


def revoke(db: Database, user_id: int) -> None:
    """Delete the invitation of a user, if there is one. Call it in a transaction."""
    _REVOKE(db, user_id=user_id)
