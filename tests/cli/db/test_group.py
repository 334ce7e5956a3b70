"""`readwatch db`: check and repair the database."""

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pexpect
import pytest
from cli.shell import Shell

from readwatch.domain.activities import Activity
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import system_clock
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.store.identity.sessions import open_session
from readwatch.store.recording.activities import record_activities

ROLLUPS = [
    "reader_profiles",
    "reader_content_progress",
    "reader_quizzes",
    "reader_hours",
    "activity_counts",
]


@pytest.fixture
def read(db: Database, cast: Any) -> None:
    """Ann has just read two pages and done a quiz."""
    clock = system_clock
    with db.atomic():
        ann = open_session(db, cast.ann, "a token's hash", clock())
        for progress in (10, 20):
            record_activities(
                db, ann, [Activity("page_read", "hobbit", "The Hobbit", progress, 60)], clock()
            )
        record_activities(db, ann, [Activity("quiz_completed", "hobbit")], clock())


def states(shell: Shell) -> dict[str, str]:
    """Return the result of each check that `db health` lists."""
    first_table, second_table = shell("db", "health").out.split("\n\n")
    assert second_table.startswith("table with its indexes")
    listed = first_table.splitlines()[1:]
    return {line.split("  ")[0]: line.split("  ", 1)[1].split()[0] for line in listed}


def damage(db: Database) -> None:
    db.execute_sql("UPDATE reader_profiles SET total_reading_seconds = 9")
    db.execute_sql("DELETE FROM reader_content_progress")
    db.execute_sql("UPDATE reader_quizzes SET score = 10")
    db.execute_sql("UPDATE reader_hours SET seconds = 9")
    db.execute_sql("UPDATE activity_counts SET activities = 3")


def test_an_access_log_without_its_triggers_or_its_end_is_reported(
    shell: Shell, db: Database, cast: Any, clock: Any
) -> None:
    log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
    assert states(shell)["access log"] == "ok"
    trigger = "consultant_access_log_keeps_rows"
    db.execute_sql(f"DROP TRIGGER {trigger}{'' if is_sqlite(db) else ' ON consultant_access_log'}")
    db.execute_sql("DELETE FROM consultant_access_log")
    health = shell("db", "health")
    assert health.code == 1
    assert f"trigger {trigger} is missing: find out who did this" in health.out
    assert "the log was cut off after entry 0" in health.out
    assert len(json.loads(shell("db", "health", "--json").out)["access_log"]) == 2


@pytest.mark.usefixtures("read")
def test_a_wrong_rollup_is_reported_rebuilt_and_healthy_again(shell: Shell, db: Database) -> None:
    healthy = shell("db", "health")
    assert (healthy.code, healthy.err) == (0, "")
    assert set(states(shell).values()) == {"ok"}

    damage(db)
    ended = shell("db", "health")
    assert (ended.code, ended.err) == (1, "")
    assert "2 rows disagree: readwatch db rebuild" in ended.out
    assert {what for what, state in states(shell).items() if state == "WRONG"} == set(ROLLUPS)

    rebuilt = shell("db", "rebuild")
    assert (rebuilt.code, rebuilt.err) == (0, "")
    assert rebuilt.out.splitlines() == [
        "corrected 2 rows of reader_profiles",
        "corrected 1 row of reader_content_progress",
        "corrected 1 row of reader_quizzes",
        "corrected 1 row of reader_hours",
        "corrected 2 rows of activity_counts",
    ]
    assert shell("db", "health").code == 0
    again = shell("db", "rebuild")
    assert again.out == "the rollups agree with the activities; nothing was changed\n"


@pytest.mark.usefixtures("read")
def test_health_as_json(shell: Shell, db: Database) -> None:
    report = json.loads(shell("db", "health", "--json").out)
    assert (report["healthy"], report["active_sessions"], report["fixes"]) == (True, 1, {})
    assert report["wrong_rows"] == dict.fromkeys(ROLLUPS, 0)
    sizes = {table["name"]: table["size"] for table in report["tables"]}
    assert set(ROLLUPS) < set(sizes)
    if is_sqlite(db):
        assert sum(sizes.values()) == report["size"]
        assert (report["damages"], report["dangling_rows"]) == (0, 0)
        assert report["wal_size"] == sqlite_path(f"{shell.url}-wal").stat().st_size
        assert report["free"] > 0
    else:
        assert report["size"] > sum(sizes.values()) > 0
        assert (
            report["wal_size"]
            is report["free"]
            is report["damages"]
            is report["dangling_rows"]
            is None
        )

    damage(db)
    ended = shell("db", "health", "--json")
    report = json.loads(ended.out)
    assert (ended.code, report["healthy"]) == (1, False)
    assert report["fixes"] == dict.fromkeys(ROLLUPS, "readwatch db rebuild")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_rows_that_refer_to_nobody_are_reported(shell: Shell, cast: Any, db: Database) -> None:
    db.execute_sql("PRAGMA foreign_keys = 0")
    db.execute_sql("DELETE FROM users WHERE id = " + str(cast.ben.id))
    report = json.loads(shell("db", "health", "--json").out)
    assert (report["dangling_rows"], report["fixes"]) == (1, {"dangling rows": "restore a backup"})


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_damaged_file_is_reported(shell: Shell, cast: Any, db: Database) -> None:
    with closing(apsw.Connection(str(sqlite_path(shell.url)))) as careless:
        careless.execute("PRAGMA writable_schema = 1")
        careless.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'user_role)', 'is_active)')"
            " WHERE name = 'idx_users_role'"
        )
    ended = shell("db", "health", "--json")
    report = json.loads(ended.out)
    assert (ended.code, report["wrong_rows"]) == (1, None)
    assert report["damages"] > 0
    assert report["fixes"] == {"damages": "restore a backup"}


def test_a_rebuild_is_in_the_access_log_and_a_check_is_not(
    shell: Shell, cast: Any, db: Database
) -> None:
    shell("db", "health")
    shell("db", "rebuild")
    entries = db.execute_sql(
        "SELECT consultant_user_id, action_type, target_user_id FROM consultant_access_log"
    )
    assert list(entries) == [(cast.dora.id, "rebuilt_rollups", None)]


def test_who_rebuilds_is_an_admin(shell: Shell, cast: Any, db: Database) -> None:
    complaint = shell("db", "rebuild", "--as", "cara@example.org").complaint
    assert "there is no active admin" in complaint


def test_a_database_without_a_schema_is_made_first(new_shell: Shell) -> None:
    if new_shell.url.startswith("postgresql"):
        assert "readwatch init" in new_shell("db", "health").complaint
    assert "readwatch init" in new_shell("db", "rebuild").complaint


@pytest.mark.usefixtures("read")
def test_on_a_terminal_of_80_columns_nothing_is_broken_into_lines(
    shell: Shell, db: Database
) -> None:
    damage(db)
    printed, code = pexpect.run(
        f"{sys.executable} -m readwatch --database '{shell.url}' db health",
        encoding="utf-8",
        withexitstatus=True,
        timeout=30,
        dimensions=(50, 80),
        env={"TERM": "xterm-256color", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
    )
    assert code == 1, printed
    wrong = [line for line in printed.splitlines() if "WRONG" in line]
    assert [line.split()[0] for line in wrong] == ROLLUPS
    assert all(line.rstrip().endswith("readwatch db rebuild") for line in wrong)


@pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_postgresql_has_its_own_programs_for_backups(
    shell: Shell, tmp_path: Path, command: str
) -> None:
    complaint = shell("db", command, str(tmp_path / "monday.db")).complaint
    assert "back up PostgreSQL with pg_dump or pgBackRest" in complaint
    assert list(tmp_path.iterdir()) == []
