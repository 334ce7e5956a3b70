"""Connections: opened here alone, with a role; and what differs between the two engines."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import peewee

from readwatch.domain.clock import in_utc
from readwatch.domain.errors import misconfigured, unavailable
from readwatch.store.engine.errors import engine_errors
from readwatch.store.engine.privileges import Role, reads_only
from readwatch.store.engine.sqlite import BUSY_TIMEOUT_SECONDS, CACHE_MIB, open_sqlite, sqlite_path

Database = peewee.Database

POOL_SIZE = 20

CANCEL_SECONDS = 0.5
"""How long PostgreSQL may take to hear that a statement is no longer wanted."""

SILENT_SERVER = {
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""A connection that a suspended laptop or a lost network has cut is given up within half a minute;
libpq's own way takes up to two hours. In seconds, the first in milliseconds."""

_POSTGRESQL_TYPES = {"UTC": "TIMESTAMPTZ"}


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
        raise misconfigured("the database URL has a host or a port that cannot be") from None
    if scheme == "sqlite":
        return open_sqlite(sqlite_path(url), role, cache_mib)
    if scheme in {"postgresql", "postgres"}:
        return _open_postgresql(url, role)
    raise misconfigured(
        f"the database URL starts with {f'{scheme}://' if scheme else 'no scheme'}; "
        "use sqlite:///path/to/file.db or postgresql://…"
    )


def is_sqlite(db: Database) -> bool:
    """Tell which engine this is, for the few statements that differ."""
    return isinstance(db, peewee.SqliteDatabase)


# PostgreSQL -------------------------------------------------------------------------------------


def _open_postgresql(url: str, role: Role) -> Database:
    try:
        from readwatch.store.engine.grants import PostgreSQL
    except ImportError:
        raise misconfigured(
            "PostgreSQL needs a driver: pip install 'readwatch[postgresql]'"
        ) from None
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise misconfigured("the PostgreSQL URL names no database: postgresql://host/NAME")
    address = {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username and unquote(parts.username),
        "password": parts.password and unquote(parts.password),
    }
    settings: dict[str, Any] = dict(parse_qsl(parts.query))
    settings.update({key: value for key, value in address.items() if value})
    # Moments travel as text without a zone, as on SQLite; the session says that they are in UTC.
    options = ["-c timezone=UTC", "-c lock_timeout=5s", "-c statement_timeout=60s"]
    if reads_only(role):
        options.append("-c default_transaction_read_only=on")
    settings["options"] = " ".join((settings.get("options", ""), *options)).strip()
    settings.setdefault("connect_timeout", BUSY_TIMEOUT_SECONDS)
    settings = {**SILENT_SERVER, **settings}
    settings.setdefault("application_name", f"readwatch {role}")
    db: Database = PostgreSQL(
        name,
        role,
        max_connections=POOL_SIZE,
        timeout=BUSY_TIMEOUT_SECONDS,
        stale_timeout=300,
        autoconnect=False,
        field_types=_POSTGRESQL_TYPES,
        **settings,
    )
    return db


# Both -------------------------------------------------------------------------------------------


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
    """What programs take turns at; on PostgreSQL the keys of advisory locks, nobody else's."""

    SCHEMA = 7_265_616_477
    ACCESS_LOG = 7_265_616_478
    ROLLUPS = 7_265_616_479  # and what they are moved by: activities and logins


def acquire_lock(db: Database, turn: Lock) -> None:
    """Wait, in a transaction, until nobody else is at it; the turn ends with the transaction.

    On SQLite BEGIN IMMEDIATE has waited for everybody already.
    """
    if not is_sqlite(db):
        _TAKE_TURN(db, key=int(turn))


def driver_connection(db: Database) -> Any:
    """Return the driver's own connection of this thread."""
    return db.connection()  # type: ignore[no-untyped-call]


def in_transaction(db: Database) -> bool:
    """Tell whether the transaction is still there: with a full disk SQLite undoes all of it."""
    return not is_sqlite(db) or bool(driver_connection(db).in_transaction)


def data_version(db: Database) -> int | None:
    """Return a number that another connection's commit changes; None where there is no such.

    https://www.sqlite.org/pragma.html#pragma_data_version
    """
    return int(driver_connection(db).pragma("data_version")) if is_sqlite(db) else None


def work_clock(db: Database) -> Callable[[], float]:
    """Return a clock, in seconds, of what this thread's questions cost.

    SQLite works in the thread itself, and what others do meanwhile is none of its cost. A server
    works elsewhere: of that only the time is known, which is longer when it has much to do.
    """
    return time.thread_time if is_sqlite(db) else time.monotonic


def query_interrupter(db: Database) -> Callable[[], None]:
    """Return what makes this thread's statement end in an error at once; any thread may call it.

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
    """Let go of the database for good: of this thread's connection, on PostgreSQL of the pool."""
    if is_sqlite(db):
        db.close()
    else:
        db.close_all()  # type: ignore[attr-defined]


class Statement:
    """One SQL text with `:named` parameters; `postgresql` is its spelling there if it differs."""

    __slots__ = ("_postgresql", "_sqlite")

    def __init__(self, sql: str, *, postgresql: str | None = None) -> None:
        self._sqlite = sql
        self._postgresql = re.sub(r"(?<!:):([a-z_][a-z0-9_]*)", r"%(\1)s", postgresql or sql)

    def __call__(self, db: Database, **values: object) -> Any:
        """Run it and return the driver's cursor."""
        sql = self._sqlite if is_sqlite(db) else self._postgresql
        return db.execute_sql(sql, values)  # type: ignore[no-untyped-call]


_TAKE_TURN = Statement("SELECT pg_advisory_xact_lock(:key)")


def to_db_time(moment: datetime) -> str:
    """Return a moment as both engines take it: UTC, fixed width, milliseconds."""
    return in_utc(moment).isoformat(sep=" ", timespec="milliseconds")[:23]


def from_db_time(value: str | datetime) -> datetime:
    """Return what either engine gave for a moment: text from SQLite, aware from PostgreSQL."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(f"{value}+00:00")  # replacing tzinfo takes nine times as long


def from_db_time_or_none(value: str | datetime | None) -> datetime | None:
    """Return the same for a column that may be empty."""
    return None if value is None else from_db_time(value)
