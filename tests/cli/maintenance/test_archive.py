"""`readwatch maintenance archive`: what it moves, asks, refuses and prints."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pexpect
import pytest
from cli.old_history import OLD, OldHistory, archive, archived_users
from cli.shell import Shell, log
from conftest import Cast, StillClock
from reading_app import ReadingApp

from readwatch.domain.clock import system_clock
from readwatch.store.engine.connections import Database, connection
from readwatch.store.engine.exclusive import exclusive_maintenance
from readwatch.store.lifecycle import archiving

PAGE = Path(__file__).parents[3] / "docs" / "retention.md"
# The disk is full from the moment at which the draft is opened.
FULL_DISK = """
import resource
import sys
def fill(event, arguments):
    if event == "open" and ".readwatch-copy-" in str(arguments[0]):
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))
sys.addaudithook(fill)
from readwatch.cli.main import main
main()
"""

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def number_in_database(db: Database) -> int:
    (number,) = db.execute_sql("SELECT count(*) FROM reader_activities").fetchone()
    return int(number)


def test_old_activities_are_moved_and_this_is_logged_first(
    shell: Shell, cast: Cast, db: Database, old_history: OldHistory
) -> None:
    out = archive(shell, old_history)
    assert out.startswith(f"moved {old_history.archived} activities that arrived before ")
    assert " to 1 file, " in out
    assert number_in_database(db) == 2
    assert archived_users(old_history.folder) == {cast.ann.id: OLD, cast.ben.id: OLD - 1}
    assert old_history.folder.stat().st_mode & 0o777 == 0o700
    assert log(db) == [
        (cast.dora.id, "archived_activities", None, "cli, older than 1y, to archive")
    ]
    assert shell("db", "health").code == 0
    assert "nothing was changed" in shell("db", "rebuild").out
    again = archive(shell, old_history)
    assert again.startswith("nothing to archive: no more activities arrived before ")
    assert len(log(db)) == 2, "the rebuild, and no second archive"


def test_the_totals_on_the_screens_are_what_they_were(
    shell: Shell, cast: Cast, old_history: OldHistory
) -> None:
    def totals() -> object:
        readers = json.loads(shell("export", "readers", "--format", "jsonl").out.splitlines()[0])
        once = shell("console", "--once", "--json", "--view", "readers", "--as", cast.dora.email)
        return readers, once.code

    before = totals()
    archive(shell, old_history)
    assert totals() == before


def test_what_needs_archived_activities_says_so(
    shell: Shell, cast: Cast, old_history: OldHistory
) -> None:
    week = (system_clock() - timedelta(days=399)).date().isoformat()
    for words in (("export", "activities"), ("report", "week", "--text", "--week", week)):
        assert shell(*words).err == ""
    archive(shell, old_history)
    today = system_clock().date().isoformat()
    ended = shell("export", "activities")
    assert (ended.code, ended.err.endswith(" are in the archive instead\n")) == (0, True)
    assert len(ended.out.splitlines()) == 3
    assert shell("export", "activities", "--since", today).err == ""
    complaint = shell("report", "week", "--text", "--week", week).complaint
    assert " were archived, and the report about the week " in complaint
    assert shell("report", "week", "--text", "--week", today).code == 0


def test_as_json_it_names_each_file(shell: Shell, db: Database, old_history: OldHistory) -> None:
    report = json.loads(archive(shell, old_history, "--json"))
    (file,) = report["files"]
    assert report["activities"] == file["activities"] == old_history.archived
    assert Path(file["file"]).stat().st_size == file["size"]
    assert (report["folder"], report["unlisted"]) == (str(old_history.folder), [])


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "give --older-than AGE and --to FOLDER, or --verify"),
        (("--older-than", "1y"), "give --older-than AGE and --to FOLDER, or --verify"),
        (("--to", "x"), "give --older-than AGE and --to FOLDER, or --verify"),
        (("--verify", "--to", "x"), "give --older-than AGE and --to FOLDER, or --verify"),
        (("--older-than", "soon", "--to", "x"), "'soon' is not an age such as 1y, 18mo, 12w or"),
    ],
)
def test_wrong_usage_says_how_it_is_used(
    shell: Shell, arguments: tuple[str, ...], complaint: str
) -> None:
    ended = shell("maintenance", "archive", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err


def test_what_screens_and_retries_need_cannot_be_archived(
    shell: Shell, db: Database, old_history: OldHistory
) -> None:
    complaint = shell(
        "maintenance", "archive", "--older-than", "12w", "--to", str(old_history.folder), "--yes"
    ).complaint
    assert complaint == (
        "12w is too short: at least 90 days; retries and reports need the younger activities"
    )
    assert not old_history.folder.exists()
    assert log(db) == []


def test_a_clock_that_is_years_ahead_archives_nothing(
    shell: Shell, db: Database, old_history: OldHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = system_clock().replace(year=system_clock().year + 3, day=1)
    monkeypatch.setattr("readwatch.cli.maintenance.archive.system_clock", lambda: future)
    arguments = ("--older-than", "1y", "--to", str(old_history.folder), "--yes")
    complaint = shell("maintenance", "archive", *arguments).complaint
    assert complaint.startswith("no activity has arrived since ")
    assert complaint.endswith("check the clock of this machine")
    assert (number_in_database(db), log(db)) == (2 * OLD + 1, [])


def test_a_clock_that_is_years_late_archives_nothing(
    shell: Shell, db: Database, old_history: OldHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = system_clock().replace(year=system_clock().year - 3, day=1)
    monkeypatch.setattr("readwatch.cli.maintenance.archive.system_clock", lambda: past)
    assert archive(shell, old_history).startswith("nothing to archive")
    assert (number_in_database(db), log(db)) == (2 * OLD + 1, [])


def test_without_a_terminal_and_without_yes_nothing_is_done(
    shell: Shell, db: Database, old_history: OldHistory
) -> None:
    refused = shell("maintenance", "archive", "--older-than", "1y", "--to", str(old_history.folder))
    assert refused.complaint == "there is no terminal to ask on; use --yes"
    assert (log(db), old_history.folder.exists()) == ([], False)


# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@on_sqlite
def test_on_a_terminal_it_asks_and_no_is_no(
    shell: Shell, db: Database, old_history: OldHistory
) -> None:
    for answer, left in (("n", 2 * OLD + 1), ("y", 2)):
        asking = pexpect.spawn(
            sys.executable,
            [
                *("-m", "readwatch", "--database", shell.url, "maintenance", "archive"),
                *("--older-than", "1y", "--to", str(old_history.folder)),
            ],
            encoding="utf-8",
            timeout=30,
            dimensions=(24, 200),
        )
        asking.expect(f"Move {old_history.archived} activities that arrived before")
        asking.sendline(answer)
        asking.expect(pexpect.EOF)
        asking.close()
        assert asking.exitstatus == (answer == "n")
        assert number_in_database(db) == left


def test_while_another_maintenance_command_runs_it_is_refused(
    shell: Shell, db: Database, old_history: OldHistory
) -> None:
    with connection(db), exclusive_maintenance(db):
        for words in (
            ("maintenance", "archive", "--older-than=1y", f"--to={old_history.folder}", "--yes"),
            ("user", "erase", "ann@example.org", "--yes"),
            ("user", "export", "ann@example.org", f"--output={old_history.folder}.zip"),
        ):
            assert shell(*words).complaint.startswith("another command archives, purges, exports")
    assert log(db) == []
    assert number_in_database(db) == 2 * OLD + 1


def test_a_folder_that_cannot_be_written_is_named_and_nothing_is_lost(
    shell: Shell, db: Database, old_history: OldHistory
) -> None:
    ended = shell("maintenance", "archive", "--older-than=1y", "--to=/proc/archive", "--yes")
    assert ended.complaint.startswith("/proc/archive cannot be written: ")
    ended = shell("maintenance", "archive", "--older-than=1y", "--to=/proc", "--yes")
    assert re.match(r"/proc/activities-\S+ cannot be written: ", ended.complaint)
    assert number_in_database(db) == 2 * OLD + 1
    assert archive(shell, old_history).startswith(f"moved {old_history.archived} activities")


def test_a_folder_whose_name_is_no_text_is_refused(
    shell: Shell, db: Database, old_history: OldHistory
) -> None:
    folder = f"{old_history.folder}\udcff"  # as Python reads a byte that is not UTF-8
    arguments = ("--older-than", "1y", "--to", folder, "--yes")
    complaint = shell("maintenance", "archive", *arguments).complaint
    assert complaint.endswith(" is not UTF-8; use a folder with another name")
    assert log(db) == []


@on_sqlite
def test_a_full_disk_leaves_no_file_and_loses_nothing(
    shell: Shell, db: Database, old_history: OldHistory
) -> None:
    command = ["maintenance", "archive", "--older-than=1y", f"--to={old_history.folder}", "--yes"]
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, "--database", shell.url, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.match(r"readwatch: \S+activities-\S+ cannot be written: ", ended.stderr)
    assert number_in_database(db) == 2 * OLD + 1
    assert list(old_history.folder.iterdir()) == []
    assert archive(shell, old_history).startswith(f"moved {old_history.archived} activities")
    assert shell("db", "health").code == 0


@on_sqlite
def test_a_full_disk_during_an_erasure_leaves_the_old_file_and_a_second_run_ends_it(
    shell: Shell, cast: Cast, old_history: OldHistory
) -> None:
    archive(shell, old_history)
    (file,) = old_history.folder.glob("activities-*")
    before = file.read_bytes()
    command = ["user", "erase", "ann@example.org", "--yes"]
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, "--database", shell.url, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"readwatch: {file} cannot be written: ")
    assert file.read_bytes() == before
    assert shell("user", "erase", "ann@example.org", "--yes").code == 0
    assert archived_users(old_history.folder) == {cast.ben.id: OLD - 1}


def test_files_of_others_are_named_and_left_alone(
    shell: Shell, db: Database, old_history: OldHistory
) -> None:
    old_history.folder.mkdir()
    theirs = old_history.folder / "activities-2020-01-000000000001.jsonl.gz"
    theirs.write_bytes(b"theirs")
    out = archive(shell, old_history)
    assert out.splitlines()[-1] == (
        f"{theirs} was left alone: it has activities that this database does not have"
    )
    assert theirs.read_bytes() == b"theirs"


# Verify -----------------------------------------------------------------------------------------


def test_verify_finds_what_is_missing_damaged_or_not_listed(
    shell: Shell, db: Database, old_history: OldHistory, tmp_path: Path
) -> None:
    assert shell("maintenance", "archive", "--verify").out == (
        "0 files with 0 activities: all are as they were written\n"
    )
    archive(shell, old_history)
    ended = shell("maintenance", "archive", "--verify")
    assert (ended.code, ended.out) == (
        0,
        f"1 file with {old_history.archived} activities: all are as they were written\n",
    )
    (file,) = old_history.folder.glob("activities-*")
    (old_history.folder / "manifest.json").unlink()
    copy = file.with_name("activities-2020-01-000000000001.jsonl.gz")
    shutil.copy(file, copy)
    with open(file, "rb+") as binary:
        binary.seek(30)
        binary.write(b"damage")
    ended = shell("maintenance", "archive", "--verify", "--json")
    assert ended.code == 1
    assert json.loads(ended.out)["findings"] == [
        f"{file} is damaged; replace it by a copy",
        f"{old_history.folder} has no manifest; the next archive writes it again",
        f"{copy} is not listed; the next archive takes it over if the database has all its "
        "activities",
    ]
    copy.replace(file)
    archive(shell, old_history)
    assert shell("maintenance", "archive", "--verify").code == 0
    moved = tmp_path / "moved"
    old_history.folder.rename(moved)
    assert shell("maintenance", "archive", "--verify").out == f"{file} is not there\n"
    assert shell("maintenance", "archive", "--verify", f"--archives={moved}").code == 0


# The files for other programs -------------------------------------------------------------------


def python_of_the_page() -> str:
    """The program of the page that reads the files with sqlite3."""
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (program,) = (text for text in programs if "import sqlite3" in text)
    return str(program)


def test_the_sqlite3_program_of_the_page_reads_all_files(
    shell: Shell,
    cast: Cast,
    old_history: OldHistory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archiving, "FILE_ROWS", 10)
    archive(shell, old_history)
    assert len([*old_history.folder.glob("activities-*")]) == 6
    monkeypatch.chdir(old_history.folder)
    subprocess.run([sys.executable, "-c", python_of_the_page()], check=True)
    db = sqlite3.connect("archive.db")
    by_user = db.execute(
        "SELECT user_id, count(*), sum(duration_seconds), min(created_at) FROM activities"
        " GROUP BY user_id ORDER BY user_id"
    ).fetchall()
    db.close()
    assert [row[:3] for row in by_user] == [
        (cast.ann.id, OLD, OLD * 45),
        (cast.ben.id, OLD - 1, (OLD - 1) * 45),
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", by_user[0][3])


# Erasure and exports ----------------------------------------------------------------------------


def test_an_erasure_reaches_the_archives(
    shell: Shell, cast: Cast, db: Database, old_history: OldHistory
) -> None:
    archive(shell, old_history)
    ended = shell("user", "erase", "ann@example.org", "--yes")
    assert (ended.code, ended.err) == (0, "")
    assert f"archived_activities {OLD} 0" in " ".join(ended.out.split())
    assert archived_users(old_history.folder) == {cast.ben.id: OLD - 1}
    assert shell("maintenance", "archive", "--verify").code == 0
    manifest = json.loads((old_history.folder / "manifest.json").read_text())
    assert [file["activities"] for file in manifest["files"]] == [OLD - 1]
    assert shell("db", "health").code == 0


def test_an_erasure_reaches_files_and_drafts_that_an_interrupted_archive_has_left(
    shell: Shell, cast: Cast, db: Database, old_history: OldHistory
) -> None:
    archive(shell, old_history)
    (file,) = old_history.folder.glob("activities-*")
    draft = old_history.folder / ".readwatch-copy-0123"
    shutil.copy(file, draft)
    shutil.copy(file, file.with_name("activities-2020-01-000000000001.jsonl.gz"))
    report = json.loads(shell("user", "erase", "ann@example.org", "--yes", "--json").out)
    assert report["before"]["archived_activities"] == 2 * OLD
    assert report["left"]["archived_activities"] == 0
    assert archived_users(old_history.folder) == {cast.ben.id: 2 * (OLD - 1)}
    assert not draft.exists()


def test_without_its_archives_nobody_is_erased_or_exported_before_it_is_said_where_they_are(
    shell: Shell, cast: Cast, db: Database, old_history: OldHistory, tmp_path: Path
) -> None:
    archive(shell, old_history)
    entries, moved = len(log(db)), tmp_path / "moved"
    old_history.folder.rename(moved)
    assert "1 file of an archive is not there, such as " in shell("doctor").out
    file = str(tmp_path / "ann.zip")
    for words in (
        ("user", "erase", "ann@example.org", "--yes"),
        ("user", "export", "ann@example.org", "--output", file),
    ):
        complaint = shell(*words).complaint
        assert f" is not in {old_history.folder}; make the folder available, " in complaint
        assert "--archives FOLDER" in complaint
    assert len(log(db)) == entries
    out = shell("user", "export", "ann@example.org", "--output", file, f"--archives={moved}").out
    assert f"archived_activities: {OLD}\n" in out
    ended = shell("user", "erase", "ann@example.org", "--yes", f"--archives={moved}")
    assert ended.code == 0
    assert archived_users(moved) == {cast.ben.id: OLD - 1}
    assert shell("maintenance", "archive", "--verify").code == 0, "the new folder is noted"
    assert " of an archive" not in shell("doctor").out


@pytest.mark.parametrize(
    "words",
    [
        ("user", "erase", "ann@example.org", "--yes"),
        ("user", "export", "ann@example.org", "--output", "ann.zip"),
        ("maintenance", "archive", "--verify"),
        ("maintenance", "archive", "--older-than=1y", "--to=new", "--yes"),
    ],
)
def test_a_folder_of_another_database_is_not_taken_for_a_moved_one(
    shell: Shell,
    db: Database,
    old_history: OldHistory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    archive(shell, old_history)
    other = old_history.folder.rename(tmp_path / "other")
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["database"] = "created 2020-01-01T00:00:00.000+00:00"
    (other / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.chdir(tmp_path)
    complaint = shell(*words, f"--archives={other}").complaint
    assert complaint == f"{other} has the archives of another database; name another folder"
    assert [entry[1] for entry in log(db)] == ["archived_activities"]


def test_archives_that_are_gone_need_an_option_and_are_logged(
    shell: Shell, cast: Cast, db: Database, old_history: OldHistory
) -> None:
    archive(shell, old_history)
    shutil.rmtree(old_history.folder)
    assert "--archives-gone" in shell("user", "erase", "ann@example.org", "--yes").complaint
    assert shell("user", "erase", "ann@example.org", "--yes", "--archives-gone").code == 0
    archive(shell, old_history, "--archives-gone")
    assert log(db)[-1] == (cast.dora.id, "archived_activities", None, "cli, 1 archive is gone")
    assert shell("maintenance", "archive", "--verify").code == 0


def test_a_damaged_archive_stops_an_erasure_before_anything_is_changed(
    shell: Shell, cast: Cast, db: Database, old_history: OldHistory
) -> None:
    archive(shell, old_history)
    (file,) = old_history.folder.glob("activities-*")
    file.write_bytes(b"damage")
    complaint = shell("user", "erase", "ann@example.org", "--yes").complaint
    assert complaint == f"{file} is damaged; replace it by a copy"
    assert [entry[1] for entry in log(db)] == ["archived_activities"]
    assert shell("user", "show", "ann@example.org").code == 0


@on_sqlite
def test_a_restore_erases_people_again_from_archives_that_were_brought_back(
    shell: Shell, cast: Cast, db: Database, old_history: OldHistory, tmp_path: Path
) -> None:
    early, late = tmp_path / "early.db", tmp_path / "late.db"
    assert shell("db", "backup", str(early)).code == 0
    archive(shell, old_history)
    assert shell("db", "backup", str(late)).code == 0
    copy = tmp_path / "copy of the archive"
    shutil.copytree(old_history.folder, copy)
    assert shell("user", "erase", "ann@example.org", "--yes").code == 0
    db.close()
    for backup in (late, early):
        shutil.rmtree(old_history.folder)
        shutil.copytree(copy, old_history.folder)
        ended = shell("db", "restore", str(backup), "--yes")
        assert (ended.code, ended.err) == (0, "")
        assert "erased again: account 1\n" in ended.out
        assert archived_users(old_history.folder) == {cast.ben.id: OLD - 1}
    db.connect()
    ReadingApp(db, cast.ben, system_clock).reads("Momo")
    archive(shell, old_history)
    assert archived_users(old_history.folder) == {cast.ben.id: OLD}
    assert shell("maintenance", "archive", "--verify").code == 0
    assert shell("db", "health").code == 0


@on_sqlite
@pytest.mark.parametrize("then", ["an erasure", "a move"])
def test_after_a_restore_the_files_are_still_known_as_they_were_erased_since(
    shell: Shell,
    cast: Cast,
    db: Database,
    old_history: OldHistory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    then: str,
) -> None:
    monkeypatch.setattr(archiving, "FILE_ROWS", 1)
    archive(shell, old_history)
    assert shell("db", "backup", str(tmp_path / "backup.db")).code == 0
    assert shell("user", "erase", "ann@example.org", "--yes").code == 0
    db.close()
    assert shell("db", "restore", str(tmp_path / "backup.db"), "--yes").code == 0
    if then == "an erasure":
        assert shell("user", "erase", "ben@example.org", "--yes").code == 0
    else:
        moved = old_history.folder.rename(tmp_path / "moved")
        archive(shell, OldHistory(moved), f"--archives={moved}")
    verified = shell("maintenance", "archive", "--verify")
    assert verified.out.endswith("all are as they were written\n")
    assert verified.code == 0


@on_sqlite
def test_files_that_a_restored_database_does_not_list_are_named_and_an_erasure_can_reach_them(
    shell: Shell, cast: Cast, db: Database, old_history: OldHistory, tmp_path: Path
) -> None:
    early, folder = tmp_path / "early.db", old_history.folder
    assert shell("db", "backup", str(early)).code == 0
    archive(shell, old_history)
    db.close()
    restored = shell("db", "restore", str(early), "--yes")
    assert (
        f"{folder} has archives that this backup does not list; before you erase anybody, archive "
        "to this folder again\n"
    ) in restored.out
    erased = shell("user", "erase", "ann@example.org", "--yes", f"--archives={folder}")
    assert f"archived_activities {OLD} 0" in " ".join(erased.out.split())
    assert archived_users(folder) == {cast.ben.id: OLD - 1}
    db.connect()
    ReadingApp(db, cast.ben, system_clock).reads("Momo")
    archive(shell, old_history)
    assert archived_users(folder) == {cast.ben.id: OLD}, "the file was taken over"


@on_sqlite
def test_after_a_restore_without_the_archives_it_says_what_to_do(
    shell: Shell, cast: Cast, db: Database, old_history: OldHistory, tmp_path: Path
) -> None:
    archive(shell, old_history)
    assert shell("db", "backup", str(tmp_path / "backup.db")).code == 0
    assert shell("user", "erase", "ann@example.org", "--yes").code == 0
    db.close()
    shutil.rmtree(old_history.folder)
    ended = shell("db", "restore", str(tmp_path / "backup.db"), "--yes")
    assert ended.code == 0
    assert "is not there: erase these accounts again later" in ended.out


def test_an_export_of_a_person_has_the_archived_activities_once(
    shell: Shell,
    cast: Cast,
    db: Database,
    old_history: OldHistory,
    clock: StillClock,
    tmp_path: Path,
) -> None:
    archive(shell, old_history)
    out = shell("user", "export", "ann@example.org", "--output", str(tmp_path / "a.zip")).out
    assert "activities: 1\n" in out
    assert f"archived_activities: {OLD}\n" in out
    assert log(db)[-1] == (cast.dora.id, "exported_user", cast.ann.id, "cli, zip")
    ReadingApp(db, cast.ben, clock).reads("Momo")
    db.execute_sql("UPDATE activity_archives SET moved_at = NULL")
    db.execute_sql(f"UPDATE reader_activities SET id = 1 WHERE user_id = {cast.ann.id}")
    out = shell("user", "export", "ann@example.org", "--output", str(tmp_path / "b.zip")).out
    assert f"archived_activities: {OLD - 1}\n" in out, "one is still in the database"
