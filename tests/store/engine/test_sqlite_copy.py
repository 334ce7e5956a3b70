"""A copy of a database that others write to, and the replacement of one that nobody uses."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from readwatch.domain.errors import ReadwatchError
from readwatch.store.engine.connections import Database, driver_connection
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.store.engine.sqlite_copy import (
    STEP_PAGES,
    copy_bytes,
    copy_steps,
    number_of_steps,
    open_source,
    replace_file,
    require_unused,
)

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

BYTES_OF_A_STEP = STEP_PAGES * 4096


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    draft = tmp_path / "draft.db"
    draft.touch()
    return draft


@pytest.fixture
def path(url: str) -> Path:
    return sqlite_path(url)


def fill(db: Database, size: int) -> None:
    """Add a table of about so many bytes."""
    db.execute_sql("CREATE TABLE filling (id INTEGER PRIMARY KEY, content BLOB)")
    for _ in range(size // 500_000 + 1):
        db.execute_sql("INSERT INTO filling (content) VALUES (zeroblob(500000))")


def contents(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of each table."""
    with closing(apsw.Connection(str(file))) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            str(name): connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()
            for (name,) in tables.fetchall()
        }


def test_a_copy_has_the_state_at_its_first_step_whatever_others_write_meanwhile(
    connected: Callable[[Role], Database], path: Path, draft: Path
) -> None:
    writer, source = connected(Role.OWNER), driver_connection(connected(Role.BACKUP))
    fill(writer, 3 * BYTES_OF_A_STEP)
    before = contents(path)
    expected, steps = number_of_steps(source), copy_steps(source, draft)
    next(steps)
    taken = 1
    for _ in steps:
        writer.execute_sql("UPDATE filling SET content = zeroblob(400000)")
        writer.execute_sql("INSERT INTO filling (content) VALUES (zeroblob(500000))")
        taken += 1
    assert taken == expected >= 4
    assert contents(draft) == before != contents(path)


def test_a_copy_is_one_file_of_the_size_that_was_said(
    connected: Callable[[Role], Database], draft: Path
) -> None:
    source = driver_connection(connected(Role.BACKUP))
    for _ in copy_steps(source, draft):
        pass
    assert draft.stat().st_size == copy_bytes(source)
    with closing(apsw.Connection(str(draft))) as connection:
        assert connection.pragma("journal_mode") == "delete"
    assert sorted(file.name for file in draft.parent.glob("draft*")) == ["draft.db"]


def test_what_was_written_during_a_copy_is_in_the_file_after_it(
    connected: Callable[[Role], Database], path: Path, draft: Path
) -> None:
    """Otherwise the next commit of the service would have to bring all of it there."""
    writer, source = connected(Role.OWNER), driver_connection(connected(Role.BACKUP))
    driver_connection(writer).wal_autocheckpoint(0)
    fill(writer, 2 * BYTES_OF_A_STEP)
    steps = copy_steps(source, draft)
    next(steps)
    writer.execute_sql("INSERT INTO filling (content) VALUES (CAST('written meanwhile' AS BLOB))")
    assert b"written meanwhile" not in path.read_bytes()
    for _ in steps:
        pass
    assert b"written meanwhile" in path.read_bytes()


def test_what_is_no_database_cannot_be_copied(url: str, tmp_path: Path) -> None:
    text = tmp_path / "letter.db"
    text.write_text("Dear database, " * 100)
    with pytest.raises(ReadwatchError, match=r"letter\.db is not a SQLite database"):
        open_source(text).__enter__()
    with pytest.raises(ReadwatchError, match=r"there is no file .*nothing\.db"):
        open_source(tmp_path / "nothing.db").__enter__()
    assert not (tmp_path / "nothing.db").exists()


# The replacement --------------------------------------------------------------------------------

IDLE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM users").fetchall()
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def idle_program(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the database open, and does nothing."""
    command = [sys.executable, "-c", IDLE, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process
        process.communicate("\n")


@pytest.fixture
def other(tmp_path: Path, path: Path) -> Path:
    """Another database, to be put in the place of the first one."""
    other = tmp_path / "other.db"
    with closing(apsw.Connection(str(other))) as connection:
        connection.execute("CREATE TABLE another (id)")
    return other


@pytest.mark.usefixtures("idle_program")
def test_a_database_that_an_idle_program_has_open_is_not_replaced(path: Path, other: Path) -> None:
    before, aside = contents(path), path.with_name("aside.db")
    with pytest.raises(ReadwatchError, match=r"another program has .* open; stop"):
        require_unused(path)
    with pytest.raises(ReadwatchError, match=r"another program has .* open; stop"):
        replace_file(other, path, aside)
    assert contents(path) == before
    assert other.exists()
    assert not aside.exists()


def test_the_replaced_database_is_kept_with_the_rows_of_its_wal(
    idle_program: subprocess.Popen[str], path: Path, other: Path
) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE last_commit (id)")
    before, aside = contents(path), path.with_name("aside.db")
    idle_program.kill()  # so that the WAL stays
    idle_program.wait()
    assert path.with_name(f"{path.name}-wal").stat().st_size > 0
    replace_file(other, path, aside)
    assert contents(aside) == before
    assert "another" in contents(path)
    assert not path.with_name(f"{path.name}-wal").exists()
    assert not other.exists()


def test_a_damaged_database_is_replaced_and_kept_with_its_wal(path: Path, other: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)
    wal, aside = path.with_name(f"{path.name}-wal"), path.with_name("aside.db")
    wal.write_bytes(b"no WAL either")
    replace_file(other, path, aside)
    assert "another" in contents(path)
    assert aside.read_bytes() == b"no database at all" * 1000
    assert aside.with_name("aside.db-wal").read_bytes() == b"no WAL either"
    assert not wal.exists()


def test_a_missing_database_is_made_from_the_other_one(path: Path, other: Path) -> None:
    path.unlink()
    replace_file(other, path, path.with_name("aside.db"))
    assert "another" in contents(path)
    assert not path.with_name("aside.db").exists()


def test_an_interrupted_replacement_is_finished_by_the_next_one(path: Path, other: Path) -> None:
    before, aside = contents(path), path.with_name(f"{path.name}.replaced-1")
    aside.hardlink_to(path)
    replace_file(other, path, path.with_name(f"{path.name}.replaced-2"))
    assert "another" in contents(path)
    assert not aside.exists()
    assert contents(path.with_name(f"{path.name}.replaced-2")) == before
