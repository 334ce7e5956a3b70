"""Connections, which are opened here alone and with a role; SQL statements; engine differences."""

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
"""How long PostgreSQL may take to accept that a statement is cancelled."""


def open_database(url: str, role: Role, *, cache_mib: int = CACHE_MIB) -> Database:
    """Return the database at `url`, as `role` may use it; each thread connects by itself.

    `cache_mib` is what a connection of SQLite may hold of the file, in MiB. `url` is
    `sqlite:///path` (absolute: `sqlite:////path`) or `postgresql://…`. Nothing is made: a database
    that does not exist is an error that says how to make it.
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
    """Tell which engine this is, for the little that differs."""
    return isinstance(db, peewee.SqliteDatabase)


@contextmanager
def connection(db: Database) -> Iterator[Database]:
    """Lend this thread a connection; the engine's failures come out as `ReadwatchError`.

    On SQLite the connection stays open for the thread's next use, on PostgreSQL it goes back to
    the pool. A loan inside a loan shares its connection.
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
    """Return a transaction whose queries all see the database at one moment."""
    return db.atomic("DEFERRED") if is_sqlite(db) else db.atomic("REPEATABLE READ")


class Lock(IntEnum):
    """What one program does at a time; on PostgreSQL the keys of advisory locks."""

    SCHEMA = 7_265_616_477
    ACCESS_LOG = 7_265_616_478
    ROLLUPS = 7_265_616_479  # and what changes them: activities and logins


def acquire_lock(db: Database, lock: Lock) -> None:
    """Wait, in a transaction, until nobody else has the lock; it is released with the transaction.

    On SQLite BEGIN IMMEDIATE has waited for everybody already.
    """
    if not is_sqlite(db):
        _ACQUIRE_LOCK(db, key=int(lock))


def driver_connection(db: Database) -> Any:
    """Return the driver's own connection of this thread."""
    return db.connection()


def in_transaction(db: Database) -> bool:
    """Tell whether the transaction still exists: with a full disk SQLite rolls all of it back."""
    return not is_sqlite(db) or bool(driver_connection(db).in_transaction)


def data_version(db: Database) -> int | None:
    """Return a number that each commit of another connection changes; None on PostgreSQL.

    https://www.sqlite.org/pragma.html#pragma_data_version
    """
    return int(driver_connection(db).pragma("data_version")) if is_sqlite(db) else None


def work_clock(db: Database) -> Callable[[], float]:
    """Return a clock, in seconds, that measures the cost of this thread's queries.

    SQLite works in the thread itself, so CPU time leaves out what others do meanwhile. A server
    works elsewhere: only the elapsed time is known, which is longer when the server is busy.
    """
    return time.thread_time if is_sqlite(db) else time.monotonic


def query_interrupter(db: Database) -> Callable[[], None]:
    """Return a function that cancels this thread's statement at once; any thread may call it.

    It does nothing where no statement runs, and never fails.
    """
    connection = driver_connection(db)

    def interrupt() -> None:
        with suppress(Exception):  # the connection is closed, or its server gone
            if is_sqlite(db):
                connection.interrupt()
            else:
                connection.cancel_safe(timeout=CANCEL_SECONDS)

    return interrupt


def close_all(db: Database) -> None:
    """Close the database for good: this thread's connection, on PostgreSQL the pool."""
    if is_sqlite(db):
        db.close()
    else:
        db.close_all()  # type: ignore[attr-defined]


class Statement:
    """One SQL text with `:named` parameters; `postgresql` is its spelling there if it differs.

    Its text has the names of tables and columns written out, and nothing to be replaced later: text
    that several statements share is a constant that an f-string puts in its place, and every value
    is a parameter. Each column has a name, which `one_or_none` and `all` give to the rows.
    """

    __slots__ = ("_postgresql", "_row_types", "_sqlite")

    def __init__(self, sql: str, *, postgresql: str | None = None) -> None:
        self._sqlite = sql
        self._postgresql = re.sub(r"(?<!:):([a-z_][a-z0-9_]*)", r"%(\1)s", postgresql or sql)
        self._row_types: dict[bool, Any] = {}

    def __call__(self, db: Database, **values: object) -> Any:
        """Run it and return the driver's cursor."""
        return db.execute_sql(self.text(db), values)

    def one_or_none(self, db: Database, **values: object) -> Any:
        """Run it and return the first row, with its columns as attributes; None without a row."""
        cursor = db.execute_sql(self.text(db), values)
        row_type = self._row_types.get(is_sqlite(db)) or self._name_columns(db, cursor)
        row = cursor.fetchone()
        return None if row is None else row_type._make(row)

    def all(self, db: Database, **values: object) -> list[Any]:
        """Run it and return all rows, with their columns as attributes."""
        return list(self.iterate(db, **values))

    def iterate(self, db: Database, **values: object) -> Iterator[Any]:
        """Run it and return the rows one after the other, with their columns as attributes."""
        cursor = self(db, **values)
        row_type = self._row_types.get(is_sqlite(db)) or self._name_columns(db, cursor)
        return map(row_type._make, cursor)

    def scalar(self, db: Database, **values: object) -> Any:
        """Run it and return the only value of its only row."""
        return self(db, **values).fetchone()[0]

    def text(self, db: Database) -> str:
        """Return its SQL for the engine of `db`."""
        return self._sqlite if is_sqlite(db) else self._postgresql

    def _name_columns(self, db: Database, cursor: Any) -> Any:
        try:
            names = [column[0] for column in cursor.description]
        except apsw.ExecutionCompleteError:  # without rows SQLite does not tell their names
            return _NO_ROW
        row_type = namedtuple("Row", names)  # type: ignore[misc]
        self._row_types[is_sqlite(db)] = row_type
        return row_type


_NO_ROW = namedtuple("_NO_ROW", ())

_ACQUIRE_LOCK = Statement("SELECT pg_advisory_xact_lock(:key)")


def to_db_time(at: datetime) -> str:
    """Return a time as both engines take it: UTC, fixed width, milliseconds."""
    return in_utc(at).isoformat(sep=" ", timespec="milliseconds")[:23]


def from_db_time(value: str | datetime) -> datetime:
    """Return the time in UTC of what an engine gave: text on SQLite, a datetime on PostgreSQL."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(f"{value}+00:00")  # replacing tzinfo takes nine times as long


def from_db_time_or_none(value: str | datetime | None) -> datetime | None:
    """Return the same for a column that may be empty."""
    return None if value is None else from_db_time(value)
