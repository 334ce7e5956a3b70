"""`readwatch db vacuum`: what it says first, what it refuses, and that nothing is lost."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pexpect
import pytest
from cli.shell import Shell, log
from conftest import Cast
from ingest.process import App, serving
from postgres import new_login

from readwatch.domain import disk_room
from readwatch.domain.vacuum import SPARE_BYTES
from readwatch.store.engine.connections import Database, driver_connection, is_sqlite
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.store.lifecycle import vacuum

MIB = 1 << 20

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def fill(db: Database, mib: int) -> None:
    """Add a table of so many MiB."""
    db.execute_sql("CREATE TABLE filler (bytes BLOB)")
    with db.atomic():
        for _ in range(mib):
            db.execute_sql("INSERT INTO filler VALUES (randomblob(1048576))")


def sound(db: Database) -> bool:
    return list(driver_connection(db).execute("PRAGMA integrity_check")) == [("ok",)]


@on_sqlite
def test_the_space_of_deleted_rows_is_free_afterwards(
    shell: Shell, cast: Cast, db: Database
) -> None:
    fill(db, 5)
    db.execute_sql("DELETE FROM filler")
    file = sqlite_path(shell.url)
    vacuumed = shell("db", "vacuum", "--yes")

    assert vacuumed.code == 0
    assert vacuumed.out.startswith("vacuumed in ")
    assert vacuumed.out.endswith(" KiB now\n")
    first, second = vacuumed.err.splitlines()
    assert first.startswith("nobody can write for about 1 s on a fast disk, 1 s on a slow one; ")
    assert second.startswith("it needs up to ")
    assert file.stat().st_size < MIB
    assert Path(f"{file}-wal").stat().st_size == 0
    assert sound(db)
    assert log(db) == [(cast.dora.id, "vacuumed_database", None, "cli")]
    statistics = db.execute_sql("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'users'").fetchone()
    assert statistics[0] > 0
    assert shell("db", "health", "--quick").code == 0


def test_the_result_is_json_too_on_both_engines(shell: Shell, cast: Cast, db: Database) -> None:
    report = json.loads(shell("db", "vacuum", "--yes", "--json").out)
    assert report["size_before"] > 0
    assert report["size_after"] > 0
    assert report["seconds"] >= 0
    if is_sqlite(db):
        (room, *_) = report["rooms"]
        assert 64 * MIB < room["needed"] < room["free"]
        assert report["estimated_seconds"] == [1, 1]
    else:
        assert report["rooms"] is report["estimated_seconds"] is None


@on_postgresql
def test_on_postgresql_dead_rows_are_gone_and_nobody_is_asked(
    shell: Shell, cast: Cast, db: Database
) -> None:
    for _ in range(3):
        db.execute_sql("UPDATE users SET updated_at = updated_at")
    vacuumed = shell("db", "vacuum")
    assert vacuumed.code == 0
    assert vacuumed.err.startswith("others can read and write meanwhile; ")
    times = "SELECT count(*) FROM pg_stat_user_tables WHERE relname = 'users' AND vacuum_count = 1"
    assert db.execute_sql(times).fetchone() == (1,)
    assert log(db) == [(cast.dora.id, "vacuumed_database", None, "cli")]


@on_postgresql
def test_who_does_not_own_the_tables_is_told(shell: Shell, cast: Cast, db: Database) -> None:
    own = new_login(shell.url, "cara")
    shell("db", "grant", "admin", f"{db.database}_cara")
    shell.url = own
    vacuumed = shell("db", "vacuum")
    assert vacuumed.code == 1
    assert "only the owner of the tables can vacuum them" in vacuumed.err


@on_sqlite
def test_without_a_terminal_and_without_yes_nothing_is_done(
    shell: Shell, cast: Cast, db: Database
) -> None:
    refused = shell("db", "vacuum")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.endswith("readwatch: there is no terminal to ask on; use --yes\n")
    assert log(db) == []


# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@on_sqlite
def test_on_a_terminal_it_asks_and_no_is_no(shell: Shell, cast: Cast, db: Database) -> None:
    for answer, code in (("n", 1), ("y", 0)):
        asking = pexpect.spawn(
            sys.executable,
            ["-m", "readwatch", "--database", shell.url, "db", "vacuum"],
            encoding="utf-8",
            timeout=30,
        )
        asking.expect("Vacuum the database now")
        asking.sendline(answer)
        asking.expect(pexpect.EOF)
        asking.close()
        assert asking.exitstatus == code
    assert len(log(db)) == 1, "only what was done is logged"


@on_sqlite
def test_a_disk_without_enough_room_is_refused_before_anything_happens(
    shell: Shell, cast: Cast, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    nearly_full = SimpleNamespace(disk_usage=lambda _: SimpleNamespace(free=60 * MIB))
    monkeypatch.setattr(disk_room, "shutil", nearly_full)
    refused = shell("db", "vacuum", "--yes")
    assert (refused.code, refused.out) == (1, "")
    *_, complaint = refused.err.splitlines()
    assert complaint.startswith("readwatch: nothing was changed: 64.")
    assert complaint.endswith(
        "where 60.0 MiB is free; free some space, or, for SQLite's temporary file only, set "
        "SQLITE_TMPDIR to a folder on another disk"
    )
    assert log(db) == []


@on_sqlite
def test_two_disks_are_looked_at_each_for_its_part(
    url: str, db: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Path("/dev/shm" if not tmp_path.is_relative_to("/dev/shm") else "/var/tmp")  # noqa: S108
    if os.stat(other).st_dev == os.stat(tmp_path).st_dev:
        other = Path("/tmp")  # noqa: S108
    monkeypatch.setenv("SQLITE_TMPDIR", str(other))
    needs = vacuum.vacuum_needs(db)  # type: ignore[arg-type]
    database, temporary = needs.rooms
    assert (database.folder, temporary.folder) == (sqlite_path(url).parent, other)
    assert temporary.needed == needs.size_after
    assert database.needed > needs.size_after + SPARE_BYTES


@on_sqlite
def test_posts_are_kept_or_refused_while_a_vacuum_runs(
    shell: Shell, cast: Cast, db: Database
) -> None:
    fill(db, 100)
    over, kept = Event(), set[str]()

    def post(app: App) -> None:
        while not over.is_set() or not kept:
            event = f"event {len(kept)}"
            page = {"activity_type": "page_read", "event_id": event}
            while (status := app.post("/api/activities", page)[0]) == 503:
                pass
            assert status in (200, 201)
            kept.add(event)

    with serving(shell.url) as server, ThreadPoolExecutor(1) as thread:
        app = server.app(cast.ann.email)
        posting = thread.submit(post, app)
        try:
            assert shell("db", "vacuum", "--yes").code == 0
        finally:
            over.set()
        posting.result()
        assert app.post("/api/heartbeat")[0] == 200
        code, _, err = server.stop()

    assert code == 0
    assert "ERROR" not in err
    stored = [event for (event,) in db.execute_sql("SELECT event_id FROM reader_activities")]
    assert sorted(stored) == sorted(kept)
    assert sound(db)


@on_sqlite
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_vacuum_changes_nothing(
    shell: Shell, cast: Cast, db: Database, how: signal.Signals
) -> None:
    fill(db, 150)
    command = [sys.executable, "-m", "readwatch", "--database", shell.url, "db", "vacuum", "--yes"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while not log(db):
            assert running.poll() is None
        running.send_signal(how)
        _, err = running.communicate(timeout=60)

    if how is signal.SIGINT:
        assert (running.returncode, err.splitlines()[-1]) == (130, "stopped")
    assert db.execute_sql("SELECT count(*) FROM filler").fetchone()[0] == 150
    assert sound(db)
    assert shell("db", "vacuum", "--yes").code == 0
