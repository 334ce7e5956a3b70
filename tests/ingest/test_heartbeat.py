"""Heartbeats."""

from typing import Any

import pytest
from conftest import NOON, StillClock
from ingest.api import Api, ApiClient, all_rows, fetch_all, problem

from readwatch.ingest import load_shedding
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


PAGE = {"activity_type": "page_read"}


@pytest.mark.parametrize(
    "body",
    [PAGE, {"activities": [PAGE, {}]}, PAGE | {"occurred_at": "2026-01-01T00:00:00Z"}],
)
def test_a_post_of_activities_counts_as_a_heartbeat_also_if_they_are_old(
    api: Api, ann: ApiClient, db: Database, clock: StillClock, body: Any
) -> None:
    clock.advance(minutes=4)
    assert ann.post("/api/activities", body).status_code < 300
    api.stop()
    assert [from_db_time(at) for _, at in fetch_all(db, HEARTBEATS)] == [clock.moment]


def test_a_reader_whose_app_only_posts_stays_online_and_logged_in(
    api: Api, ann: ApiClient, cara: ApiClient, clock: StillClock
) -> None:
    services = api.app.extensions["readwatch"]
    for _ in range(40):
        clock.advance(minutes=4)
        assert ann.post("/api/activities", PAGE).status_code == 201
        services.retention.end_silent_sessions()  # a moment later, before the heartbeats are due
    assert ann.get("/api/me").status_code == 200
    (reader,) = cara.get("/api/readers/online").get_json()["readers"]
    assert (reader["presence"], reader["idle_since"]) == ("reading", clock.moment.isoformat())


def test_a_refused_post_is_no_heartbeat(
    api: Api, ann: ApiClient, db: Database, clock: StillClock
) -> None:
    clock.advance(minutes=4)
    assert ann.post("/api/activities", {"activity_type": "NO"}).status_code == 422
    api.stop()
    assert [from_db_time(at) for _, at in fetch_all(db, HEARTBEATS)] == [NOON]


def test_the_token_is_checked_before_a_heartbeat_is_refused_under_load(
    api: Api, ann: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_shedding, "SHED_HEARTBEATS_AT", 0.0)
    shedder = api.app.extensions["readwatch"].load_shedder
    problem(api.post("/api/heartbeat"), 401)
    assert shedder.heartbeats_shed == 0
    problem(ann.post("/api/heartbeat"), 503)
    assert shedder.heartbeats_shed == 1


def test_a_heartbeat_is_not_an_activity(
    api: Api, ann: ApiClient, db: Database, clock: StillClock
) -> None:
    clock.advance(seconds=60)
    ann.post("/api/heartbeat")
    api.stop()
    assert fetch_all(db, "SELECT * FROM reader_activities") == []
    assert fetch_all(db, "SELECT * FROM activity_counts") == []
