"""SQLite, the engine that needs nothing installed: a file, its WAL, connections with a role."""

import os
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import apsw
import peewee
from playhouse.apsw_ext import APSWDatabase  # type: ignore[import-untyped]

from readwatch.domain.errors import misconfigured
from readwatch.domain.matching import matches
from readwatch.store.engine.errors import engine_errors
from readwatch.store.engine.privileges import Role, authorizer, reads_only

BUSY_TIMEOUT_SECONDS = 5

CACHE_MIB = 4
"""Enough for the queries of one thread; a server has dozens of them."""

CHECKPOINT_PAGES = 1000
"""From this size of the WAL on each commit of the service moves pages into the file."""

WAL_PAGES = 16384
"""From this size on, 64 MiB, the service waits for those who read: so the WAL can begin anew."""

WAL_WAIT_SECONDS = 1.0
"""How long it waits at most, until as much again was added."""

# https://www.sqlite.org/wal.html#walresetbug: with two connections an affected library can lose
# commits; these are the first releases of each branch with the fix.
_SAFE_SQLITE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))

_SQLITE_TYPES = {"UTC": "TEXT"}


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
    is_fixed = any(version[:2] == safe[:2] and version >= safe for safe in _SAFE_SQLITE[1:])
    if version < newest_safe and not is_fixed:
        raise misconfigured(
            f"SQLite {'.'.join(map(str, version))} can corrupt a database that two programs use; "
            "install a newer apsw: pip install --upgrade apsw"
        )


class SQLite(APSWDatabase):  # type: ignore[misc]
    """A SQLite file whose connections have the privileges of a role."""

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
        # What `readwatch.store.lists.filter_sql` does with regular expressions on PostgreSQL.
        connection.create_scalar_function("matches", matches, 2, deterministic=True)  # type: ignore[arg-type]
        connection.authorizer = self._authorizer
        if self._role is Role.INGEST:
            connection.set_wal_hook(_Checkpoints())
        return connection


def open_sqlite(path: Path, role: Role, cache_mib: int) -> SQLite:
    """Return the database in a file, which has to be there for every role but the owner."""
    refuse_affected_sqlite(tuple(int(part) for part in apsw.sqlite_lib_version().split(".")))
    if role is not Role.OWNER and not os.path.isfile(path):  # False also where we may not look
        raise misconfigured(f"there is no database at {path}; make one with: readwatch init")
    return SQLite(path, role, cache_mib)


def make_sqlite_file(path: Path) -> None:
    """Make an empty database file that only its owner can read, in WAL mode; keep an old one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Closing a file lets go of all locks that this process has on it: an old one stays shut.
        if not path.is_file():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise misconfigured(f"the database cannot be made at {path}: {error.strerror}") from None
    db = SQLite(path, Role.OWNER)
    with engine_errors():
        db.connect()
        _switch_to_wal(db)
    db.close()


def _switch_to_wal(db: SQLite) -> None:
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


def file_identity(url: str) -> tuple[int, int] | None:
    """Return what tells a SQLite file from any other that was ever at its path; None without one.

    An open connection stays with the file that it opened, whatever is at the path by now.
    """
    if not url.startswith("sqlite:"):
        return None
    try:
        file = os.stat(sqlite_path(url))
    except OSError:
        return None
    return file.st_dev, file.st_ino


# The write-ahead log ----------------------------------------------------------------------------


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


def wal_bytes(db: peewee.Database) -> int | None:
    """Return the size of SQLite's write-ahead log; None where there is none."""
    if not isinstance(db, SQLite):
        return None
    try:
        return os.stat(f"{db.database}-wal").st_size
    except OSError:
        return None


def checkpoint_wal(db: peewee.Database) -> None:
    """Move the WAL into the SQLite file unless somebody reads; nothing is lost either way."""
    if isinstance(db, SQLite) and not db.is_closed():
        with suppress(apsw.Error):  # somebody else reads
            _connection(db).wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def vacuum(db: peewee.Database) -> None:
    """Rewrite a SQLite file without its deleted rows; nobody else writes meanwhile.

    Needs the owner, and room for two more copies on the disk.
    """
    _connection(db).pragma("temp_store", "FILE")  # in memory a large one would not fit
    db.execute_sql("VACUUM")


def truncate_wal(db: peewee.Database) -> bool:
    """Empty SQLite's WAL; return whether that was possible: not while somebody goes on reading."""
    return _after_readers(_connection(db), apsw.SQLITE_CHECKPOINT_TRUNCATE, BUSY_TIMEOUT_SECONDS)


def _connection(db: peewee.Database) -> apsw.Connection:
    connection: apsw.Connection = db.connection()
    return connection
