"""Conditions that a database has to satisfy after every fault of the service."""

from ingest.api import fetch_all

from readwatch.domain.health import RollupMismatches
from readwatch.store.engine.connections import Database
from readwatch.store.lifecycle import health
from readwatch.store.recording import rebuild


def events_kept(db: Database) -> dict[tuple[int, str], int]:
    """Return the ids of the stored events by reader and event id; each event is stored once."""
    kept = fetch_all(db, "SELECT user_id, event_id, id FROM reader_activities")
    events = {(user_id, event_id): activity_id for user_id, event_id, activity_id in kept}
    assert len(events) == len(kept), "each event once"
    receipts = fetch_all(db, "SELECT user_id, event_id, activity_id FROM activity_receipts")
    assert sorted(receipts) == sorted(kept), "each can be recognised"
    return events


def assert_healthy(db: Database) -> None:
    """Check that the database is not damaged, and that the rollups agree with the activities."""
    condition = health.full_check(db)
    assert not condition.damages
    assert not condition.dangling_rows
    assert (
        sum((piece.compare(db) for piece in rebuild.chunks(db)), RollupMismatches())
        == RollupMismatches()
    )


def assert_no_fault(log: str) -> None:
    """Check the server's lines on stderr: work may be delayed, but nothing failed."""
    faults = ("ERROR", "CRITICAL", "Traceback", "panicked")
    assert not [line for line in log.splitlines() if any(fault in line for fault in faults)]
