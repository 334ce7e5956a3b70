"""Erasure of a user: all rows about the user are deleted, and a pseudonymous account stays.

The row of the account stays because the access log refers to it, and entries never change. Other
rows are deleted in chunks; the transaction of a chunk also corrects the activity counts. An
interrupted erasure can be run again: the account keeps its e-mail until all other rows are deleted.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from readwatch.store.engine.bulk import BulkStatement, rows_to_json
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.sqlite import SQLite, truncate_wal, vacuum
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, to_db_time
from readwatch.store.identity import accounts, lockout
from readwatch.store.lifecycle.vacuum import owns_tables, postgresql_steps
from readwatch.store.recording.rebuild import MINUTE_POSTGRESQL, MINUTE_SQLITE

CHUNK_ROWS = 500
"""The number of rows that one transaction deletes; other writes wait for the transaction."""

_KEYS_AT_ONCE = 50_000  # PostgreSQL scans the deleted rows again in each query for further keys

# Activities come before sessions: deleting a session would otherwise update its activities.
_KEY_COLUMNS = {
    "reader_activities": ("id", "bigint"),
    "activity_receipts": ("event_id", "text"),
    "reader_content_progress": ("content_id", "text"),
    "reader_quizzes": ("content_id", "text"),
    "reader_hours": ("hour", "timestamptz"),
    "archived_totals": ("user_id", "bigint"),
    "archived_content_progress": ("content_id", "text"),
    "archived_quizzes": ("content_id", "text"),
    "resume_tokens": ("family_hash", "text"),
    "invitations": ("user_id", "bigint"),
    "reader_sessions": ("id", "bigint"),
    "staff_sessions": ("id", "bigint"),
    "reader_profiles": ("id", "bigint"),
    "reader_group_members": ("group_id", "bigint"),
    "consultant_groups": ("group_id", "bigint"),
    "case_notes": ("id", "bigint"),
}
_COUNT_ROWS = {
    table: Statement(f"SELECT count(*) FROM {table} WHERE user_id = :user_id")  # noqa: S608
    for table in _KEY_COLUMNS
}


def _select_keys(table: str, key: str) -> str:
    return f"SELECT {key} FROM {table} WHERE user_id = :user_id LIMIT :most"  # noqa: S608


# PostgreSQL returns keys as text, because JSON has no times.
_SELECT_KEYS = {
    table: Statement(
        _select_keys(table, key), postgresql=_select_keys(table, f"CAST({key} AS TEXT)")
    )
    for table, (key, _) in _KEY_COLUMNS.items()
}


def _with_keys(kind: str, sql: Callable[[str, str], str]) -> BulkStatement:
    """Return the statement `sql(among_keys, minute)` over rows with one key each.

    The keys are an array on PostgreSQL, which looks them up in the index; for a subquery it scans
    all rows of the user if it has no statistics yet.
    """
    keys = "SELECT key FROM given"
    return BulkStatement(
        {"key": kind},
        sql(f"IN ({keys})", MINUTE_SQLITE),
        postgresql=sql(f"= ANY (ARRAY({keys}))", MINUTE_POSTGRESQL),
    )


def _delete_rows(table: str, key: str, among_keys: str, _minute: str) -> str:
    return f"DELETE FROM {table} WHERE user_id = :user_id AND {key} {among_keys}"  # noqa: S608


def _lower_counts(among_keys: str, minute: str) -> str:
    return f"""
    UPDATE activity_counts AS c SET activities = c.activities - erased.activities FROM (
        SELECT {minute} AS minute, activity_type, count(*) AS activities
        FROM reader_activities WHERE id {among_keys} GROUP BY 1, 2
    ) AS erased WHERE c.minute = erased.minute AND c.activity_type = erased.activity_type
    """  # noqa: S608


def _delete_empty_counts(among_keys: str, minute: str) -> str:
    return f"""
    DELETE FROM activity_counts WHERE activities <= 0 AND (minute, activity_type) IN (
        SELECT {minute}, activity_type FROM reader_activities WHERE id {among_keys}
    )
    """  # noqa: S608


def _count_named(position: str) -> str:
    return f"""
    SELECT count(*) FROM consultant_access_log
    WHERE {position}(lower(action_details), lower(:email)) > 0
    OR {position}(lower(action_details), lower(:full_name)) > 0
    """  # noqa: S608


_DELETE_ROWS = {
    table: _with_keys(kind, partial(_delete_rows, table, key))
    for table, (key, kind) in _KEY_COLUMNS.items()
}
_LOWER_COUNTS = _with_keys("bigint", _lower_counts)
_DELETE_EMPTY_COUNTS = _with_keys("bigint", _delete_empty_counts)
_ACCOUNT = Statement(
    "SELECT email, full_name, deleted_at, created_at FROM users WHERE id = :user_id"
)
_PSEUDONYMISE = Statement(
    """
    UPDATE users SET
        email = :email, full_name = :full_name, password_hash = '', email_verified = FALSE,
        updated_at = :now
    WHERE id = :user_id
    """
)
_NAMED_IN_ACCESS_LOG = Statement(_count_named("instr"), postgresql=_count_named("strpos"))
_ADDRESSES_IN_ACCESS_LOG = Statement(
    """
    SELECT count(*) FROM consultant_access_log
    WHERE consultant_user_id = :user_id AND ip_address IS NOT NULL
    """
)


@dataclass(frozen=True, slots=True)
class ErasedChunk:
    """A chunk of deleted rows of one table."""

    table: str
    rows: int


def pseudonym(user_id: int) -> str:
    """Return the text that replaces the e-mail."""
    return f"erased-{user_id}@erased.invalid"


def added_at(db: Database, user_id: int) -> datetime:
    """Return when the account was added, which with its number tells it from all others."""
    return from_db_time(_ACCOUNT.one_or_none(db, user_id=user_id).created_at)


def rows_about(db: Database, user_id: int, email: str) -> Mapping[str, int]:
    """Return the number of rows about a user in each table; `email` is the e-mail of the account.

    The row of the account counts until it is pseudonymous.
    """
    account = _ACCOUNT.one_or_none(db, user_id=user_id)
    return {
        **_row_counts(db, user_id),
        "failed_logins": lockout.count_of_account(db, email),
        "users": 0 if account.email == pseudonym(user_id) else 1,
    }


def named_in_access_log(db: Database, user_id: int) -> int:
    """Return the number of entries whose details contain the user's e-mail or name.

    Call it before the erasure, which removes e-mail and name. Entries cannot be changed.
    """
    user = _ACCOUNT.one_or_none(db, user_id=user_id)
    return int(_NAMED_IN_ACCESS_LOG.scalar(db, email=user.email, full_name=user.full_name))


def addresses_in_access_log(db: Database, user_id: int) -> int:
    """Return the number of entries with an IP address of the user; entries stay for good."""
    return int(_ADDRESSES_IN_ACCESS_LOG.scalar(db, user_id=user_id))


def close_account(db: Database, user_id: int, now: datetime) -> None:
    """Close the account for good: logins and further requests of the user are refused.

    Closing the account of the last active admin is a conflict. Call it in a transaction.
    """
    acquire_lock(db, Lock.ROLLUPS)
    user = _ACCOUNT.one_or_none(db, user_id=user_id)
    if user.deleted_at is None:
        accounts.delete(db, user_id, now)
    lockout.delete_account_failures(db, user.email)


def erase_chunks(db: Database, user_id: int, now: datetime) -> Iterator[ErasedChunk]:
    """Erase all rows about a user whose account is closed; the account itself last.

    The function pauses after each chunk for as long as the chunk took: SQLite's lock is not fair,
    and without pauses the writer of the service would seldom get it.
    """
    erased = False
    while not erased:
        for table in _KEY_COLUMNS:
            yield from _erase(db, table, user_id)
        with db.atomic():
            acquire_lock(db, Lock.ROLLUPS)
            # An earlier request may have added rows; there are no further requests.
            erased = not any(_row_counts(db, user_id).values())
            if erased:
                _pseudonymise(db, user_id, now)


def _erase(db: Database, table: str, user_id: int) -> Iterator[ErasedChunk]:
    while keys := _SELECT_KEYS[table](db, user_id=user_id, most=_KEYS_AT_ONCE).fetchall():
        for start in range(0, len(keys), CHUNK_ROWS):
            began = time.monotonic()
            chunk = rows_to_json(keys[start : start + CHUNK_ROWS])
            with db.atomic():
                acquire_lock(db, Lock.ROLLUPS)
                if table == "reader_activities":
                    _LOWER_COUNTS.run(db, chunk)
                    _DELETE_EMPTY_COUNTS.run(db, chunk)
                _DELETE_ROWS[table].run(db, chunk, user_id=user_id)
            yield ErasedChunk(table, len(keys[start : start + CHUNK_ROWS]))
            time.sleep(time.monotonic() - began)


def _row_counts(db: Database, user_id: int) -> dict[str, int]:
    return {table: count.scalar(db, user_id=user_id) for table, count in _COUNT_ROWS.items()}


def _pseudonymise(db: Database, user_id: int, now: datetime) -> None:
    user = _ACCOUNT.one_or_none(db, user_id=user_id)
    lockout.delete_account_failures(db, user.email)
    _PSEUDONYMISE(
        db,
        user_id=user_id,
        email=pseudonym(user_id),
        full_name=f"Erased user {user_id}",
        now=to_db_time(now),
    )


def clear_unused_space(db: Database) -> str | None:
    """Remove deleted rows from the database files; return the reason if some may be left.

    Requires the role of the owner. SQLite rewrites the file, during which other programs cannot
    write, and empties the WAL. PostgreSQL frees the space of deleted rows, discards samples of
    their values, and overwrites the space when it needs it.
    """
    if isinstance(db, SQLite):
        vacuum(db)
        return None if truncate_wal(db) else "another program still reads from the WAL"
    if not owns_tables(db):
        return "only the owner of the tables can vacuum them"
    for _ in postgresql_steps(db, (*_COUNT_ROWS, "failed_logins", "users")):
        pass
    return None
