"""Connections, each with a role, and the differences between the engines in their use."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import peewee

from readwatch.domain.errors import misconfigured, unavailable
from readwatch.store.engine.database import DEFAULTS, EngineSettings
from readwatch.store.engine.database import Database as Database
from readwatch.store.engine.errors import engine_errors
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import SQLite, is_sqlite_url, open_sqlite, sqlite_path

CANCEL_SECONDS = 0.5
"""How long PostgreSQL may take to accept the request to cancel a statement."""


def open_database(url: str, role: Role, settings: EngineSettings = DEFAULTS) -> Database:
    """Return the database at `url` with the privileges of `role`; each thread has a connection.

    `url` is `sqlite:///path` (absolute: `sqlite:////path`) or `postgresql://…`. If the database
    does not exist, the error says how to create it.
    """
    if is_sqlite_url(url):
        return open_sqlite(sqlite_path(url), role, settings)
    if url.startswith(("postgresql:", "postgres:")):
        try:
            from readwatch.store.engine.postgresql import open_postgresql
        except ImportError:
            raise misconfigured(
                "PostgreSQL needs a driver: pip install 'readwatch[postgresql]'"
            ) from None
        return open_postgresql(url, role, settings)
    scheme, colon, _ = url.partition(":")
    raise misconfigured(
        f"the database URL starts with {f'{scheme}://' if colon else 'no scheme'}; "
        "use sqlite:///path/to/file.db or postgresql://…"
    )


def is_sqlite(db: Database) -> bool:
    """Tell whether the engine is SQLite."""
    return isinstance(db, peewee.SqliteDatabase)


@contextmanager
def connection(db: Database) -> Iterator[Database]:
    """Yield the database with a connection of this thread; convert errors to `ReadwatchError`.

    At the end the connection stays open for the thread (SQLite) or returns to the pool
    (PostgreSQL). Nested calls use the same connection. On SQLite an error tells that the file was
    removed or replaced: then nothing that was read or committed may be passed on.
    """
    with engine_errors():
        borrows = db.is_closed()
        if borrows:
            _connect(db)
        try:
            if isinstance(db, SQLite):
                db.require_same_files()
            yield db
            if isinstance(db, SQLite):
                db.require_same_files()
        finally:
            if borrows and not is_sqlite(db):
                db.close()


def _connect(db: Database) -> None:
    try:
        db.connect()
    except ValueError:  # Peewee's MaxConnectionsExceeded: the pool is empty and stayed so
        raise unavailable("the database is busy; try again") from None
    except peewee.ProgrammingError:
        raise misconfigured("the database URL has an option that PostgreSQL refuses") from None


def read_snapshot(db: Database) -> Any:
    """Return a transaction in which all queries see the same state of the database."""
    return db.atomic("DEFERRED") if is_sqlite(db) else db.atomic("REPEATABLE READ")


def driver_connection(db: Database) -> Any:
    """Return the driver's connection object of this thread."""
    return db.connection()


def transaction_is_open(db: Database) -> bool:
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


def close_own_connection(db: Database) -> None:
    """Close this thread's connection; on PostgreSQL it does not return to the pool."""
    if is_sqlite(db):
        db.close()
    else:
        db.manual_close()  # type: ignore[attr-defined]


def close_all(db: Database) -> None:
    """Close the database for good: this thread's connection, or the pool on PostgreSQL."""
    if is_sqlite(db):
        db.close()
    else:
        db.close_all()  # type: ignore[attr-defined]
