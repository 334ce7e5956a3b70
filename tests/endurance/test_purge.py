"""Purges that are killed at any moment: the log stays intact, and the totals stay right."""

import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random
from time import monotonic

from conftest import Cast
from endurance.length import short_and_long
from ingest.process import TIMEOUT
from tui.real_terminal import READWATCH

from readwatch.cli.settings import default_anchor_log
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.audit_chain import read_anchors
from readwatch.domain.clock import system_clock
from readwatch.domain.health import RollupMismatches
from readwatch.store.audit import chain
from readwatch.store.audit.cuts import newest_cut
from readwatch.store.audit.entries import extent
from readwatch.store.audit.log import append_all_in_transaction
from readwatch.store.engine.connections import Database
from readwatch.store.engine.times import to_db_time
from readwatch.store.recording import rebuild

OLDEST, STEP = 1000, 5
"""The age of the oldest group of rows, and the days between two groups."""

ENTRIES, SESSIONS = 1200, 250
"""The rows of a group: more than a chunk."""


def add_old_rows(db: Database, cast: Cast, groups: int) -> None:
    now = system_clock()
    look = AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id)
    for group in range(groups):
        at = now - timedelta(days=OLDEST - STEP * group)
        with db.atomic():
            append_all_in_transaction(db, [look] * ENTRIES, at)
            for number in range(SESSIONS):
                db.execute_sql(
                    "INSERT INTO reader_sessions (user_id, session_token, started_at,"
                    " last_heartbeat, ended_at, is_active) SELECT"
                    f" {cast.ben.id}, '{group} {number}', {', '.join([repr(to_db_time(at))] * 3)},"
                    " FALSE"
                )
    with db.atomic():
        append_all_in_transaction(db, [look], now)


def assert_intact(url: str, db: Database) -> None:
    """Check the log, with its anchors, and the totals."""
    file, is_disturbed = default_anchor_log(url), True
    while is_disturbed:  # PostgreSQL may still delete
        before = newest_cut(db), extent(db).first
        anchors = read_anchors(file) if file.exists() else ()
        *_, verdict = chain.verify(db, anchors, extent(db), before[0])
        is_disturbed = before != (newest_cut(db), extent(db).first)
    assert verdict.defect is None
    compared = (piece.compare(db) for piece in rebuild.chunks(db))
    assert sum(compared, RollupMismatches()) == RollupMismatches()


def purge(age: int) -> tuple[str, ...]:
    return (
        *("maintenance", "purge", "--yes", "--sessions", f"{age}d"),
        *("--access-log", f"{age}d", "--without-copy"),
    )


def kill_soon(command: list[str], seconds: float) -> None:
    """Run a purge and kill it after a while; it may have ended before."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()


def purged(url: str, age: int) -> None:
    """Purge; PostgreSQL notices only after a moment that the one before was killed."""
    deadline, ended = monotonic() + TIMEOUT, None
    while ended is None or ended.returncode != 0:
        assert monotonic() < deadline
        ended = subprocess.run(
            [*READWATCH, "--database", url, *purge(age)],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
        assert ended.returncode == 0 or "another command" in ended.stderr


@short_and_long("rounds", 2, 100)
def test_a_killed_purge_leaves_an_intact_log_and_right_totals(
    url: str,
    cast: Cast,
    db: Database,
    rng: Random,
    rounds: int,
    proved: Callable[[str], None],
) -> None:
    add_old_rows(db, cast, rounds)
    for piece in rebuild.chunks(db):
        piece.rebuild(db, system_clock())
    cuts = 0
    for round_number in range(rounds):
        age = OLDEST - STEP * round_number - 1
        kill_soon([*READWATCH, "--database", url, *purge(age)], rng.uniform(0.4, 4))
        assert_intact(url, db)
        cut = newest_cut(db)
        cuts += cut is not None and cut.head.entries == ENTRIES * (round_number + 1)
    purged(url, age)
    assert_intact(url, db)
    left = (
        "SELECT (SELECT count(*) FROM reader_sessions), (SELECT min(id) FROM consultant_access_log)"
    )
    assert db.execute_sql(left).fetchone() == (1, ENTRIES * rounds + 1)
    totals = f"SELECT total_sessions FROM reader_profiles WHERE user_id = {cast.ben.id}"
    assert db.execute_sql(totals).fetchone() == (SESSIONS * rounds,)
    proved(f"{rounds} kills of a purge: {cuts} had cut the log before, which was always intact")
