"""What has to be true of a database whatever happened to the service."""

from ingest.api import fetch_all

from readwatch.domain.health import RollupMismatches
from readwatch.store.engine.connections import Database
from readwatch.store.lifecycle import health
from readwatch.store.recording import rebuild


def events_kept(db: Database) -> dict[tuple[int, str], int]:
    """Return the id of each event that is kept, by reader and event; each has to be there once."""
    kept = fetch_all(db, "SELECT user_id, event_id, id FROM reader_activities")
    events = {(user_id, event_id): activity_id for user_id, event_id, activity_id in kept}
    assert len(events) == len(kept), "each event once"
    receipts = fetch_all(db, "SELECT user_id, event_id, activity_id FROM activity_receipts")
    assert sorted(receipts) == sorted(kept), "each can be recognised"
    return events


def assert_healthy(db: Database) -> None:
    """Check that nothing is damaged, and that the rollups agree with the activities."""
    condition = health.database_status(db)
    assert not condition.damages
    assert not condition.dangling_rows
    assert (
        sum((piece.compare(db) for piece in rebuild.chunks(db)), RollupMismatches())
        == RollupMismatches()
    )


def assert_no_fault(log: str) -> None:
    """Check what the server said on stderr: it may have put something off, and never failed."""
    faults = ("ERROR", "CRITICAL", "Traceback", "panicked")
    assert not [line for line in log.splitlines() if any(fault in line for fault in faults)]
