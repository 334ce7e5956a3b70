"""SQLite, the engine that needs no server: a file, its WAL, and connections with a role."""

import ctypes
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote
from weakref import WeakSet

import apsw
import peewee
from playhouse.apsw_ext import APSWDatabase  # type: ignore[import-untyped]

from readwatch.domain.errors import misconfigured, unavailable
from readwatch.domain.files import make_private_folders
from readwatch.domain.matching import matches
from readwatch.store.engine.database import DEFAULTS, Database, EngineSettings
from readwatch.store.engine.errors import engine_errors
from readwatch.store.engine.privileges import Role, authorizer, reads_only, statement_check

BUSY_TIMEOUT_SECONDS = 5

CACHE_MIB = 4
"""The default page cache of a connection."""

WRITER_CACHE_MIB = 64
"""The same for the connection of the writer: an activity changes about ten pages, mostly the same
ones."""

CHECKPOINT_PAGES = 1000
"""From this size of the WAL, each commit of the service copies pages into the file."""

WAL_PAGES = 16384
"""From this size of the WAL (64 MiB), a commit waits for open read transactions, so that the WAL
can restart."""

WAL_WAIT_SECONDS = 0.1
"""The longest wait. After a wait in vain, for example during a backup, the next one comes when the
WAL is twice as large."""

WAL_LIMIT_PAGES = 16 * WAL_PAGES
"""From this size of the WAL (1 GiB), a commit waits longer and after every further 64 MiB."""

WAL_LIMIT_WAIT_SECONDS = 1.0
"""The longest wait from there on, and when a program leaves the file."""

# https://www.sqlite.org/wal.html#walresetbug: with two connections an affected library can lose
# commits; these are the first releases of each branch with the fix.
_SAFE_SQLITE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))

_SQLITE_TYPES = {"UTC": "TEXT"}

_SUFFIXES = ("-wal", "-shm")
"""The files beside a database in WAL mode: the write-ahead log, and its index."""

_STEPS_UNTIL_CALL = 100_000
"""Some milliseconds of a query; the check of a file counts its pages instead."""

FileIdentity = tuple[int, int]
"""The device and the inode of a file."""


def is_sqlite_url(url: str) -> bool:
    """Tell whether a URL names a SQLite file."""
    return url.startswith("sqlite:")


def sqlite_path(url: str) -> Path:
    """Return the path of the file in a `sqlite://` URL."""
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


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file."""
    return f"sqlite:///{quote(str(path))}"


def library_version() -> tuple[int, ...]:
    """Return the version of the SQLite library that readwatch uses."""
    return tuple(int(part) for part in apsw.sqlite_lib_version().split("."))


def refuse_affected_sqlite(version: tuple[int, ...]) -> None:
    """Refuse a SQLite library that can corrupt a database in WAL mode."""
    newest_safe = _SAFE_SQLITE[0]
    is_fixed = any(version[:2] == safe[:2] and version >= safe for safe in _SAFE_SQLITE[1:])
    if version < newest_safe and not is_fixed:
        raise misconfigured(
            f"SQLite {'.'.join(map(str, version))} can corrupt a database that two programs use; "
            "install a newer apsw: pip install --upgrade apsw"
        )


class SQLite(Database, APSWDatabase):  # type: ignore[misc]
    """A SQLite file whose connections have the privileges of a role."""

    def __init__(self, path: Path, role: Role, settings: EngineSettings = DEFAULTS) -> None:
        self.busy_seconds = settings.busy_seconds or BUSY_TIMEOUT_SECONDS
        access = apsw.SQLITE_OPEN_READONLY if reads_only(role) else apsw.SQLITE_OPEN_READWRITE
        if role is Role.OWNER:
            access |= apsw.SQLITE_OPEN_CREATE
        super().__init__(
            str(path),
            flags=access,
            timeout=self.busy_seconds,
            lock_type="IMMEDIATE",
            returning_clause=True,
            autoconnect=False,
            field_types=_SQLITE_TYPES,
            pragmas={
                "foreign_keys": 1,
                # An acknowledged activity is on disk, even after a power cut.
                "synchronous": "FULL",
                "cache_size": -1024 * (settings.cache_mib or CACHE_MIB),
                "temp_store": "MEMORY",
                "journal_size_limit": WAL_PAGES * 4096,
            },
        )
        self.watch(settings)
        self._role = role
        self._authorizer = authorizer(role)
        self._open_connections: WeakSet[apsw.Connection] = WeakSet()
        self._files: dict[str, FileIdentity] = {}
        self._left_wal_empty = False
        self._notices_signals = False

    def require_same_files(self) -> None:
        """Refuse to go on if one of the open files was removed, or replaced by another file.

        SQLite would go on with the removed file, and the data in it would be lost. The next
        check passes again if the right file is back at its path.
        """
        path = self.lost_file()
        if path is not None:
            raise misconfigured(file_lost(path))

    def lost_file(self) -> str | None:
        """Return the path of an open file that was removed or replaced; None if all are there."""
        for path, identity in self._files.items():
            if _identity(path) != identity:
                return path
        if self._left_wal_empty and wal_bytes(self):
            return f"{self.database}-wal"  # with rows of the file that took the place
        self._left_wal_empty = False
        return None

    def leave_lost_file(self) -> None:
        """Copy the WAL into the database file if one of them was moved, and empty the WAL.

        The moved file is then complete without its WAL, and SQLite does not take the WAL for that
        of the file that took the place. Call it once: another program may use the WAL afterwards.
        """
        if self.lost_file() is not None and not self.is_closed():
            self.after_readers(apsw.SQLITE_CHECKPOINT_TRUNCATE, WAL_LIMIT_WAIT_SECONDS)
            self._left_wal_empty = not wal_bytes(self)

    def after_readers(self, mode: int, seconds: float) -> bool:
        """Retry a checkpoint that open read transactions prevent, for some seconds; tell whether it
        was done."""
        done = _after_readers(_connection(self), mode, seconds, self.busy_seconds)
        if self._notices_signals:
            self.notice_signals()
        return done

    def notice_signals(self) -> None:
        """Do what the function `notice_signals` says."""
        self._notices_signals = True
        connection = _connection(self)
        connection.set_progress_handler(lambda: False, _STEPS_UNTIL_CALL)
        connection.set_busy_handler(_wait_at_most(self.busy_seconds))

    def _connect(self) -> apsw.Connection:
        connection: apsw.Connection = super()._connect()
        try:
            self._configure(connection)
            self._watch_files(connection)
        except BaseException:  # ctrl+c too: nobody else would close the connection
            connection.close()
            raise
        return connection

    def _configure(self, connection: apsw.Connection) -> None:
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        # On PostgreSQL `readwatch.store.lists.filter_sql` uses regular expressions instead.
        connection.create_scalar_function("matches", matches, 2, deterministic=True)  # type: ignore[arg-type]
        connection.authorizer = self._authorizer
        connection.exec_trace = statement_check(self._role)
        connection.set_commit_hook(self._before_commit)
        if self._role is Role.INGEST:
            connection.set_wal_hook(_Checkpoints(self.busy_seconds))
            # Connections of the service end with the process and not by `close`.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)

    def _before_commit(self) -> bool:
        """Allow the commit; the error of the check rolls it back."""
        self.require_same_files()
        return False

    def _watch_files(self, connection: apsw.Connection) -> None:
        """Remember the files that the first connection opens; refuse others in later threads.

        While no connection is open, other files may take their place. The file at the path may be
        replaced meanwhile, and be moved back, so the open file has to be the one at the path before
        and after its identity is read.
        """
        was_moved, files = _has_moved(connection), self._files
        if self._open_connections:
            self.require_same_files()
        else:
            paths = (self.database, *(f"{self.database}{suffix}" for suffix in _SUFFIXES))
            files = {path: file for path in paths if (file := _identity(path)) is not None}
            self._left_wal_empty = False
        if was_moved or _has_moved(connection):
            raise unavailable("the database file was replaced at this moment; try again")
        self._files = files
        self._open_connections.add(connection)

    def _close(self, connection: apsw.Connection) -> None:
        # The last connection to a file deletes the WAL by its name; that may be another one's.
        if self.lost_file() is not None:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        super()._close(connection)
        self._open_connections.discard(connection)


def open_sqlite(path: Path, role: Role, settings: EngineSettings) -> SQLite:
    """Return the database in a file, which must exist for all roles except the owner."""
    refuse_affected_sqlite(library_version())
    if path.is_dir():
        raise misconfigured(f"{path} is a folder and no database")
    if role is not Role.OWNER and not os.path.isfile(
        path
    ):  # also False without permission to read the folder
        raise misconfigured(
            f"there is no database at {path}; move it back, or let an admin run: readwatch init"
        )
    return SQLite(path, role, settings)


def make_sqlite_file(path: Path) -> None:
    """Create an empty database in WAL mode, readable by its owner only; keep an existing file."""
    try:
        make_private_folders(path.parent)
        # Closing a file releases all locks that this process has on it (POSIX), so an existing
        # database file is not opened here.
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
    """Switch to WAL mode, and retry while another program does so: SQLite itself does not wait."""
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


def file_lost(path: str | Path) -> str:
    """Return the reason why a program stops using its database, and the fix."""
    return (
        f"{path} was removed or replaced while this program used it; move the original file back, "
        "or restart the program to use the file that is there"
    )


def file_identity(url: str) -> FileIdentity | None:
    """Return the identity of the SQLite file at `url`; None if there is no file."""
    return _identity(sqlite_path(url)) if is_sqlite_url(url) else None


def _has_moved(connection: apsw.Connection) -> bool:
    """Tell whether the open file is no longer at its path; it compares the inode."""
    has_moved = ctypes.c_int(0)
    connection.file_control(
        "main", apsw.SQLITE_FCNTL_HAS_MOVED, ctypes.addressof(has_moved)
    )  # https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html
    return bool(has_moved.value)


def _identity(path: str | Path) -> FileIdentity | None:
    try:
        file = os.stat(path)
    except OSError:
        return None
    return file.st_dev, file.st_ino


# The write-ahead log ----------------------------------------------------------------------------


class _Checkpoints:
    """The WAL hook of a connection: it copies pages into the file and limits the size of the WAL.

    SQLite's own hook does not wait for open read transactions: if there is always one, the WAL
    never restarts and grows without limit. This hook waits when the WAL is large. Nothing is
    committed during the wait, and new read transactions do not use the WAL, so the wait is at
    most as long as the longest open read transaction.
    """

    def __init__(self, busy_seconds: int) -> None:
        self._busy_seconds = busy_seconds
        self._pages = 0
        self._wait_at = WAL_PAGES

    def __call__(self, connection: apsw.Connection, _database: str, pages: int) -> int:
        if pages < self._pages:  # it has restarted
            self._wait_at = WAL_PAGES
        self._pages = pages
        if pages >= self._wait_at:
            is_at_limit = pages >= WAL_LIMIT_PAGES
            seconds = WAL_LIMIT_WAIT_SECONDS if is_at_limit else WAL_WAIT_SECONDS
            _after_readers(connection, apsw.SQLITE_CHECKPOINT_RESTART, seconds, self._busy_seconds)
            self._wait_at = pages + WAL_PAGES if is_at_limit else 2 * pages
        elif pages >= CHECKPOINT_PAGES:
            _checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
        return apsw.SQLITE_OK


def _after_readers(
    connection: apsw.Connection, mode: int, seconds: float, busy_seconds: int
) -> bool:
    """Do what `SQLite.after_readers` says; leave the connection with its busy timeout."""
    # The loop is here because SQLite's own wait may miss the end of the last read transaction.
    deadline = time.monotonic() + seconds
    connection.set_busy_timeout(0)
    try:
        while not (done := _checkpoint(connection, mode)):
            if time.monotonic() > deadline:
                break
            time.sleep(0.005)
    finally:  # also after ctrl+c
        connection.set_busy_timeout(int(busy_seconds * 1000))
    return done


def _checkpoint(connection: apsw.Connection, mode: int) -> bool:
    """Try a checkpoint and tell whether it was done; a failure does not undo the commit."""
    try:
        connection.wal_checkpoint(mode=mode)
    except apsw.Error:
        return False
    return True


def notice_signals(db: peewee.Database) -> None:
    """Let signals such as ctrl+c interrupt this thread's statements of SQLite, and its waits.

    Python handles signals only in Python code, so SQLite has to call some now and then.
    """
    if isinstance(db, SQLite):
        db.notice_signals()


def _wait_at_most(seconds: float) -> Callable[[int], bool]:
    """Return SQLite's busy timeout as Python code: a wait for another program that writes."""
    deadline = 0.0

    def may_wait(earlier_calls: int) -> bool:
        nonlocal deadline
        if earlier_calls == 0:
            deadline = time.monotonic() + seconds
        time.sleep(min(earlier_calls + 1, 25) / 1000)
        return time.monotonic() < deadline

    return may_wait


def wal_bytes(db: peewee.Database) -> int | None:
    """Return the size of SQLite's write-ahead log in bytes; None if there is none."""
    if not isinstance(db, SQLite):
        return None
    try:
        return os.stat(f"{db.database}-wal").st_size
    except OSError:
        return None


def file_bytes(db: peewee.Database) -> int | None:
    """Return the size of a SQLite file in bytes; None if there is none."""
    if not isinstance(db, SQLite):
        return None
    try:
        return os.stat(db.database).st_size
    except OSError:
        return None


def free_bytes(db: peewee.Database) -> int | None:
    """Return how many bytes a SQLite file's disk has left; None if there is none."""
    if not isinstance(db, SQLite):
        return None
    try:
        return shutil.disk_usage(Path(db.database).absolute().parent).free
    except OSError:
        return None


def require_free_space(db: peewee.Database, size: int) -> None:
    """Refuse if SQLite's disk has less than `size` bytes left."""
    free = free_bytes(db)  # without its folder the next write fails
    if free is not None and free < size:
        raise unavailable("the disk of the database is full")


def checkpoint_wal(db: peewee.Database) -> None:
    """Copy the WAL into the SQLite file, unless another connection reads; no data is lost.

    A file that was moved is left alone.
    """
    if isinstance(db, SQLite) and not db.is_closed() and db.lost_file() is None:
        with suppress(apsw.Error):  # another connection reads
            _connection(db).wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def copy_wal(connection: apsw.Connection) -> None:
    """Copy the pages of the WAL into the file while others read and write, after a long read
    transaction: otherwise the next commit of the service would copy all that came in the meantime,
    and keep posts waiting for seconds."""
    _checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)


def vacuum(db: peewee.Database) -> None:
    """Rewrite a SQLite file without its deleted rows; other programs cannot write during that.

    Requires the role of the owner, and disk space for two more copies of the file.
    """
    _connection(db).pragma("temp_store", "FILE")  # a large database does not fit in memory
    db.execute_sql("VACUUM")


def truncate_wal(db: SQLite) -> bool:
    """Empty SQLite's WAL; return False if an open read transaction prevents it."""
    return db.after_readers(apsw.SQLITE_CHECKPOINT_TRUNCATE, db.busy_seconds)


def _connection(db: peewee.Database) -> apsw.Connection:
    connection: apsw.Connection = db.connection()
    return connection
