"""Edits of accounts: new values for names, e-mails and profiles, of one account or of many.

Edits are compared with the stored values first, so that only what differs is changed and logged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import peewee

from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.times import to_db_time
from readwatch.store.identity import invitations, lockout
from readwatch.store.identity.users import get_user, refuse_taken_email

EDITABLE = ("full_name", "email", "reading_level", "preferred_language", "timezone")
"""The columns that an edit can change."""

_GIVEN = {"user_id": "bigint", **dict.fromkeys(EDITABLE, "text")}

# An empty reading level is stored as NULL, and a profile can lack a value.
_DIFFERENCES = BulkStatement(
    _GIVEN,
    """
    SELECT
        u.id,
        coalesce(g.full_name <> u.full_name, FALSE) AS full_name,
        coalesce(g.email <> u.email, FALSE) AS email,
        coalesce(g.reading_level <> coalesce(p.reading_level, ''), FALSE) AS reading_level,
        coalesce(g.preferred_language <> coalesce(p.preferred_language, ''), FALSE)
            AS preferred_language,
        coalesce(g.timezone <> coalesce(p.timezone, ''), FALSE) AS timezone
    FROM given g JOIN users u ON u.id = g.user_id LEFT JOIN reader_profiles p ON p.user_id = u.id
    WHERE u.deleted_at IS NULL
    """,
)
_SAVE_USERS = BulkStatement(
    _GIVEN,
    """
    UPDATE users SET
        full_name = coalesce(g.full_name, users.full_name),
        email = coalesce(g.email, users.email),
        email_verified = CASE
            WHEN g.email <> users.email THEN FALSE ELSE users.email_verified
        END,
        updated_at = :now
    FROM given g WHERE users.id = g.user_id
    """,
)
_SAVE_PROFILES = BulkStatement(
    _GIVEN,
    """
    UPDATE reader_profiles SET
        reading_level = nullif(coalesce(g.reading_level, reader_profiles.reading_level), ''),
        preferred_language = coalesce(g.preferred_language, reader_profiles.preferred_language),
        timezone = coalesce(g.timezone, reader_profiles.timezone),
        updated_at = :now
    FROM given g WHERE reader_profiles.user_id = g.user_id
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """New values for an account, all valid; None keeps a value, an empty reading level removes it.

    Only readers have a level, a language and a time zone.
    """

    user_id: int
    full_name: str | None = None
    email: str | None = None
    reading_level: str | None = None
    preferred_language: str | None = None
    timezone: str | None = None


def changed_columns(db: Database, edits: Sequence[Edit]) -> Mapping[int, tuple[str, ...]]:
    """Return the columns that edits would change, by user id; without the accounts whose values are
    the given ones already, and without deleted accounts."""
    rows = _DIFFERENCES.all(db, [_row(edit) for edit in edits])
    changes = {row.id: tuple(name for name in EDITABLE if getattr(row, name)) for row in rows}
    return {user_id: columns for user_id, columns in changes.items() if columns}


def save_edits(db: Database, edits: Sequence[Edit], now: datetime) -> None:
    """Save edits that keep the e-mails.

    Call it in a transaction that has the lock of account changes, after the entries.
    """
    rows = [_row(edit) for edit in edits]
    _SAVE_USERS(db, rows, now=to_db_time(now))
    _SAVE_PROFILES(db, rows, now=to_db_time(now))


def save_edit(db: Database, edit: Edit, now: datetime) -> None:
    """Save the edit of one account, also of its e-mail; one that is taken is a conflict.

    With the e-mail the account loses its invitation, whose code may have gone to the old address,
    and the failed logins that were counted for the old one. Call it in a transaction that has the
    lock of account changes, after the entry.
    """
    old = get_user(db, edit.user_id)
    if edit.email is None or edit.email == old.email:
        save_edits(db, [edit], now)
        return
    lockout.delete_account_failures(db, old.email)
    invitations.revoke(db, edit.user_id)
    try:
        with db.atomic():
            save_edits(db, [edit], now)
    except peewee.IntegrityError:
        refuse_taken_email(db, edit.email)
        raise


def _row(edit: Edit) -> tuple[int | str | None, ...]:
    return (edit.user_id, *(getattr(edit, name) for name in EDITABLE))
