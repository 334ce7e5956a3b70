"""Many accounts at once: other programs cannot write during the transaction, so it is short."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import peewee

from readwatch.domain.users import UserRole
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.times import to_db_time
from readwatch.store.identity.users import NewUser, refuse_taken_email

_EXISTING = BulkStatement(
    {"email": "text"},
    """
    SELECT g.email, u.id, u.user_role, u.deleted_at
    FROM given g JOIN users u ON lower(u.email) = g.email
    """,
)
_ADD_USERS = BulkStatement(
    {
        "email": "text",
        "full_name": "text",
        "user_role": "text",
        "password_hash": "text",
        "created_at": "timestamptz",
    },
    """
    INSERT INTO users (
        email, full_name, user_role, password_hash, created_at, updated_at, password_changed_at
    ) SELECT email, full_name, user_role, password_hash, created_at, created_at, created_at
    FROM given WHERE TRUE RETURNING id, email
    """,
)
_ADD_PROFILES = BulkStatement(
    {
        "user_id": "bigint",
        "reading_level": "text",
        "preferred_language": "text",
        "timezone": "text",
        "created_at": "timestamptz",
    },
    """
    INSERT INTO reader_profiles (
        user_id, reading_level, preferred_language, timezone, created_at, updated_at
    ) SELECT user_id, reading_level, preferred_language, timezone, created_at, created_at
    FROM given
    """,
)


@dataclass(frozen=True, slots=True)
class ExistingAccount:
    """What an import has to know of an account before it changes it."""

    user_id: int
    user_role: UserRole
    is_deleted: bool


def existing_accounts(db: Database, emails: Sequence[str]) -> Mapping[str, ExistingAccount]:
    """Return the accounts, also deleted ones, that have these e-mails, which are in lower case."""
    return {
        row.email: ExistingAccount(row.id, UserRole(row.user_role), row.deleted_at is not None)
        for row in _EXISTING.all(db, [(email,) for email in emails])
    }


def add_users(db: Database, new: Sequence[NewUser], now: datetime) -> Mapping[str, int]:
    """Add accounts, for readers with a profile; return the ids by e-mail.

    E-mails and names have to be valid already. An e-mail that is taken is a conflict. Call it in a
    transaction.
    """
    at = to_db_time(now)
    rows = [(user.email, user.full_name, user.user_role, user.password_hash, at) for user in new]
    try:
        with db.atomic():
            added = _ADD_USERS.all(db, rows)
    except peewee.IntegrityError:
        for user in new:
            refuse_taken_email(db, user.email)
        raise
    ids = {row.email: row.id for row in added}
    _ADD_PROFILES(
        db,
        [
            (ids[user.email], user.reading_level, user.preferred_language, user.timezone, at)
            for user in new
            if user.user_role is UserRole.READER
        ],
    )
    return ids
