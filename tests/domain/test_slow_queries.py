"""The file of slow queries: appended by several programs, bounded, and read with what is broken."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from conftest import NOON

from readwatch.domain import slow_queries
from readwatch.domain.slow_queries import (
    SlowQuery,
    append_slow_query,
    read_slow_queries,
    slowest_statements,
)

QUERY = SlowQuery(NOON, "serve", 612, 3, "SELECT id FROM users", "SCAN users")


def test_what_was_written_is_read_again_and_only_by_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "state" / "slow.txt"
    console = replace(QUERY, program="console", rows=None, plan=None, left_out=4)
    append_slow_query(file, QUERY)
    append_slow_query(file, console)

    assert read_slow_queries(file) == (QUERY, console)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_missing_file_has_none_and_a_broken_line_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "slow.txt"
    assert read_slow_queries(file) == ()
    append_slow_query(file, QUERY)
    with file.open("a") as lines:
        lines.write('{"at": "2026-11-22"}\n[]\nnot json\n{"at": "never", "program": "serve"}\n')
    append_slow_query(file, QUERY)
    with file.open("a") as lines:
        lines.write('{"at": "2026-')

    assert read_slow_queries(file) == (QUERY, QUERY)


def test_a_full_file_is_replaced_and_the_one_before_it_stays_readable(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(slow_queries, "MAX_FILE_BYTES", 1000)
    file = tmp_path / "slow.txt"
    for number in range(40):
        append_slow_query(file, replace(QUERY, milliseconds=number))

    numbers = [query.milliseconds for query in read_slow_queries(file)]
    assert numbers == list(range(40))[-len(numbers) :]
    assert 5 <= len(numbers) < 20
    assert {path.name for path in tmp_path.iterdir()} <= {"slow.txt", "slow.txt.1"}


def test_no_line_is_mixed_with_another_one_if_several_write(tmp_path: Path) -> None:
    file = tmp_path / "slow.txt"
    long = replace(QUERY, sql="SELECT " + "x" * 9000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: append_slow_query(file, long), range(80)))
    assert read_slow_queries(file) == (long,) * 80


def test_the_slowest_statements_come_first_with_their_worst_time_and_last_plan() -> None:
    later = NOON + timedelta(hours=1)
    other = SlowQuery(NOON, "console", 900, None, "SELECT 2")
    slow = slowest_statements(
        [QUERY, other, replace(QUERY, at=later, milliseconds=700, plan=None)], 5
    )

    assert [(each.sql, each.milliseconds, each.times) for each in slow] == [
        ("SELECT 2", 900, 1),
        ("SELECT id FROM users", 700, 2),
    ]
    assert (slow[1].last_at, slow[1].plan) == (later, "SCAN users")
    assert slowest_statements([QUERY, other], 1) == slow[:1]
