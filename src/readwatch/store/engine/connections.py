"""Connections: each has a role; what differs between the two engines in using one."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import peewee

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


def driver_connection(db: Database) -> Any:
    """Return the driver's own connection of this thread."""
    return db.connection()


def transaction_is_open(db: Database) -> bool:
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
