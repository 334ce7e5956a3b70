"""The WAL stays small while there is always somebody who reads, and waits for nobody for long."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_urlsafe
from threading import Event, Thread

import pytest

from readwatch.store.engine import sqlite
from readwatch.store.engine.connections import close_all, connection, open_database, read_snapshot
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.statements import Statement

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

PAGE = 4096
WRITE = Statement(
    "INSERT INTO failed_logins (subject, failures, last_failed_at) "
    "VALUES (:subject, 1, '2026-11-22 12:00:00.000')"
)
LOOK = Statement("SELECT count(*) FROM users")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte is large here, and a wait short."""
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAGES", 64)
    monkeypatch.setattr(sqlite, "WAL_PAGES", 256)
    monkeypatch.setattr(sqlite, "WAL_WAIT_SECONDS", 0.1)


@contextmanager
def somebody_always_reads(url: str) -> Iterator[None]:
    """Each look begins before the last one ends."""
    stop, looking = Event(), Event()

    def look() -> None:
        last = ExitStack()
        while not stop.is_set():
            db = open_database(url, Role.CONSOLE)
            this = ExitStack()
            this.callback(close_all, db)
            this.enter_context(connection(db))
            this.enter_context(read_snapshot(db))
            LOOK(db)
            looking.set()
            last.close()
            last = this
        last.close()

    thread = Thread(target=look)
    thread.start()
    looking.wait()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def written(url: str, commits: int) -> int:
    """Commit 64 KiB so many times, as the service does; return how large the WAL was at most."""
    wal = Path(f"{sqlite.sqlite_path(url)}-wal")
    db = open_database(url, Role.INGEST)
    largest = 0
    with connection(db):
        for _ in range(commits):
            with db.atomic():
                WRITE(db, subject=token_urlsafe(48 * 1024))
            largest = max(largest, wal.stat().st_size)
    close_all(db)
    return largest


def test_it_begins_anew_although_there_is_always_somebody_who_reads(url):
    with somebody_always_reads(url):
        assert written(url, commits=100) < 2 * 256 * PAGE


def test_one_who_reads_on_and_on_makes_it_grow_and_nobody_fail(url, opened):
    reader = opened(url, Role.CONSOLE)
    with connection(reader), read_snapshot(reader):
        LOOK(reader)
        grown = written(url, commits=40)
        assert grown > 256 * PAGE
    assert written(url, commits=100) < grown + 256 * PAGE
