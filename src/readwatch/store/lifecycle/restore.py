"""What a restored backup has to forget: sessions that ended since, and people who were erased."""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.erasure_list import ErasedAccount
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, to_db_time
from readwatch.store.lifecycle import erasure

# The time at which the device was last heard of: nobody read until the restore.
_END_READER_SESSIONS = Statement(
    "UPDATE reader_sessions SET is_active = FALSE, ended_at = last_heartbeat WHERE is_active = TRUE"
)
_END_STAFF_SESSIONS = Statement(
    "UPDATE staff_sessions SET is_active = FALSE, ended_at = :now WHERE is_active = TRUE"
)
_DELETE_RESUME_TOKENS = Statement("DELETE FROM resume_tokens")
_DELETE_INVITATIONS = Statement("DELETE FROM invitations")
_PSEUDONYMOUS = Statement(
    "SELECT id, email, created_at FROM users WHERE email LIKE 'erased-%@erased.invalid'"
)
# Also the last active admin, unlike `user delete`.
_CLOSE = Statement(
    """
    UPDATE users SET is_active = FALSE, deleted_at = coalesce(deleted_at, :now) WHERE id = :user_id
    """
)
_ADDED_AT = Statement("SELECT email, created_at FROM users WHERE id = :user_id")
# Those of people and programs; the server's own processes have no user.
_OTHER_CONNECTIONS = Statement(
    """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
    """
)

DISCONNECT_SECONDS = 5.0
"""How long PostgreSQL may take to end the processes of closed connections."""


def other_connections(db: Database) -> int:
    """Return how many connections to a PostgreSQL database are open besides this one; wait a little
    for those that were just closed."""
    deadline = time.monotonic() + DISCONNECT_SECONDS
    while (number := int(_OTHER_CONNECTIONS.scalar(db))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return number


def record(db: Database, event: AuditEvent, now: datetime) -> None:
    """Log the restore, end everybody's sessions for good and void all invitations: which of them
    have ended or were used since the backup is not known."""
    with db.atomic():
        append_in_transaction(db, event, now)
        _END_READER_SESSIONS(db)
        _END_STAFF_SESSIONS(db, now=to_db_time(now))
        _DELETE_RESUME_TOKENS(db)
        _DELETE_INVITATIONS(db)


def erased_accounts(db: Database, now: datetime) -> tuple[ErasedAccount, ...]:
    """Return the accounts that are erased in a database."""
    return tuple(
        ErasedAccount(now, row.id, from_db_time(row.created_at))
        for row in _PSEUDONYMOUS.all(db)
        if row.email == erasure.pseudonym(row.id)
    )


def returned_accounts(db: Database, erased: Iterable[ErasedAccount]) -> tuple[int, ...]:
    """Return the accounts of the list that are in the database and not erased."""
    return tuple(
        user_id
        for user_id, added_at in sorted({(item.user_id, item.added_at) for item in erased})
        if (user := _ADDED_AT.one_or_none(db, user_id=user_id)) is not None
        and from_db_time(user.created_at) == added_at
        and user.email != erasure.pseudonym(user_id)
    )


def erase_again(
    db: Database, user_id: int, event: AuditEvent, now: datetime
) -> Iterator[erasure.ErasedChunk]:
    """Erase an account that a backup has brought back; log it first.

    `event` says who does it; its subject is the account.
    """
    if event.action_type is not AuditAction.ERASED_USER or event.subject_id != user_id:
        raise ValueError("the entry names the account that is erased")
    with db.atomic():
        _CLOSE(db, user_id=user_id, now=to_db_time(now))
        append_in_transaction(db, event, now)
    yield from erasure.erase_chunks(db, user_id, now)
