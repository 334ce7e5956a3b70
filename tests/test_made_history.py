"""The history that benchmarks measure is one that the programs could have written."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from conftest import StillClock

from readwatch.domain.health import RollupMismatches
from readwatch.store.audit import chain
from readwatch.store.audit.entries import extent
from readwatch.store.engine.connections import close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.recording.rebuild import ReaderRollups

LENGTH = 60_000
BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def make_history(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int, datetime], int]:
    # Only here: the names of benchmarks are also those of folders of tests.
    monkeypatch.syspath_prepend(BENCHMARKS)
    from rig.history import make_history

    return make_history


@pytest.mark.proof
def test_a_made_history_has_right_totals_and_an_intact_access_log(
    empty_url: str, clock: StillClock, make_history: Callable[[str, int, datetime], int]
) -> None:
    consultant_id = make_history(empty_url, LENGTH, clock())
    db = open_database(empty_url, Role.MAINTENANCE)
    with connection(db):
        assert ReaderRollups(0, 10).compare(db) == RollupMismatches()
        *_, verdict = chain.verify(db, (), extent(db))
        (activities,) = db.execute_sql("SELECT count(*) FROM reader_activities").fetchone()
    close_all(db)
    assert consultant_id > 0
    assert (verdict.defect, verdict.head.entries, activities) == (None, LENGTH // 100, LENGTH)
