"""Whole SQLite files: a copy while other programs write, and the replacement of an unused one."""

import fcntl
import glob
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from errno import EIO, ENOSPC
from pathlib import Path

import apsw

from readwatch.domain.errors import conflict, invalid, misconfigured
from readwatch.domain.files import keep_draft, replace_with_draft
from readwatch.store.engine.sqlite import copy_wal

STEP_PAGES = 1024
"""The number of pages, of 4 KiB, that a step copies."""

_HAS_HISTORY = "SELECT 1 FROM sqlite_master WHERE name = 'schema_history'"
_FIRST_LOCKED_BYTE, _LOCKED_BYTES = 0x40000000, 512
_SYNC_STEPS = 4  # a disk that has to write much at once delays the commits of the service


@contextmanager
def open_source(file: Path) -> Iterator[apsw.Connection]:
    """Open a database file to copy it; refuse a file that is none of readwatch."""
    if not file.is_file():
        raise invalid(f"there is no file {file}")
    try:
        with closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            if not connection.execute(_HAS_HISTORY).fetchall():
                raise invalid(f"{file} is not a database of readwatch")
            yield connection
    except (apsw.NotADBError, apsw.CorruptError):
        raise invalid(f"{file} is not a SQLite database, or is damaged") from None
    except apsw.Error:
        raise invalid(f"{file} cannot be read: check its permissions") from None


def copy_bytes(source: apsw.Connection) -> int:
    """Return the size of a copy in bytes."""
    return int(source.pragma("page_count")) * int(source.pragma("page_size"))


def number_of_steps(source: apsw.Connection) -> int:
    """Return the number of steps in which `copy_steps` copies a database."""
    return -(-int(source.pragma("page_count")) // STEP_PAGES)


def copy_steps(source: apsw.Connection, draft: Path) -> Iterator[None]:
    """Copy a database to an empty file, and yield after each step; at the end it is on disk.

    The copy has the state of the database at the first step. Other programs can read and write
    meanwhile; the WAL grows until the end, because its pages are still needed. The copy is one file
    without a WAL. OSError if it cannot be written. https://www.sqlite.org/backup.html
    """
    with _write_errors(draft), open(draft, "rb+", buffering=0) as file:
        # Without the transaction, a commit of another program would start the copy again.
        with (
            _read_transaction(source),
            closing(_draft_connection(draft)) as target,
            target.backup("main", source, "main") as backup,
        ):
            steps = 0
            while not backup.done:
                backup.step(STEP_PAGES)
                steps += 1
                if steps % _SYNC_STEPS == 0:
                    os.fsync(file.fileno())
                yield
        copy_wal(source)
        with closing(_draft_connection(draft)) as target:
            target.pragma("journal_mode", "delete")
        os.fsync(file.fileno())


@contextmanager
def _read_transaction(source: apsw.Connection) -> Iterator[None]:
    source.execute("BEGIN")
    try:
        # SQLite begins to read with the first query.
        source.execute("SELECT count(*) FROM sqlite_master").fetchall()
        yield
    finally:
        source.execute("ROLLBACK")


def _draft_connection(draft: Path) -> apsw.Connection:
    """Return a connection that leaves it to others to bring its pages to the disk."""
    connection = apsw.Connection(str(draft), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.pragma("synchronous", "off")
    return connection


def require_unused(path: Path) -> None:
    """Refuse if another program has the database open."""
    with _exclusive_file(path):
        pass


def replace_file(draft: Path, path: Path, aside: Path) -> None:
    """Put a database without a WAL in the place of another one, which is kept as `aside`.

    Refuse if another program has the other one open. An interruption leaves one of the two.
    """
    _fold_wal(path)
    with _exclusive_file(path):
        for suffix in ("-wal", "-shm"):  # of a damaged database; otherwise they are gone
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        if path.exists():
            _delete_other_names(path)
            keep_draft(path, aside)
        replace_with_draft(draft, path)


@contextmanager
def _exclusive_file(path: Path) -> Iterator[None]:
    """Keep other programs away from a database file, also a damaged one; do nothing without a file.

    It locks the bytes that SQLite locks; a connection in WAL mode has a shared lock on them as long
    as it is open. Closing the file releases all locks of this process, so this process must not
    have the database open. https://www.sqlite.org/lockingv3.html
    """
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield
        return
    except OSError as error:
        raise misconfigured(f"{path} cannot be opened: {error.strerror}") from None
    try:
        _lock(file, path)
        yield
    finally:
        os.close(file)


def _lock(file: int, path: Path) -> None:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKED_BYTES, _FIRST_LOCKED_BYTE)
    except BlockingIOError:
        raise conflict(
            f"another program has {path} open; stop the service and all consoles first"
        ) from None


def _delete_other_names(path: Path) -> None:
    """Delete the second name of a database that an interrupted replacement has given it."""
    for other in path.parent.glob(f"{glob.escape(path.name)}.replaced-*"):
        if os.path.samestat(other.lstat(), path.lstat()):
            other.unlink()


def _fold_wal(path: Path) -> None:
    """Copy the WAL of an unused database into its file and delete it, unless it is damaged."""
    if path.exists():
        with suppress(apsw.Error), closing(apsw.Connection(str(path))) as connection:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


@contextmanager
def _write_errors(draft: Path) -> Iterator[None]:
    try:
        yield
    except (apsw.FullError, apsw.IOError) as error:
        number = ENOSPC if isinstance(error, apsw.FullError) else EIO
        raise OSError(number, os.strerror(number), str(draft)) from None
