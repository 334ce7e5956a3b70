"""Connections: opened here alone, with a role; and what differs between the two engines."""

import os
import re
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import apsw
import peewee
from playhouse.apsw_ext import APSWDatabase  # type: ignore[import-untyped]

from readwatch.domain.clock import in_utc
from readwatch.domain.errors import ReadwatchError, misconfigured, unavailable
from readwatch.domain.matching import found
from readwatch.store.rights import Role, authorizer, reads_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Database = peewee.Database

BUSY_TIMEOUT_SECONDS = 5
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

CACHE_MIB = 4
"""Enough for what one thread looks up; a server has dozens of them."""

CHECKPOINT_PAGES = 1000
"""From this size of the WAL on each commit of the service moves pages into the file."""

WAL_PAGES = 16384
"""From this size on, 64 MiB, the service waits for those who read: so the WAL can begin anew."""

WAL_WAIT_SECONDS = 1.0
"""How long it waits at most, until as much again was added."""

# https://www.sqlite.org/wal.html#walresetbug: with two connections an affected library can lose
# commits; these are the first releases of each branch with the mend.
_SAFE_SQLITE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))

_SQLITE_TYPES = {"UTC": "TEXT"}
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
        return _open_sqlite(sqlite_path(url), role, cache_mib)
    if scheme in {"postgresql", "postgres"}:
        return _open_postgresql(url, role)
    raise misconfigured(
        f"the database URL starts with {f'{scheme}://' if scheme else 'no scheme'}; "
        "use sqlite:///path/to/file.db or postgresql://…"
    )


def is_sqlite(db: Database) -> bool:
    """Tell which engine this is, for the few statements that differ."""
    return isinstance(db, peewee.SqliteDatabase)


# SQLite -----------------------------------------------------------------------------------------


def sqlite_path(url: str) -> Path:
    """Return the file that a `sqlite://` URL names."""
    rest = url.removeprefix("sqlite://")
    path = unquote(rest.removeprefix("/"))
    if not rest.startswith("/") or not path:
        raise misconfigured(
            "a SQLite URL has three slashes before a relative path and four before an absolute "
            "one: sqlite:///readwatch.db, sqlite:////var/lib/readwatch/readwatch.db"
        )
    if path == ":memory:":
        raise misconfigured("a database in memory is seen by one connection only; name a file")
    return Path(path).expanduser()


def refuse_affected_sqlite(version: tuple[int, ...]) -> None:
    """Refuse a SQLite library that can corrupt a database in WAL mode."""
    newest_safe = _SAFE_SQLITE[0]
    mended = any(version[:2] == safe[:2] and version >= safe for safe in _SAFE_SQLITE[1:])
    if version < newest_safe and not mended:
        raise misconfigured(
            f"SQLite {'.'.join(map(str, version))} can corrupt a database that two programs use; "
            "install a newer apsw: pip install --upgrade apsw"
        )


class _SQLite(APSWDatabase):  # type: ignore[misc]
    """A SQLite file whose connections obey the rights of a role."""

    def __init__(self, path: Path, role: Role, cache_mib: int = CACHE_MIB) -> None:
        access = apsw.SQLITE_OPEN_READONLY if reads_only(role) else apsw.SQLITE_OPEN_READWRITE
        if role is Role.OWNER:
            access |= apsw.SQLITE_OPEN_CREATE
        super().__init__(
            str(path),
            flags=access,
            timeout=BUSY_TIMEOUT_SECONDS,
            lock_type="IMMEDIATE",
            returning_clause=True,
            autoconnect=False,
            field_types=_SQLITE_TYPES,
            pragmas={
                "foreign_keys": 1,
                # An acknowledged activity is on disk, also after a power cut.
                "synchronous": "FULL",
                "cache_size": -1024 * cache_mib,
                "temp_store": "MEMORY",
                "journal_size_limit": WAL_PAGES * 4096,
            },
        )
        self._role = role
        self._authorizer = authorizer(role)

    def _connect(self) -> apsw.Connection:
        connection: apsw.Connection = super()._connect()
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        # What `store/conditions.py` says with regular expressions on PostgreSQL.
        connection.create_scalar_function("matches", found, 2, deterministic=True)  # type: ignore[arg-type]
        connection.authorizer = self._authorizer
        if self._role is Role.INGEST:
            connection.set_wal_hook(_Checkpoints())
        return connection


class _Checkpoints:
    """Moves what one connection commits from the WAL into the file, and keeps the WAL bounded.

    SQLite's own hook waits for nobody: where somebody reads at each moment, the WAL never begins
    anew and grows without end. This one waits once the WAL is large. Nothing is committed
    meanwhile, so whoever begins to read needs the WAL no more, and the wait is as long as the
    longest look at one moment.
    """

    def __init__(self) -> None:
        self._wait_at = WAL_PAGES

    def __call__(self, connection: apsw.Connection, _database: str, pages: int) -> int:
        waits = pages >= self._wait_at
        self._wait_at = pages + WAL_PAGES if waits else min(self._wait_at, pages + WAL_PAGES)
        if waits:
            _after_readers(connection, apsw.SQLITE_CHECKPOINT_RESTART, WAL_WAIT_SECONDS)
        elif pages >= CHECKPOINT_PAGES:
            _checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
        return apsw.SQLITE_OK


def _after_readers(connection: apsw.Connection, mode: int, seconds: float) -> bool:
    """Tell whether a checkpoint for which nobody may be reading was done within some seconds."""
    # Waiting here and not in SQLite, which may miss that the last reader is gone.
    deadline = time.monotonic() + seconds
    connection.set_busy_timeout(0)
    while not (done := _checkpoint(connection, mode)):
        if time.monotonic() > deadline:
            break
        time.sleep(0.005)
    connection.set_busy_timeout(BUSY_TIMEOUT_SECONDS * 1000)
    return done


def _checkpoint(connection: apsw.Connection, mode: int) -> bool:
    """Tell whether it was done; the commit before it is, whatever comes of this."""
    try:
        connection.wal_checkpoint(mode=mode)
    except apsw.Error:
        return False
    return True


def _open_sqlite(path: Path, role: Role, cache_mib: int) -> Database:
    refuse_affected_sqlite(tuple(int(part) for part in apsw.sqlite_lib_version().split(".")))
    if role is not Role.OWNER and not os.path.isfile(path):  # False also where we may not look
        raise misconfigured(f"there is no database at {path}; make one with: readwatch init")
    return _SQLite(path, role, cache_mib)


def make_sqlite_file(path: Path) -> None:
    """Make an empty database file that only its owner can read, in WAL mode; keep an old one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Closing a file lets go of all locks that this process has on it: an old one stays shut.
        if not path.is_file():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise misconfigured(f"the database cannot be made at {path}: {error.strerror}") from None
    db = _SQLite(path, Role.OWNER)
    with using(db):
        _switch_to_wal(db)
    db.close()


def _switch_to_wal(db: _SQLite) -> None:
    """Wait here for a program that does the same: for this change SQLite does not."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            db.pragma("journal_mode", "wal")
        except peewee.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


# PostgreSQL -------------------------------------------------------------------------------------


def _open_postgresql(url: str, role: Role) -> Database:
    try:
        from readwatch.store.grants import PostgreSQL
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
def using(db: Database) -> "Iterator[Database]":
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


@contextmanager
def engine_errors() -> "Iterator[None]":
    """Turn what the engine says into a sentence; no value of a statement is repeated."""
    try:
        yield
    except peewee.InterfaceError:
        raise unavailable("the connection to the database was lost; try again") from None
    except peewee.DatabaseError as error:
        cause = error.__cause__ or error.__context__
        sentence = _sentence(cause)
        if sentence is not None:
            raise sentence from None
        if isinstance(error, peewee.OperationalError):
            raise unavailable("the database cannot be reached; is it running?") from None
        raise _without_values(error, cause).with_traceback(error.__traceback__) from None


def _sentence(cause: BaseException | None) -> ReadwatchError | None:
    match type(cause).__name__:
        case (
            "BusyError" | "LockedError" | "LockNotAvailable" | "QueryCanceled" | "DeadlockDetected"
        ):
            return unavailable("the database is busy; try again")
        case "InterruptError":
            return unavailable("the question to the database was taken back")
        case "FullError" | "DiskFull":
            return unavailable("the disk of the database is full")
        case "IOError" | "CorruptError":
            return unavailable("the database cannot be read: its disk or its file is damaged")
        case "NotADBError":
            return misconfigured("that file is not a SQLite database")
        case "CantOpenError":
            return misconfigured("the database cannot be opened: check its path and permissions")
        case "ReadOnlyError" | "PermissionsError" | "ReadOnlySqlTransaction":
            return misconfigured("the database cannot be written: check the permissions")
        case "InsufficientPrivilege":
            return misconfigured("PostgreSQL does not allow this to the user of the URL")
        case "UndefinedTable":
            return misconfigured("this database has no readwatch schema; run: readwatch init")
        case "SQLError" if str(cause).startswith("no such table"):
            return misconfigured("this database has no readwatch schema; run: readwatch init")
        case "OperationalError":
            return _refusal(str(cause))
    return None


def _refusal(reason: str) -> ReadwatchError | None:
    """Tell why PostgreSQL let nobody in, which it says in words only."""
    if re.search(r'FATAL: +database ".*" does not exist', reason):
        return misconfigured("PostgreSQL has no database of that name; make it with createdb")
    if re.search(r'FATAL: +(role ".*" does not exist|.*authentication failed|no pg_hba)', reason):
        return misconfigured("PostgreSQL refuses this user or password")
    return None


def _without_values(
    error: peewee.DatabaseError, cause: BaseException | None
) -> peewee.DatabaseError:
    """Return the same error without the row that PostgreSQL repeats; SQLite names columns only."""
    diagnosis = getattr(cause, "diag", None)
    if diagnosis is None:
        return error
    return type(error)(f"{type(cause).__name__} {diagnosis.constraint_name or ''}".strip())


def one_moment(db: Database) -> Any:
    """Return a transaction whose queries all see the database at one moment."""
    return db.atomic("DEFERRED") if is_sqlite(db) else db.atomic("REPEATABLE READ")


class Turn(IntEnum):
    """What programs take turns at; on PostgreSQL the keys of advisory locks, nobody else's."""

    SCHEMA = 7_265_616_477
    ACCESS_LOG = 7_265_616_478
    ROLLUPS = 7_265_616_479  # and what they are moved by: activities and logins


def take_turn(db: Database, turn: Turn) -> None:
    """Wait, in a transaction, until nobody else is at it; the turn ends with the transaction.

    On SQLite BEGIN IMMEDIATE has waited for everybody already.
    """
    if not is_sqlite(db):
        _TAKE_TURN(db, key=int(turn))


def driver_of(db: Database) -> Any:
    """Return the driver's own connection of this thread."""
    return db.connection()  # type: ignore[no-untyped-call]


def in_transaction(db: Database) -> bool:
    """Tell whether the transaction is still there: with a full disk SQLite undoes all of it."""
    return not is_sqlite(db) or bool(driver_of(db).in_transaction)


def data_version(db: Database) -> int | None:
    """Return a number that another connection's commit changes; None where there is no such.

    https://www.sqlite.org/pragma.html#pragma_data_version
    """
    return int(driver_of(db).pragma("data_version")) if is_sqlite(db) else None


def file_identity(url: str) -> tuple[int, int] | None:
    """Return what tells a SQLite file from any other that was ever at its path; None without one.

    An open connection stays with the file that it opened, whatever is at the path by now.
    """
    if not url.startswith("sqlite:"):
        return None
    try:
        found = os.stat(sqlite_path(url))
    except OSError:
        return None
    return found.st_dev, found.st_ino


def interruption(db: Database) -> "Callable[[], None]":
    """Return what makes this thread's statement end in an error at once; any thread may call it.

    It does nothing where no statement runs, and never fails.
    """
    connection = driver_of(db)

    def interrupt() -> None:
        with suppress(Exception):  # the connection is closed, or its server gone
            if is_sqlite(db):
                connection.interrupt()
            else:
                connection.cancel_safe(timeout=CANCEL_SECONDS)

    return interrupt


def wal_bytes(db: Database) -> int | None:
    """Return the size of SQLite's write-ahead log; None where there is none."""
    if not is_sqlite(db):
        return None
    try:
        return os.stat(f"{db.database}-wal").st_size
    except OSError:
        return None


def move_wal_into_file(db: Database) -> None:
    """Leave a SQLite file that is whole without its WAL; nothing is lost where that cannot be."""
    if is_sqlite(db) and not db.is_closed():
        with suppress(apsw.Error):  # somebody else reads
            driver_of(db).wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def write_file_anew(db: Database) -> None:
    """Leave nothing in a SQLite file but what its tables hold; nobody else writes meanwhile.

    Needs the owner, and room for two more copies on the disk.
    """
    driver_of(db).pragma("temp_store", "FILE")  # in memory a large one would not fit
    db.execute_sql("VACUUM")  # type: ignore[no-untyped-call]


def empty_wal(db: Database) -> bool:
    """Tell whether SQLite's WAL has nothing in it any more: not while somebody goes on reading."""
    return _after_readers(driver_of(db), apsw.SQLITE_CHECKPOINT_TRUNCATE, BUSY_TIMEOUT_SECONDS)


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


def stamp(moment: datetime) -> str:
    """Return a moment as both engines take it: UTC, fixed width, milliseconds."""
    return in_utc(moment).isoformat(sep=" ", timespec="milliseconds")[:23]


def moment(value: str | datetime) -> datetime:
    """Return what either engine gave for a moment: text from SQLite, aware from PostgreSQL."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def moment_or_none(value: str | datetime | None) -> datetime | None:
    """Return the same for a column that may be empty."""
    return None if value is None else moment(value)
