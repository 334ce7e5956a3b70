"""Heartbeats."""

from typing import Any

import pytest
from conftest import NOON, StillClock
from ingest.api import Api, ApiClient, all_rows, fetch_all

from readwatch.store.engine.connections import Database
from readwatch.store.engine.times import from_db_time

HEARTBEATS = "SELECT user_id, last_heartbeat FROM reader_sessions ORDER BY id"


def test_a_heartbeat_updates_the_session_and_says_when_the_next_is_due(
    api: Api, ann: ApiClient, ben: ApiClient, cast: Any, db: Database, clock: StillClock
) -> None:
    clock.advance(seconds=60)

    answer = ann.post("/api/heartbeat")
    api.stop()

    assert answer.status_code == 200
    assert 60 <= answer.get_json()["heartbeat_seconds"] <= 72
    heartbeats = {user_id: from_db_time(at) for user_id, at in fetch_all(db, HEARTBEATS)}
    assert heartbeats == {cast.ann.id: clock.moment, cast.ben.id: NOON}


def test_a_heartbeat_updates_only_the_session_of_its_device(
    api: Api, ann: ApiClient, db: Database, clock: StillClock
) -> None:
    tablet = api.login("ann@example.org", device_type="tablet")
    clock.advance(seconds=90)

    tablet.post("/api/heartbeat")
    api.stop()

    assert [from_db_time(at) for _, at in fetch_all(db, HEARTBEATS)] == [NOON, clock.moment]


def test_after_a_clock_jumped_back_a_heartbeat_changes_nothing(
    api: Api, ann: ApiClient, db: Database, clock: StillClock
) -> None:
    before = all_rows(db)
    clock.advance(hours=-1)

    assert ann.post("/api/heartbeat").status_code == 200
    api.stop()
    assert all_rows(db) == before


@pytest.mark.parametrize("body", [b"", b"{}", b"not JSON", b"[1]", b"\xff\x00", b"x" * 100_000])
def test_the_body_of_a_heartbeat_is_ignored(ann: ApiClient, body: bytes) -> None:
    assert ann.post("/api/heartbeat", data=body).status_code == 200


def test_a_heartbeat_is_not_an_activity(
    api: Api, ann: ApiClient, db: Database, clock: StillClock
) -> None:
    clock.advance(seconds=60)
    ann.post("/api/heartbeat")
    api.stop()
    assert fetch_all(db, "SELECT * FROM reader_activities") == []
    assert fetch_all(db, "SELECT * FROM activity_counts") == []
