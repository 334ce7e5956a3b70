"""The WAL stays small although read transactions overlap, and no commit waits long for them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_urlsafe
from threading import Event, Thread
from typing import Any

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
READ = Statement("SELECT count(*) FROM users")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a megabyte large, and the wait for readers short."""
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAGES", 64)
    monkeypatch.setattr(sqlite, "WAL_PAGES", 256)
    monkeypatch.setattr(sqlite, "WAL_LIMIT_PAGES", 1024)
    monkeypatch.setattr(sqlite, "WAL_LIMIT_WAIT_SECONDS", 0.1)


@contextmanager
def overlapping_read_transactions(url: str) -> Iterator[None]:
    """Each read transaction begins before the last one ends."""
    stop, reading = Event(), Event()

    def read() -> None:
        last = ExitStack()
        while not stop.is_set():
            db = open_database(url, Role.CONSOLE)
            this = ExitStack()
            this.callback(close_all, db)
            this.enter_context(connection(db))
            this.enter_context(read_snapshot(db))
            READ(db)
            reading.set()
            last.close()
            last = this
        last.close()

    thread = Thread(target=read)
    thread.start()
    reading.wait()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def written(url: str, commits: int) -> int:
    """Commit 64 KiB several times, as the service does; return the largest size of the WAL."""
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


def test_it_restarts_although_there_is_always_an_open_read_transaction(url, monkeypatch):
    monkeypatch.setattr(sqlite, "WAL_WAIT_SECONDS", 1.0)  # as the service waits
    with overlapping_read_transactions(url):
        assert written(url, commits=100) < 2 * 256 * PAGE


def test_a_read_transaction_that_stays_open_makes_it_grow_and_no_commit_fails(url, opened):
    reader = opened(url, Role.CONSOLE)
    with connection(reader), read_snapshot(reader):
        READ(reader)
        grown = written(url, commits=40)
        assert grown > 256 * PAGE
    assert written(url, commits=100) < grown + 256 * PAGE


def test_who_waits_in_vain_waits_at_twice_the_size_and_from_the_limit_on_more_often(
    url, opened, monkeypatch
):
    wal = Path(f"{sqlite.sqlite_path(url)}-wal")
    wait, megabytes = sqlite._after_readers, []

    def waits(*how: Any) -> bool:
        megabytes.append(wal.stat().st_size // (256 * PAGE))
        return wait(*how)

    monkeypatch.setattr(sqlite, "_after_readers", waits)
    reader = opened(url, Role.CONSOLE)
    with connection(reader), read_snapshot(reader):
        READ(reader)
        written(url, commits=64)
        assert megabytes[:6] == [1, 2, 4, 5, 6, 7]
    megabytes.clear()
    written(url, commits=6)
    assert len(megabytes) == 1  # nobody reads: the WAL restarts at the first try
