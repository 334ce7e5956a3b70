"""Connections, each with a role; SQL statements; the differences between the engines."""

import re
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any
from urllib.parse import urlsplit

import apsw
import peewee

from readwatch.domain.clock import in_utc
from readwatch.domain.errors import misconfigured, unavailable
from readwatch.store.engine.errors import engine_errors
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import CACHE_MIB, open_sqlite, sqlite_path

Database = peewee.Database

CANCEL_SECONDS = 0.5
"""How long PostgreSQL may take to accept the request to cancel a statement."""


def open_database(url: str, role: Role, *, cache_mib: int = CACHE_MIB) -> Database:
    """Return the database at `url` with the privileges of `role`; each thread has a connection.

    `cache_mib` is the size of the page cache of an SQLite connection, in MiB. `url` is
    `sqlite:///path` (absolute: `sqlite:////path`) or `postgresql://…`. If the database does not
    exist, the error says how to create it.
    """
    try:
        parts = urlsplit(url)
        scheme, _ = parts.scheme, parts.port
    except ValueError:
        raise misconfigured("the database URL has an invalid host or port") from None
    if scheme == "sqlite":
        return open_sqlite(sqlite_path(url), role, cache_mib)
    if scheme in {"postgresql", "postgres"}:
        try:
            from readwatch.store.engine.postgresql import open_postgresql
        except ImportError:
            raise misconfigured(
                "PostgreSQL needs a driver: pip install 'readwatch[postgresql]'"
            ) from None
        return open_postgresql(url, role)
    raise misconfigured(
        f"the database URL starts with {f'{scheme}://' if scheme else 'no scheme'}; "
        "use sqlite:///path/to/file.db or postgresql://…"
    )


def is_sqlite(db: Database) -> bool:
    """Tell whether the engine is SQLite."""
    return isinstance(db, peewee.SqliteDatabase)


@contextmanager
def connection(db: Database) -> Iterator[Database]:
    """Yield the database with a connection of this thread; convert errors to `ReadwatchError`.

    At the end the connection stays open for the thread (SQLite) or returns to the pool
    (PostgreSQL). Nested calls use the same connection.
    """
    with engine_errors():
        borrows = db.is_closed()
        if borrows:
            _connect(db)
        try:
            yield db
        finally:
            if borrows and not is_sqlite(db):
                db.close()


def _connect(db: Database) -> None:
    try:
        db.connect()
    except ValueError:  # Peewee's MaxConnectionsExceeded: the pool is empty and stayed so
        raise unavailable("the database is busy; try again") from None
    except peewee.ProgrammingError:
        raise misconfigured("the database URL has an option that PostgreSQL lacks") from None


def read_snapshot(db: Database) -> Any:
    """Return a transaction in which all queries see the same state of the database."""
    return db.atomic("DEFERRED") if is_sqlite(db) else db.atomic("REPEATABLE READ")


class Lock(IntEnum):
    """The locks that one program at a time can have; on PostgreSQL the keys of advisory locks."""

    SCHEMA = 7_265_616_477
    ACCESS_LOG = 7_265_616_478
    ROLLUPS = 7_265_616_479  # and the rows that change them: activities and logins


def acquire_lock(db: Database, lock: Lock) -> None:
    """Wait for the lock, inside a transaction, which releases it at its end.

    On SQLite this does nothing: after BEGIN IMMEDIATE no other program writes.
    """
    if not is_sqlite(db):
        _ACQUIRE_LOCK(db, key=int(lock))


def driver_connection(db: Database) -> Any:
    """Return the driver's connection object of this thread."""
    return db.connection()  # type: ignore[no-untyped-call]


def in_transaction(db: Database) -> bool:
    """Tell whether the transaction still exists: if the disk is full, SQLite rolls it back."""
    return not is_sqlite(db) or bool(driver_connection(db).in_transaction)


def data_version(db: Database) -> int | None:
    """Return a number that changes with each commit of another connection; None on PostgreSQL.

    https://www.sqlite.org/pragma.html#pragma_data_version
    """
    return int(driver_connection(db).pragma("data_version")) if is_sqlite(db) else None


def work_clock(db: Database) -> Callable[[], float]:
    """Return a clock, in seconds, that measures the cost of this thread's queries.

    On SQLite it is the CPU time of the thread, in which the query runs. On PostgreSQL it is the
    elapsed time, which is longer when the server is busy.
    """
    return time.thread_time if is_sqlite(db) else time.monotonic


def query_interrupter(db: Database) -> Callable[[], None]:
    """Return a function that cancels this thread's statement at once; any thread may call it.

    The function does nothing if no statement runs, and never fails.
    """
    connection = driver_connection(db)

    def interrupt() -> None:
        with suppress(Exception):  # the connection is closed, or its server has stopped
            if is_sqlite(db):
                connection.interrupt()
            else:
                connection.cancel_safe(timeout=CANCEL_SECONDS)

    return interrupt


def close_all(db: Database) -> None:
    """Close the database for good: this thread's connection, or the pool on PostgreSQL."""
    if is_sqlite(db):
        db.close()
    else:
        db.close_all()  # type: ignore[attr-defined]


class Statement:
    """One SQL text with `:named` parameters; `postgresql` is the SQL for PostgreSQL if it differs.

    The text is complete: names of tables and columns are written out, SQL that several statements
    share is a constant in an f-string, and every value is a parameter. Each column has a name:
    `one_or_none` and `all` return rows with the columns as attributes.
    """

    __slots__ = ("_postgresql", "_row_types", "_sqlite")

    def __init__(self, sql: str, *, postgresql: str | None = None) -> None:
        self._sqlite = sql
        self._postgresql = re.sub(r"(?<!:):([a-z_][a-z0-9_]*)", r"%(\1)s", postgresql or sql)
        self._row_types: dict[bool, Any] = {}

    def __call__(self, db: Database, **values: object) -> Any:
        """Run the statement and return the driver's cursor."""
        return db.execute_sql(self.text(db), values)  # type: ignore[no-untyped-call]

    def one_or_none(self, db: Database, **values: object) -> Any:
        """Run the statement and return the first row, with columns as attributes, or None."""
        cursor = db.execute_sql(self.text(db), values)  # type: ignore[no-untyped-call]
        row_type = self._row_types.get(is_sqlite(db)) or self._name_columns(db, cursor)
        row = cursor.fetchone()
        return None if row is None else row_type._make(row)

    def all(self, db: Database, **values: object) -> list[Any]:
        """Run the statement and return all rows, with columns as attributes."""
        return list(self.iterate(db, **values))

    def iterate(self, db: Database, **values: object) -> Iterator[Any]:
        """Run the statement and yield the rows one by one, with columns as attributes."""
        cursor = self(db, **values)
        row_type = self._row_types.get(is_sqlite(db)) or self._name_columns(db, cursor)
        return map(row_type._make, cursor)

    def scalar(self, db: Database, **values: object) -> Any:
        """Run the statement and return the only value of its only row."""
        return self(db, **values).fetchone()[0]

    def text(self, db: Database) -> str:
        """Return the SQL for the engine of `db`."""
        return self._sqlite if is_sqlite(db) else self._postgresql

    def _name_columns(self, db: Database, cursor: Any) -> Any:
        try:
            names = [column[0] for column in cursor.description]
        except apsw.ExecutionCompleteError:  # SQLite has no column names if there are no rows
            return _NO_ROW
        row_type = namedtuple("Row", names)  # type: ignore[misc]
        self._row_types[is_sqlite(db)] = row_type
        return row_type


_NO_ROW = namedtuple("_NO_ROW", ())

_ACQUIRE_LOCK = Statement("SELECT pg_advisory_xact_lock(:key)")


def to_db_time(at: datetime) -> str:
    """Return a time as text for both engines: UTC, fixed width, milliseconds."""
    return in_utc(at).isoformat(sep=" ", timespec="milliseconds")[:23]


def from_db_time(value: str | datetime) -> datetime:
    """Return a stored time in UTC: the value is text on SQLite, a datetime on PostgreSQL."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(f"{value}+00:00")  # replacing tzinfo takes nine times as long


def from_db_time_or_none(value: str | datetime | None) -> datetime | None:
    """Return a stored time as `from_db_time` does; None for NULL."""
    return None if value is None else from_db_time(value)
