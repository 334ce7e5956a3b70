"""Copies of a SQLite database, also while other programs write to it."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from errno import EIO, ENOSPC
from pathlib import Path

import apsw

STEP_PAGES = 1024
"""The number of pages, of 4 KiB, that a step copies."""

_SYNC_STEPS = 4  # a disk that has to write much at once delays the commits of the service


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


@contextmanager
def _write_errors(draft: Path) -> Iterator[None]:
    try:
        yield
    except (apsw.FullError, apsw.IOError) as error:
        number = ENOSPC if isinstance(error, apsw.FullError) else EIO
        raise OSError(number, os.strerror(number), str(draft)) from None
