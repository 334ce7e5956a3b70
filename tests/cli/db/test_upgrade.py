"""`readwatch db upgrade`: all migrations after a backup, or a sentence and the same database."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from tempfile import TemporaryDirectory

import pexpect
import pytest
from cli.shell import Shell, log
from conftest import ENGINES, StillClock
from older_schema import Rows, add_person, columns_of, fill_oldest, rows_of

from readwatch.store.engine import migrations
from readwatch.store.engine.catalogue import schema_differences
from readwatch.store.engine.connections import (
    Database,
    close_all,
    connection,
    is_sqlite,
    open_database,
)
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import make_sqlite_file, sqlite_path, sqlite_url

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("engine", [ENGINES[1]], indirect=True)

NEXT = 2  # the number of the first migration that the old database lacks

KILLED = """
import os, signal, sys, apsw
from readwatch.cli.main import main
before = int(sys.argv.pop(1))
number = 0
def count(event):
    global number
    number += 1
    if number == before:
        os.kill(os.getpid(), signal.SIGKILL)
def watch(connection):
    connection.trace_v2(apsw.SQLITE_TRACE_STMT, count)
apsw.connection_hooks.append(watch)
try:
    main()
finally:
    print(number, file=sys.stderr)
"""
"""A program that is killed before its Nth statement, and otherwise prints how many it had."""

FULL_DISK = """
import sys, apsw
from readwatch.cli.main import main
pages = int(sys.argv.pop(1))
apsw.connection_hooks.append(lambda connection: connection.pragma("max_page_count", pages))
main()
"""

SMALL_FILES = """
import resource, sys
from readwatch.cli.main import main
size = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
main()
"""

NOBODY = 65534

AS_NOBODY = """
import os, sys
import readwatch.cli.db.group
from readwatch.cli.main import main
if os.geteuid() == 0:
    os.seteuid(int(sys.argv.pop(1)))
else:
    sys.argv.pop(1)
main()
"""


@contextmanager
def owner(url: str) -> Iterator[Database]:
    db = open_database(url, Role.OWNER)
    try:
        with connection(db):
            yield db
    finally:
        close_all(db)


@pytest.fixture
def shell(new_shell: Shell, clock: StillClock) -> Shell:
    """A command line with a database of the first schema, rows in every table, and an admin."""
    if new_shell.url.startswith("sqlite"):
        make_sqlite_file(sqlite_path(new_shell.url))
    with owner(new_shell.url) as db:
        fill_oldest(db, clock())
        add_person(db, "Dora Dyer", "admin", clock())
    return new_shell


def state(url: str, columns: dict[str, str] | None = None) -> tuple[list[int], Rows]:
    """Return the numbers of the applied migrations, and all rows except those of the log."""
    with owner(url) as db:
        rows = rows_of(db, columns or columns_of(db))
        del rows["consultant_access_log"]
        return [done.number for done in migrations.history(db)], rows


def columns_in(url: str) -> dict[str, str]:
    with owner(url) as db:
        return columns_of(db)


def newest(url: str) -> int:
    with owner(url) as db:
        return migrations.available_migrations(db)[-1].number


def assert_upgraded(shell: Shell, columns: dict[str, str], rows: Rows) -> None:
    with owner(shell.url) as db:
        migrations.require_current(db)
        assert schema_differences(db) == ()
    assert state(shell.url, columns)[1] == rows
    assert shell("audit", "verify").code == 0


def backups_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("readwatch-schema-1-*.db"))


def test_a_dry_run_says_what_an_upgrade_would_do_and_does_nothing(shell: Shell) -> None:
    before = state(shell.url)
    ended = shell("db", "upgrade", "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    first, *middle, backup, last = ended.out.splitlines()
    assert first.startswith("the database has schema 1 (initial), this program ")
    assert middle[0] == "  2 login_index: consultant_access_log, about 1 row"
    assert middle[3] == "  5 archived_totals: no rows that exist"
    assert len(middle) == newest(shell.url) - 1
    sqlite = shell.url.startswith("sqlite")
    assert ("a checked backup is written" if sqlite else "no backup is made here") in backup
    assert last.startswith("services and consoles that run write nothing from then on")
    assert state(shell.url) == before

    report = json.loads(shell("db", "upgrade", "--dry-run", "--json").out)
    assert (report["dry_run"], report["schema"], report["applied"]) == (True, 1, [])
    assert report["migrations"][0] == {
        "number": NEXT,
        "name": "login_index",
        "rows": {"consultant_access_log": 1},
    }
    assert state(shell.url) == before


def test_an_upgrade_keeps_every_row_and_is_in_the_log(shell: Shell) -> None:
    columns, (_, rows) = columns_in(shell.url), state(shell.url)
    ended = shell("db", "upgrade", "--yes")
    assert (ended.code, ended.err) == (0, "")
    applied = [line for line in ended.out.splitlines() if line.startswith("applied schema ")]
    assert applied[0] == "applied schema 2 (login_index)"
    assert len(applied) == newest(shell.url) - 1
    with owner(shell.url) as db:
        actions = [entry[1:] for entry in log(db)][1:]
        upgraded = f"cli, schema 1 to {newest(shell.url)}"
        assert actions[-1] == ("upgraded_database", None, upgraded)
        expected = ["backed_up_database", "checked_backup"] if is_sqlite(db) else []
        assert [action for action, *_ in actions[:-1]] == expected
    assert_upgraded(shell, columns, rows)
    again = shell("db", "upgrade")
    assert (again.code, again.err) == (0, "")
    assert again.out.endswith("that of this program; there is nothing to do\n")


@on_sqlite
def test_the_backup_beside_the_database_is_the_database_before(shell: Shell) -> None:
    before, folder = state(shell.url), sqlite_path(shell.url).parent
    report = json.loads(shell("db", "upgrade", "--yes", "--json").out)
    [backup] = backups_in(folder)
    assert report["backup"]["file"] == str(backup)
    assert report["applied"] == [each["number"] for each in report["migrations"]]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert Path(f"{backup}.anchor").exists()
    assert state(sqlite_url(backup)) == before
    restored = shell("db", "restore", str(backup), "--yes")
    assert restored.code == 0, "and this version can restore it"


@on_sqlite
def test_the_backup_can_be_in_another_folder(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "away" / "backups"
    assert shell("db", "upgrade", "--yes", "--backup-to", str(folder)).code == 0
    assert len(backups_in(folder)) == 1
    assert backups_in(sqlite_path(shell.url).parent) == []


@on_sqlite
def test_who_has_a_backup_can_do_without_another_one(shell: Shell, tmp_path: Path) -> None:
    with owner(shell.url) as db:  # such a copy would be refused as damaged
        db.execute_sql("DROP TRIGGER consultant_access_log_keeps_values")
        db.execute_sql("UPDATE consultant_access_log SET ip_address = '10.0.0.8'")
    ended = shell("db", "upgrade", "--yes")
    assert "there is no backup: nothing was backed up, because the copy is damaged" in ended.err
    assert shell("db", "upgrade", "--yes", "--no-backup").code == 0
    assert backups_in(tmp_path) == []
    with owner(shell.url) as db:
        migrations.require_current(db)


@on_sqlite
def test_a_backup_that_cannot_be_written_leaves_the_database_as_it_is(shell: Shell) -> None:
    before = state(shell.url)
    ended = shell("db", "upgrade", "--yes", "--backup-to", "/proc/backups")
    assert ended.code == 1
    assert "nothing was upgraded, because there is no backup: /proc/backups cannot" in ended.err
    assert ended.err.endswith("; --backup-to names another folder\n")
    assert state(shell.url) == before


def test_without_a_terminal_and_without_yes_nothing_is_done(shell: Shell) -> None:
    before = state(shell.url)
    ended = shell("db", "upgrade")
    assert ended.code == 1
    assert ended.err == "readwatch: there is no terminal to ask on; use --yes\n"
    assert state(shell.url) == before
    with owner(shell.url) as db:
        assert len(log(db)) == 1


# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_on_a_terminal_it_asks_and_no_is_no(shell: Shell) -> None:
    before, number = state(shell.url), newest(shell.url)
    for answer, code in (("n", 1), ("y", 0)):
        with pexpect.spawn(
            sys.executable,
            ["-m", "readwatch", "--database", shell.url, "db", "upgrade"],
            encoding="utf-8",
            timeout=60,
            dimensions=(40, 200),
        ) as terminal:
            terminal.expect(r"(upgrade the database now|shall the upgrade begin)\? \[y/N\]: ")
            assert state(shell.url) == before, "nothing is changed before the answer"
            terminal.sendline(answer)
            terminal.expect(pexpect.EOF)
            printed = terminal.before
        assert terminal.exitstatus == code, printed
        assert ("nothing was changed" in printed) == (answer == "n")
        assert (f"applied schema {number} " in printed) == (answer == "y")


def test_a_newer_database_and_one_without_a_schema_are_refused(shell: Shell) -> None:
    with owner(shell.url) as db:
        db.execute_sql("DELETE FROM schema_history")
    assert shell("db", "upgrade").complaint.endswith("an admin runs: readwatch init")
    with owner(shell.url) as db:
        for number in range(1, newest(shell.url) + 2):
            db.execute_sql(
                "INSERT INTO schema_history (number, name, checksum)"
                f" VALUES ({number}, 'future', 'x')"
            )
    complaint = shell("db", "upgrade", "--yes").complaint
    assert complaint.startswith("upgrade readwatch: the database has schema")
    assert complaint.endswith(
        "to go back to this version, restore the backup from before the upgrade"
    )


@on_sqlite
def test_a_database_that_does_not_exist_is_not_created(new_shell: Shell) -> None:
    assert "there is no database at" in new_shell("db", "upgrade", "--yes").complaint
    assert not sqlite_path(new_shell.url).exists()


def test_who_upgrades_is_an_admin_and_is_named_if_there_are_several(
    shell: Shell, clock: StillClock
) -> None:
    with owner(shell.url) as db:
        add_person(db, "Eve Early", "admin", clock())
    before = state(shell.url)
    ended = shell("db", "upgrade", "--yes")
    assert (ended.code, "there are several admins" in ended.err) == (1, True)
    assert state(shell.url) == before
    assert shell("db", "upgrade", "--yes", "--as", "eve@example.org").code == 0


def test_every_command_names_the_upgrade(shell: Shell) -> None:
    for words in (["user", "list"], ["db", "health"], ["serve"]):
        complaint = shell(*words).complaint
        assert complaint == "the database needs an upgrade; an admin runs: readwatch db upgrade"


def test_init_upgrades_an_older_database_in_the_same_way(shell: Shell) -> None:
    columns, (_, rows) = columns_in(shell.url), state(shell.url)
    refused = shell("init")
    assert refused.err == "readwatch: there is no terminal to ask on; use --yes\n"
    ended = shell("init", "--yes")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == f"ready: {shell.url}"
    assert_upgraded(shell, columns, rows)
    if shell.url.startswith("sqlite"):
        assert len(backups_in(sqlite_path(shell.url).parent)) == 1
    assert shell("init").out == f"ready: {shell.url}\n"


# Interruptions and faults -----------------------------------------------------------------------


def run(program: str, number: int, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, str(number), "--database", url]
    return subprocess.run(
        [*command, "db", "upgrade", "--yes", *options], capture_output=True, text=True, check=False
    )


@on_sqlite
def test_killed_at_any_step_the_next_run_completes_the_upgrade(
    shell: Shell, tmp_path: Path
) -> None:
    path = sqlite_path(shell.url)
    content = path.read_bytes()
    columns, (_, rows) = columns_in(shell.url), state(shell.url)
    total = int(run(KILLED, 0, shell.url).stderr)
    assert total > 50
    for number in range(1, total + 1, total // 8):
        for file in tmp_path.glob("readwatch*"):
            file.unlink()
        path.write_bytes(content)
        assert run(KILLED, number, shell.url).returncode == -signal.SIGKILL
        assert shell("db", "upgrade", "--yes").code == 0, f"killed before statement {number}"
        assert_upgraded(shell, columns, rows)
        assert list(tmp_path.glob(".readwatch-copy-*")) == []


@on_sqlite
def test_a_disk_that_is_full_during_a_migration_changes_nothing_of_it(shell: Shell) -> None:
    with owner(shell.url) as db:
        pages = db.execute_sql("PRAGMA page_count").fetchone()[0]
    columns, (_, rows) = columns_in(shell.url), state(shell.url)
    ended = run(FULL_DISK, pages + 1, shell.url)
    assert ended.returncode == 1
    assert ended.stderr.startswith("readwatch: migration 00")
    assert ended.stderr.endswith("changed nothing: the disk of the database is full\n")
    assert "backed up to" in ended.stdout
    done, after = state(shell.url, columns)
    assert done == list(range(1, len(done) + 1))
    assert len(done) < newest(shell.url)
    assert after == rows
    assert shell("db", "upgrade", "--yes").code == 0
    assert_upgraded(shell, columns, rows)


@on_sqlite
def test_a_disk_that_is_full_during_the_backup_changes_nothing(
    shell: Shell, tmp_path: Path
) -> None:
    before = state(shell.url)
    ended = run(SMALL_FILES, 100_000, shell.url, "--backup-to", str(tmp_path / "backups"))
    assert ended.returncode == 1
    assert ended.stderr.startswith("readwatch: nothing was upgraded, because there is no backup: ")
    assert list((tmp_path / "backups").iterdir()) == []
    assert state(shell.url) == before


@on_sqlite
def test_in_a_folder_that_is_read_only_nothing_is_upgraded(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    with TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "readwatch.db"
        shutil.copy(sqlite_path(shell.url), path)
        before = state(sqlite_url(path))
        if os.geteuid() == 0:
            os.chown(path, NOBODY, -1)
        folder.chmod(0o555)
        ended = run(AS_NOBODY, NOBODY, sqlite_url(path))
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("readwatch: the database cannot be ")
        assert "permissions" in ended.stderr
        folder.chmod(0o700)
        assert state(sqlite_url(path)) == before


@on_sqlite
def test_one_upgrade_at_a_time_makes_its_backup_in_a_folder(shell: Shell) -> None:
    before, folder = state(shell.url), sqlite_path(shell.url).parent
    lock = os.open(folder, os.O_RDONLY)
    flock(lock, LOCK_EX)
    ended = shell("db", "upgrade", "--yes")
    assert (ended.code, "another copy is being written" in ended.err) == (1, True)
    assert state(shell.url) == before
    os.close(lock)
    assert shell("db", "upgrade", "--yes").code == 0


def test_two_upgrades_at_once_apply_each_migration_once(shell: Shell, tmp_path: Path) -> None:
    columns, (_, rows) = columns_in(shell.url), state(shell.url)
    command = [sys.executable, "-m", "readwatch", "--database", shell.url, "db", "upgrade", "--yes"]
    both = [
        subprocess.Popen(
            [*command, "--backup-to", str(tmp_path / name)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    ends = [(each.communicate(timeout=60), each.returncode) for each in both]
    assert [code for _, code in ends] == [0, 0], ends
    applied = sum(out.count("applied schema ") for (out, _), _ in ends)
    assert applied == newest(shell.url) - 1
    assert_upgraded(shell, columns, rows)


@on_postgresql
def test_on_postgresql_an_interrupted_upgrade_gets_its_grants_with_the_next_run(
    shell: Shell,
) -> None:
    with owner(shell.url) as db:
        migrations.upgrade(db, migrations.available_migrations(db))
    assert migrations.unenforced_privileges(shell.url) != ()
    assert shell("db", "upgrade").code == 0
    assert migrations.unenforced_privileges(shell.url) == ()
