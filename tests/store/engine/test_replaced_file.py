"""A database file that is removed or replaced while programs use it: nothing more goes into it."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store.engine.connections import Database, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.store.engine.statements import Statement

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

WRITE = Statement(
    "INSERT INTO failed_logins (subject, failures, last_failed_at) "
    "VALUES (:subject, 1, '2026-11-22 12:00:00.000')"
)
COUNT = Statement("SELECT count(*) FROM failed_logins")


@pytest.fixture
def file(url: str) -> Path:
    return sqlite_path(url)


@pytest.fixture
def ingest(url: str, opened) -> Database:
    """A connection of the service, which has written one row."""
    db: Database = opened(url, Role.INGEST)
    write(db, "before")
    return db


def write(db: Database, subject: str) -> None:
    with connection(db), db.atomic():
        WRITE(db, subject=subject)


def count(db: Database) -> int:
    with connection(db):
        found: int = COUNT.scalar(db)
        return found


def refusal_of(act: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(ReadwatchError) as refusal:
        act(*arguments)
    assert refusal.value.kind is ErrorKind.MISCONFIGURED
    return refusal.value.message


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_without_one_of_its_files_nothing_is_read_or_written_until_it_is_back(
    suffix: str, file: Path, ingest: Database
) -> None:
    lost = Path(f"{file}{suffix}")
    away = lost.rename(file.with_name("away"))
    for act in (lambda: write(ingest, "lost"), lambda: count(ingest)):
        refusal = refusal_of(act)
        assert str(lost) in refusal
        assert "move the original file back" in refusal

    away.rename(lost)
    write(ingest, "after")
    assert count(ingest) == 2, "the refused row was rolled back"


def test_another_file_in_its_place_is_neither_used_by_the_connection_nor_by_later_threads(
    file: Path, ingest: Database
) -> None:
    copy = shutil.copy(file, file.with_name("copy"))
    os.replace(copy, file)
    with ThreadPoolExecutor(1) as threads:
        assert "replaced" in refusal_of(write, ingest, "lost")
        assert "replaced" in threads.submit(refusal_of, write, ingest, "lost").result()
    with apsw.Connection(str(file)) as other:
        assert not other.execute("SELECT 1 FROM failed_logins WHERE subject = 'lost'").fetchall()


def test_another_file_is_refused_also_after_one_of_several_threads_has_closed_its_connection(
    file: Path, ingest: Database
) -> None:
    """As the thread that anchors the access log does at its end."""

    def count_and_close() -> None:
        count(ingest)
        ingest.close()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(count_and_close).result()
    os.replace(shutil.copy(file, file.with_name("copy")), file)
    assert "replaced" in refusal_of(write, ingest, "lost")


def test_after_the_last_connection_is_closed_another_file_may_take_its_place(
    file: Path, ingest: Database
) -> None:
    ingest.close()
    os.replace(shutil.copy(file, file.with_name("copy")), file)
    write(ingest, "after")
    assert count(ingest) == 2


def test_a_connection_to_a_moved_file_leaves_the_wal_of_the_other_file_alone(
    file: Path, url: str, opened
) -> None:
    """As a console does that stays open while a backup is restored."""
    console = opened(url, Role.ACCESS_LOG)
    with connection(console):
        pass
    shutil.copy(file, file.with_name("other"))
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").rename(f"{file}-away{suffix}")
    file.with_name("other").rename(file)
    service = opened(url, Role.INGEST)
    write(service, "before")
    console.close()
    write(service, "after")
    assert count(service) == 2


@pytest.fixture
def when_it_is_open() -> Iterator[Callable[[Callable[[], object]], None]]:
    """`when_it_is_open(act)` acts after SQLite has opened the file for a new connection."""
    hooks: list[Callable[[apsw.Connection], None]] = []

    def when_it_is_open(act: Callable[[], object]) -> None:
        def hook(_connection: apsw.Connection) -> None:
            act()

        hooks.append(hook)
        apsw.connection_hooks.append(hooks[-1])

    yield when_it_is_open
    for hook in hooks:
        apsw.connection_hooks.remove(hook)


def test_a_file_that_is_replaced_while_it_is_opened_is_not_taken_for_the_other_one(
    url: str, file: Path, when_it_is_open: Callable[[Callable[[], object]], None]
) -> None:
    copy = shutil.copy(file, file.with_name("copy"))
    when_it_is_open(lambda: os.replace(copy, file))
    db = open_database(url, Role.INGEST)
    with pytest.raises(ReadwatchError, match="try again"), connection(db):
        pass
    assert db.is_closed()


def test_a_thread_that_has_opened_another_file_does_not_use_it_when_the_right_one_is_back(
    file: Path, ingest: Database, when_it_is_open: Callable[[Callable[[], object]], None]
) -> None:
    away = file.rename(file.with_name("away"))
    shutil.copy(away, file)
    when_it_is_open(lambda: away.rename(file))
    with ThreadPoolExecutor(1) as threads, pytest.raises(ReadwatchError, match="try again"):
        threads.submit(count, ingest).result()
