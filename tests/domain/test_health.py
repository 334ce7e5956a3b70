"""When a database is healthy, and what to do when it is not."""

from dataclasses import replace

import pytest

from readwatch.domain.health import DatabaseStatus, RollupMismatches, check_results, format_bytes

GIB = 1 << 30
WELL = DatabaseStatus(
    schema="1 (initial)",
    engine="SQLite 3.54.0",
    active_sessions=1200,
    size=5 * GIB,
    wal_size=1 << 20,
    free=50 * GIB,
    damages=0,
    dangling_rows=0,
    tables=(),
)


def unwell(
    condition: DatabaseStatus, wrong: RollupMismatches | None
) -> list[tuple[str, str, str | None]]:
    return [
        (finding.name, finding.text, finding.fix)
        for finding in check_results(condition, wrong)
        if not finding.healthy
    ]


def test_all_is_well():
    assert unwell(WELL, RollupMismatches()) == []


@pytest.mark.parametrize(
    ("condition", "finding"),
    [
        (replace(WELL, free=GIB - 1), ("free on its disk", "1024.0 MiB", "free some space")),
        (replace(WELL, damages=2), ("damages", "2", "restore a backup")),
        (replace(WELL, dangling_rows=1500), ("dangling rows", "1,500", "restore a backup")),
    ],
)
def test_an_unhealthy_finding_comes_with_its_fix(condition, finding):
    assert unwell(condition, RollupMismatches()) == [finding]


def test_a_wal_that_only_grows_points_at_who_reads_on_and_on():
    ((what, sentence, mend),) = unwell(replace(WELL, wal_size=2 * GIB), RollupMismatches())
    assert (what, sentence) == ("WAL", "2.0 GiB")
    assert "restart" in str(mend)


def test_each_rollup_that_is_wrong_says_in_how_many_rows():
    mend = "readwatch db rebuild"
    assert unwell(WELL, RollupMismatches(reader_profiles=1, activity_counts=2000)) == [
        ("reader_profiles", "1 row disagrees", mend),
        ("activity_counts", "2,000 rows disagree", mend),
    ]


def test_what_only_sqlite_can_tell_is_left_out_on_postgresql():
    elsewhere = replace(WELL, wal_size=None, free=None, damages=None, dangling_rows=None)
    assert [finding.name for finding in check_results(elsewhere, None)] == [
        "schema",
        "engine",
        "active sessions",
        "size",
    ]


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
