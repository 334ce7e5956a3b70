"""`readwatch db health --quick` and the slow queries of `db health`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest
from cli.shell import Shell
from conftest import NOON, Cast

from readwatch.cli.settings import default_slow_query_log
from readwatch.domain.activities import Activity
from readwatch.domain.clock import system_clock
from readwatch.domain.slow_queries import SlowQuery, append_slow_query
from readwatch.store.audit.quick_check import quick_check
from readwatch.store.engine.connections import Database, driver_connection, is_sqlite
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.store.identity.sessions import open_session
from readwatch.store.lifecycle.health import database_status
from readwatch.store.recording.activities import record_activities
from readwatch.store.recording.rollup_sample import random_readers


def read(db: Database, user: Any, pages: int) -> None:
    """Let a reader read pages now."""
    with db.atomic():
        now = system_clock()
        session = open_session(db, user, f"the hash of a token at {now}", now)
        page = Activity("page_read", "hobbit", "The Hobbit", 10, 60)
        record_activities(db, session, [page] * pages, now)


def test_a_quick_check_of_a_healthy_database_has_no_finding(
    shell: Shell, cast: Cast, db: Database
) -> None:
    read(db, cast.ann, 3)
    quick = shell("db", "health", "--quick")
    assert (quick.code, quick.err) == (0, "")
    results = dict(line.split(maxsplit=1) for line in quick.out.splitlines() if "  ok  " in line)
    assert "those of 2 readers agree with the activities" in results["rollups"]
    assert "WRONG" not in quick.out
    assert "table with its indexes" not in quick.out, "the sizes are counted page by page"

    report = json.loads(shell("db", "health", "--quick", "--json").out)
    assert (report["healthy"], report["quick"], report["fixes"]) == (True, True, {})
    assert (report["sampled_readers"], report["active_sessions"]) == (2, 1)
    assert report["tables"] is report["damages"] is report["dangling_rows"] is None
    full = json.loads(shell("db", "health", "--json").out)
    assert full.keys() == report.keys()
    assert (full["quick"], full["sampled_readers"]) == (False, None)


def test_a_quick_check_finds_a_wrong_rollup_and_a_missing_trigger(
    shell: Shell, cast: Cast, db: Database
) -> None:
    read(db, cast.ann, 3)
    db.execute_sql("UPDATE reader_profiles SET total_reading_seconds = 9")
    trigger = "consultant_access_log_keeps_rows"
    db.execute_sql(f"DROP TRIGGER {trigger}{'' if is_sqlite(db) else ' ON consultant_access_log'}")

    quick = shell("db", "health", "--quick")
    assert (quick.code, quick.err) == (1, "")
    assert "2 rows disagree of 2 readers: readwatch db rebuild" in quick.out
    assert f"trigger {trigger} is missing: find out who did this" in quick.out


def test_sessions_that_nobody_ends_are_a_finding(shell: Shell, cast: Cast, db: Database) -> None:
    with db.atomic():
        open_session(db, cast.ann, "a token's hash", NOON.replace(year=2024))
    quick = shell("db", "health", "--quick")
    assert quick.code == 1
    assert "d: run readwatch serve, which ends it" in quick.out


@pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_postgresql_tells_its_dead_rows_and_its_longest_transaction(
    shell: Shell, cast: Cast, db: Database
) -> None:
    with db.atomic():
        db.execute_sql("UPDATE users SET updated_at = updated_at")
        report = json.loads(shell("db", "health", "--quick", "--json").out)
    assert report["longest_transaction"] >= 0
    assert 0 < report["used_transaction_ids"] < 0.4
    assert report["dead_rows"] is None or report["dead_rows"]["dead"] > 0
    assert report["journal_mode"] is report["wal_size"] is report["unused"] is None
    text = shell("db", "health", "--quick").out
    assert "dead rows" in text
    assert "used transaction ids" in text


def test_a_sample_has_readers_with_few_activities_together(cast: Cast, db: Database) -> None:
    read(db, cast.ann, 30)
    read(db, cast.ben, 20)
    assert random_readers(db, 20, activities=50) == (cast.ann.id, cast.ben.id)
    assert random_readers(db, 20, activities=49) in ((cast.ann.id,), (cast.ben.id,))
    assert random_readers(db, 20, activities=29) == (cast.ben.id,)
    assert random_readers(db, 20, activities=19) == ()
    assert len(random_readers(db, 1)) == 1


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_quick_check_costs_no_more_after_the_history_has_grown(cast: Cast, db: Database) -> None:
    def cost() -> int:
        """The steps of SQLite's virtual machine."""
        steps: list[int] = []
        connection = driver_connection(db)
        connection.trace_v2(
            apsw.SQLITE_TRACE_PROFILE,
            lambda event: steps.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]),
        )
        database_status(db)
        quick_check(db)
        connection.trace_v2(0, None)
        return sum(steps)

    read(db, cast.ann, 1)
    before = cost()
    db.execute_sql("UPDATE reader_sessions SET is_active = FALSE")
    read(db, cast.ann, 3000)
    assert before > 100
    assert cost() == before


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_file_that_is_cut_off_is_refused_with_the_reason(shell: Shell, db: Database) -> None:
    db.close()
    path = sqlite_path(shell.url)
    whole = path.read_bytes()
    path.write_bytes(whole[:-4096])
    complaint = shell("db", "health", "--quick").complaint
    assert complaint == "the database cannot be read: its disk or its file is damaged"


def test_the_slowest_queries_are_listed_with_their_plans(shell: Shell, cast: Cast) -> None:
    query = SlowQuery(NOON, "serve", 612, 3, "SELECT id FROM users", "SCAN users")
    assert "slowest queries" not in shell("db", "health", "--quick").out
    file = default_slow_query_log(shell.url)
    append_slow_query(file, query)
    append_slow_query(file, replace(query, milliseconds=1700, plan=None))
    append_slow_query(file, replace(query, sql="COMMIT", plan=None))

    lines = shell("db", "health", "--quick").out.splitlines()
    begin = lines.index("slowest queries of serve and the console")
    slow = [line.partition(", last ")[0] for line in lines[begin + 1 :]]
    assert slow == [
        "1,700 ms at most, 2 times",
        "  SELECT id FROM users",
        "  plan: SCAN users",
        "612 ms at most, 1 time",
        "  COMMIT",
    ]
    report = json.loads(shell("db", "health", "--quick", "--json").out)
    assert [each["milliseconds"] for each in report["slow_queries"]] == [1700, 612]
    assert report["healthy"] is True, "a slow query is no finding"


def test_a_file_of_slow_queries_that_cannot_be_read_is_named(
    shell: Shell, cast: Cast, tmp_path: Path
) -> None:
    complaint = shell("db", "health", "--quick", "--slow-query-log", str(tmp_path)).err
    assert "is a directory" in complaint
