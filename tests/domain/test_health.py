"""When a database is healthy, and what to do when it is not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from conftest import NOON

from readwatch.domain.health import (
    CheckResult,
    DatabaseStatus,
    DeadRows,
    FullCheck,
    PostgreSQLState,
    RollupMismatches,
    SQLiteFile,
    format_bytes,
    full_results,
    sample_results,
    status_results,
)

MIB, GIB = 1 << 20, 1 << 30
FILE = SQLiteFile(journal_mode="wal", wal_size=MIB, free=50 * GIB, unused=0)
SERVER = PostgreSQLState(DeadRows("users", 12, 34), timedelta(seconds=70), 0.09)
ON_SQLITE = DatabaseStatus(
    schema="1 (initial)",
    engine="SQLite 3.54.0",
    active_sessions=1200,
    oldest_sign_of_life=NOON - timedelta(minutes=3),
    size=5 * GIB,
    file=FILE,
)
ON_POSTGRESQL = replace(ON_SQLITE, engine="PostgreSQL 17.2", file=None, server=SERVER)
SOUND = FullCheck(damages=0, dangling_rows=0, tables=())


def findings(results: Any) -> list[tuple[str, str, str | None]]:
    return [(each.name, each.text, each.fix) for each in results if not each.healthy]


@pytest.mark.parametrize("status", [ON_SQLITE, ON_POSTGRESQL])
def test_all_is_well(status: DatabaseStatus) -> None:
    assert findings(status_results(status, NOON)) == []
    assert findings(full_results(SOUND, RollupMismatches())) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"free": GIB - 1}, ("free on its disk", "1024.0 MiB", "free some space")),
        (
            {"wal_size": 2 * GIB},
            (
                "WAL",
                "2.0 GiB",
                "restart the program that keeps a transaction open, such as an old console",
            ),
        ),
        ({"unused": 2 * GIB}, ("unused in the file", "2.0 GiB", "readwatch db vacuum")),
        (
            {"journal_mode": "delete"},
            (
                "journal mode",
                "delete",
                "stop all programs that use the file, and run: readwatch init",
            ),
        ),
    ],
)
def test_a_finding_about_a_file_comes_with_its_fix(change: Any, finding: Any) -> None:
    status = replace(ON_SQLITE, file=replace(FILE, **change))
    assert findings(status_results(status, NOON)) == [finding]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            {"dead_rows": DeadRows("reader_sessions", 100_001, 200_000)},
            (
                "dead rows",
                "100,001 beside 200,000 in reader_sessions",
                "readwatch db vacuum",
            ),
        ),
        (
            {"longest_transaction": timedelta(hours=3)},
            ("longest transaction", "3 h", "end its program; see pg_stat_activity"),
        ),
        (
            {"used_transaction_ids": 0.41},
            ("used transaction ids", "41%", "readwatch db vacuum"),
        ),
    ],
)
def test_a_finding_about_a_server_comes_with_its_fix(change: Any, finding: Any) -> None:
    status = replace(ON_POSTGRESQL, server=replace(SERVER, **change))
    assert findings(status_results(status, NOON)) == [finding]


def test_a_small_file_and_a_small_table_need_no_vacuum() -> None:
    small = replace(ON_SQLITE, size=80 * MIB, file=replace(FILE, unused=64 * MIB))
    few = replace(ON_POSTGRESQL, server=replace(SERVER, dead_rows=DeadRows("users", 99_999, 1)))
    assert findings(status_results(small, NOON)) == []
    assert findings(status_results(few, NOON)) == []


def test_an_open_session_that_nobody_ends_is_a_finding() -> None:
    silent = replace(ON_SQLITE, oldest_sign_of_life=NOON - timedelta(hours=26))
    assert findings(status_results(silent, NOON)) == [
        ("oldest open session", "last sign of life: 1 d", "run readwatch serve, which ends it")
    ]
    nobody = replace(ON_SQLITE, oldest_sign_of_life=None)
    assert "oldest open session" not in {each.name for each in status_results(nobody, NOON)}


def test_a_server_without_dead_rows_and_other_sessions_says_so() -> None:
    idle = replace(ON_POSTGRESQL, server=PostgreSQLState(None, None, 0.01))
    texts = {each.name: each.text for each in status_results(idle, NOON)}
    assert texts["dead rows"] == "none"
    assert "longest transaction" not in texts
    briefly = replace(SERVER, longest_transaction=timedelta(seconds=1))
    texts = {
        each.name: each.text
        for each in status_results(replace(ON_POSTGRESQL, server=briefly), NOON)
    }
    assert texts["longest transaction"] == "less than 5 s"


def test_what_is_damaged_is_restored_from_a_backup() -> None:
    broken = FullCheck(damages=2, dangling_rows=1500, tables=())
    assert findings(full_results(broken, None)) == [
        ("damages", "2", "restore a backup"),
        ("dangling rows", "1,500", "restore a backup"),
    ]


def test_each_rollup_that_is_wrong_says_in_how_many_rows() -> None:
    fix = "readwatch db rebuild"
    wrong = RollupMismatches(reader_profiles=1, activity_counts=2000)
    assert findings(full_results(SOUND, wrong)) == [
        ("reader_profiles", "1 row disagrees", fix),
        ("activity_counts", "2,000 rows disagree", fix),
    ]


def test_the_rollups_of_a_sample_are_one_result() -> None:
    assert list(sample_results(20, RollupMismatches())) == [
        CheckResult("rollups", "those of 20 readers agree with the activities")
    ]
    assert findings(sample_results(1, RollupMismatches(1, 2))) == [
        ("rollups", "3 rows disagree of 1 reader", "readwatch db rebuild")
    ]


def test_what_only_one_engine_can_tell_is_left_out_on_the_other() -> None:
    def names(status: DatabaseStatus) -> set[str]:
        return {each.name for each in status_results(status, NOON)}

    common = {"schema", "engine", "active sessions", "oldest open session", "size"}
    assert names(ON_SQLITE) & names(ON_POSTGRESQL) == common
    assert {"WAL", "unused in the file"} < names(ON_SQLITE)
    assert {"dead rows", "used transaction ids"} < names(ON_POSTGRESQL)


def test_wrong_rows_add_up():
    assert RollupMismatches(1, 2, 3) + RollupMismatches(0, 5, 0) == RollupMismatches(1, 7, 3)
    assert [bool(RollupMismatches()), bool(RollupMismatches(0, 0, 1))] == [False, True]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (4096, "4.0 KiB"),
        (3 * GIB // 2, "1.5 GiB"),
        (1 << 60, "1048576.0 TiB"),
    ],
)
def test_bytes_are_said_in_their_largest_unit(number, said):
    assert format_bytes(number) == said
