"""`readwatch db backup`: a checked copy, or a sentence and no file."""

import json
import os
import stat
import subprocess
import sys
from contextlib import closing
from fcntl import LOCK_EX, flock
from pathlib import Path

import apsw
import pytest
from cli.shell import Shell, log
from conftest import Cast
from reading_app import ReadingApp

from readwatch.domain.audit_chain import read_anchors
from readwatch.domain.clock import Clock
from readwatch.store.audit.heads import current_head
from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path, sqlite_url

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

SMALL_FILES = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (160_000, 160_000))
from readwatch.cli.main import main
main()
"""
TIMES = ["20260101-030000", "20260102-030000", "20260103-030000"]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "monday.db"


@pytest.fixture
def ann(db: Database, cast: Cast, clock: Clock) -> ReadingApp:
    return ReadingApp(db, cast.ann, clock)


def rows(file: Path, table: str) -> list[tuple[object, ...]]:
    db = open_database(sqlite_url(file), Role.OWNER)
    with connection(db):
        found = db.execute_sql(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    close_all(db)
    return list(found)


def files_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_backup_has_all_rows_and_the_entry_that_says_so(
    shell: Shell, cast: Cast, ann: ReadingApp, db: Database, backup: Path
) -> None:
    ann.reads("Dracula")
    ended = shell("db", "backup", str(backup))
    assert (ended.code, ended.err) == (0, "")
    assert f"backed up to {backup}" in ended.out
    assert "4 accounts, 1 activity, 1 entry of the access log" in ended.out
    for table in ("users", "reader_activities", "reader_sessions", "activity_receipts"):
        assert rows(backup, table) == list(db.execute_sql(f"SELECT * FROM {table} ORDER BY 1"))
    assert log(db) == [
        (cast.dora.id, "backed_up_database", None, "cli, to monday.db"),
        (cast.dora.id, "checked_backup", None, "cli, monday.db"),
    ]
    assert [entry[2] for entry in rows(backup, "consultant_access_log")] == ["backed_up_database"]


def test_only_its_owner_can_read_it_and_its_anchor_is_beside_it(
    shell: Shell, backup: Path, cast: Cast
) -> None:
    assert shell("db", "backup", str(backup), "--as", cast.dora.email).code == 0
    assert files_in(backup.parent) == {"monday.db", "monday.db.anchor"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in backup.parent.iterdir()} == {0o600}
    db = open_database(sqlite_url(backup), Role.OWNER)
    with connection(db):
        assert read_anchors(backup.with_name("monday.db.anchor"))[-1].head == current_head(db)
    close_all(db)
    assert shell("audit", "verify", "--anchor", f"{backup}.anchor").code == 0


@pytest.mark.usefixtures("cast")
def test_as_json_it_counts_the_rows_of_all_tables(shell: Shell, backup: Path) -> None:
    report = json.loads(shell("db", "backup", str(backup), "--json").out)
    assert report["file"] == str(backup)
    assert report["size"] == backup.stat().st_size
    assert (report["rows"]["users"], report["rows"]["reader_activities"]) == (4, 0)
    assert report["access_log"]["entries"] == 1


@pytest.mark.usefixtures("cast")
def test_the_newest_backups_of_a_folder_are_kept_and_other_files_stay(
    shell: Shell, backup: Path
) -> None:
    folder = backup.parent
    old = [f"readwatch-{time}.db" for time in TIMES]
    for name in (*old, *(f"{name}.anchor" for name in old), "readwatch-mine.db", "notes.txt"):
        (folder / name).touch()
    ended = shell("db", "backup", "--to", str(folder), "--keep", "2", "--json")
    report = json.loads(ended.out)
    assert report["deleted"] == [str(folder / name) for name in old[:2]]
    new = Path(report["file"]).name
    kept = {old[2], f"{old[2]}.anchor", new, f"{new}.anchor", "readwatch-mine.db", "notes.txt"}
    assert files_in(folder) == kept


@pytest.mark.usefixtures("cast")
def test_the_new_backup_stays_whatever_the_clock_said_before(shell: Shell, backup: Path) -> None:
    folder = backup.parent
    for year in (2030, 2031, 2032):
        (folder / f"readwatch-{year}0101-030000.db").touch()
    (folder / "readwatch-20260101-030000.db").mkdir()
    ended = shell("db", "backup", "--to", str(folder), "--keep", "2", "--json")
    new = Path(json.loads(ended.out)["file"]).name
    assert {name for name in files_in(folder) if name.endswith(".db")} == {
        *("readwatch-20260101-030000.db", "readwatch-20320101-030000.db", new)
    }


@pytest.mark.usefixtures("cast")
def test_a_new_folder_is_for_its_owner_only(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "every" / "night"
    assert shell("db", "backup", "--to", str(folder)).code == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    "arguments", [(), ("x.db", "--to", "y"), ("x.db", "--keep", "2"), ("--keep", "2")]
)
def test_wrong_usage_says_how_it_is_used(shell: Shell, arguments: tuple[str, ...]) -> None:
    ended = shell("db", "backup", *arguments)
    assert ended.code == 2
    assert "name either a new FILE, or a folder: --to FOLDER [--keep N]" in ended.err


def test_an_existing_file_is_not_replaced(
    shell: Shell, cast: Cast, db: Database, backup: Path
) -> None:
    backup.write_text("Sunday's")
    complaint = shell("db", "backup", str(backup), "--as", cast.dora.email).complaint
    assert complaint == f"{backup} already exists; name a new file"
    assert backup.read_text() == "Sunday's"
    assert log(db) == []


def test_an_anchor_of_somebody_else_and_the_files_of_sqlite_are_left_alone(
    shell: Shell, cast: Cast, backup: Path
) -> None:
    mine = backup.with_name("monday.db.anchor")
    mine.write_text("mine")
    complaint = shell("db", "backup", str(backup), "--as", cast.dora.email).complaint
    assert complaint == f"{mine} already exists; name a new file"
    assert mine.read_text() == "mine"
    journal = f"{sqlite_path(shell.url)}-journal"
    complaint = shell("db", "backup", journal, "--as", cast.dora.email).complaint
    assert complaint == f"SQLite uses {journal} for the database; name another file"


@pytest.mark.usefixtures("cast")
def test_a_folder_that_cannot_be_made_is_named(shell: Shell) -> None:
    complaint = shell("db", "backup", "--to", "/proc/backups").complaint
    assert complaint.startswith("/proc/backups cannot be written: ")


@pytest.mark.usefixtures("cast")
def test_one_copy_at_a_time_is_written_to_a_folder(shell: Shell, backup: Path) -> None:
    folder = os.open(backup.parent, os.O_RDONLY)
    flock(folder, LOCK_EX)
    complaint = shell("db", "backup", str(backup)).complaint
    assert (
        complaint == f"another copy is being written to {backup.parent}; wait until it is complete"
    )
    os.close(folder)
    assert shell("db", "backup", str(backup)).code == 0


@pytest.mark.usefixtures("cast")
def test_what_an_interrupted_backup_has_left_is_deleted(shell: Shell, backup: Path) -> None:
    for left in (".readwatch-copy-0123", ".readwatch-copy-0123-journal", ".notes.copying"):
        (backup.parent / left).write_text("half")
    assert shell("db", "backup", str(backup)).code == 0
    assert files_in(backup.parent) == {"monday.db", "monday.db.anchor", ".notes.copying"}


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("page", [22, 30, 41])
@pytest.mark.parametrize("byte", [b"\x00", b"\xff"])
def test_a_damaged_database_is_not_backed_up(
    shell: Shell, backup: Path, page: int, byte: bytes
) -> None:
    path = sqlite_path(shell.url)
    with open(path, "rb+") as file:
        file.seek(4096 * page)
        file.write(byte * 4096 * 3)
    complaint = shell("db", "backup", str(backup)).complaint
    assert "the copy is damaged: SQLite finds" in complaint or "its file is damaged" in complaint
    assert files_in(backup.parent) == set()


@pytest.mark.parametrize(
    ("sql", "defect"),
    [
        (
            "INSERT INTO reader_activities (user_id, activity_type, occurred_at)"
            " VALUES (99, 'page_read', '2026-11-29 03:00:00.000')",
            "1 row refers to rows that do not exist",
        ),
        ("UPDATE consultant_access_log SET ip_address = '10.0.0.8'", "entry 1 was changed"),
    ],
)
def test_a_database_that_is_not_right_is_not_backed_up(
    shell: Shell, cast: Cast, backup: Path, sql: str, defect: str
) -> None:
    assert shell("user", "list").code == 0
    with closing(apsw.Connection(str(sqlite_path(shell.url)))) as connection:
        connection.execute("DROP TRIGGER consultant_access_log_keeps_values")
        connection.execute(sql)
    complaint = shell("db", "backup", str(backup), "--as", cast.dora.email).complaint
    assert complaint.startswith(f"nothing was backed up, because the copy is damaged: {defect}")
    assert files_in(backup.parent) == set()


@pytest.mark.usefixtures("cast")
def test_a_full_disk_leaves_no_file(url: str, backup: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SMALL_FILES, "--database", url, "db", "backup", str(backup)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"readwatch: {backup} cannot be written: ")
    assert files_in(backup.parent) == set()
