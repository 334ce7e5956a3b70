"""The history that benchmarks measure is one that the programs could have written."""

from conftest import StillClock
from rig.history import make_history
from rig.readers import opened

from readwatch.domain.health import RollupMismatches
from readwatch.store.audit import chain
from readwatch.store.audit.entries import extent
from readwatch.store.engine.privileges import Role
from readwatch.store.recording.rebuild import ReaderRollups

LENGTH = 60_000


def test_a_made_history_has_right_totals_and_an_intact_access_log(
    empty_url: str, clock: StillClock
) -> None:
    consultant_id = make_history(empty_url, LENGTH, clock())
    with opened(empty_url, Role.MAINTENANCE) as db:
        assert ReaderRollups(0, 10).compare(db) == RollupMismatches()
        *_, verdict = chain.verify(db, (), extent(db))
        entries = verdict.head.entries
        count = db.execute_sql("SELECT count(*) FROM reader_activities").fetchone()[0]
    assert consultant_id > 0
    assert (verdict.defect, entries, count) == (None, LENGTH // 100, LENGTH)
