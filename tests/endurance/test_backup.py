"""Backups under load and restores, killed at any moment: the rows are compared one by one."""

import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from conftest import Cast
from endurance.length import short_and_long
from endurance.test_kill import Crowd, a_port
from endurance.truth import assert_healthy, assert_no_fault, events_kept
from ingest.api import fetch_all
from ingest.process import TIMEOUT, serving
from tui.real_terminal import READWATCH

from readwatch.store.engine.connections import close_all, connection, open_database
from readwatch.store.engine.privileges import TABLES, Role
from readwatch.store.engine.sqlite import sqlite_url

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

Rows = dict[str, list[tuple[object, ...]]]

NEVER_CHANGED = ("activity_receipts", "consultant_access_log", "reader_activities", "users")
FORGOTTEN = {"consultant_access_log", "reader_sessions", "resume_tokens", "staff_sessions"}


def command(url: str, *words: str) -> list[str]:
    return [*READWATCH, "--database", url, "db", *words]


def run(url: str, *words: str) -> str:
    ended = subprocess.run(
        command(url, *words), capture_output=True, text=True, check=False, timeout=TIMEOUT
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def rows_in(url: str) -> Rows:
    """Return the rows of all tables of a database, which must be healthy."""
    db = open_database(url, Role.OWNER)
    with connection(db):
        tables = [name for (name,) in fetch_all(db, "SELECT name FROM sqlite_master")]
        rows = {
            table: fetch_all(db, f"SELECT * FROM {table} ORDER BY 1, 2")
            for table in sorted(set(tables) & set(TABLES))
        }
        events_kept(db)
        assert_healthy(db)
    close_all(db)
    return rows


@short_and_long("rounds", 1, 100)
def test_a_backup_under_load_has_what_was_acknowledged_and_is_restored_row_by_row(
    url: str,
    cast: Cast,
    tmp_path: Path,
    rng: Random,
    rounds: int,
    proved: Callable[[str], None],
) -> None:
    port = a_port(rng)
    backup = tmp_path / "backup.db"
    with Crowd(port, rng) as crowd, serving(url, port) as server:
        crowd.start()
        for _ in range(rounds):
            remove(backup)
            acknowledged = dict(crowd.told.activities)
            run(url, "backup", str(backup))
            crowd.check()
            saved = rows_in(sqlite_url(backup))
            assert acknowledged.items() <= events(saved).items()
        crowd.finish()
        code, _, log = server.stop()
    assert code == 0
    assert_no_fault(log)

    live = rows_in(url)
    for table in NEVER_CHANGED:
        assert set(saved[table]) <= set(live[table]), table
    printed = run(url, "restore", str(backup), "--yes")
    restored = rows_in(url)
    for table in saved.keys() - FORGOTTEN:
        assert restored[table] == saved[table], table
    assert restored["consultant_access_log"][:-1] == saved["consultant_access_log"]
    assert restored["resume_tokens"] == []
    assert len(restored["reader_sessions"]) == len(saved["reader_sessions"])
    assert not [row for row in restored["reader_sessions"] if row[8]], "no active session"
    lost = len(live["reader_activities"]) - len(restored["reader_activities"])
    assert "restored" in printed
    proved(
        f"{rounds} backups under load, each with all {len(acknowledged)} activities acknowledged"
        f" before; restored, and all rows of {len(saved)} tables compared; {lost} later ones lost"
    )


def events(rows: Rows) -> dict[tuple[object, ...], object]:
    return {(row[1], row[9]): row[0] for row in rows["reader_activities"]}


@short_and_long("rounds", 2, 200)
def test_a_killed_backup_or_restore_leaves_the_old_or_the_new_one(
    url: str,
    cast: Cast,
    tmp_path: Path,
    rng: Random,
    rounds: int,
    proved: Callable[[str], None],
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    first, second = folder / "first.db", folder / "second.db"
    run(url, "backup", str(first))
    db = open_database(url, Role.OWNER)
    with connection(db):
        db.execute_sql(
            "INSERT INTO users SELECT 99, 'eve@example.org', password_hash, user_role,"
            " 'Eve', 1, 0, created_at, updated_at, NULL, password_changed_at"
            " FROM users WHERE id = 1"
        )
    close_all(db)
    restores = backups = 0
    for _ in range(rounds):
        killed(command(url, "backup", str(second)), rng)
        if second.exists():
            assert len(rows_in(sqlite_url(second))["users"]) in (4, 5)
            remove(second)
            backups += 1
        before = len(rows_in(url)["users"])
        killed(command(url, "restore", str(first), "--yes"), rng)
        after = len(rows_in(url)["users"])
        assert after in (before, 4)
        restores += after == 4
    remove(second)
    run(url, "backup", str(second))
    run(url, "restore", str(first), "--yes")
    assert len(rows_in(url)["users"]) == 4
    assert not list(tmp_path.rglob(".readwatch-copy-*"))
    proved(f"{2 * rounds} kills: {backups} backups and {restores} restores were complete before")


def remove(backup: Path) -> None:
    for file in (backup, backup.with_name(f"{backup.name}.anchor")):
        file.unlink(missing_ok=True)


def killed(words: list[str], rng: Random) -> None:
    """Run a command and kill it at some moment; it may have ended before."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        with suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.2, 1.5))
        process.kill()
