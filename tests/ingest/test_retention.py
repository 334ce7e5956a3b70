"""Retention: the service ends silent sessions and deletes expired rows by itself."""

from datetime import timedelta
from time import monotonic, sleep
from typing import Any

from conftest import Cast, StillClock
from ingest.api import Api, ApiClient, fetch_all, problem
from ingest.process import TIMEOUT

from readwatch.ingest.app import create_app
from readwatch.ingest.retention import RetentionThread
from readwatch.ingest.services import Settings
from readwatch.store.engine.connections import Database
from readwatch.store.identity.session_cache import CHECK_EVERY
from readwatch.store.lifecycle.retention import CHUNK_ROWS

ACTIVE = "SELECT count(*) FROM reader_sessions WHERE is_active = TRUE AND ended_at IS NULL"


def retention_of(api: Api) -> RetentionThread:
    return api.app.extensions["readwatch"].retention


def test_the_token_of_a_session_that_was_silent_for_over_an_hour_is_refused(
    api: Api, ann: ApiClient, clock: StillClock
) -> None:
    clock.advance(minutes=60)
    retention_of(api).end_silent_sessions()
    assert ann.get("/api/me").status_code == 200
    clock.advance(seconds=1)
    retention_of(api).end_silent_sessions()
    clock.moment += CHECK_EVERY
    problem(ann.post("/api/heartbeat"), 401)


def test_each_of_many_sessions_ends_at_the_time_of_its_own_chunk(
    api: Api, cast: Cast, clock: StillClock, db: Database
) -> None:
    """Other servers look only for sessions that ended in the last seconds."""
    db.execute_sql(
        f"WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers"
        f" WHERE n < {CHUNK_ROWS}) INSERT INTO reader_sessions (user_id, session_token)"
        f" SELECT {cast.ann.id}, 'token ' || n FROM numbers"
    )
    clock.advance(days=365)
    services = api.app.extensions["readwatch"]
    thread = RetentionThread(
        services.db,
        services.writer,
        lambda: clock.advance(minutes=1),
        session_timeout=timedelta(hours=1),
    )
    deadline = monotonic() + TIMEOUT
    while not thread.completed_rounds:
        assert monotonic() < deadline
        sleep(0.001)
    thread.close()
    assert fetch_all(db, ACTIVE) == [(0,)]
    assert fetch_all(db, "SELECT count(DISTINCT ended_at) FROM reader_sessions") == [(2,)]


def test_expired_staff_sessions_are_ended(
    api: Api, cara: ApiClient, clock: StillClock, db: Database
) -> None:
    clock.advance(hours=12)
    problem(cara.get("/api/me"), 401)
    retention_of(api).end_staff_sessions()
    assert fetch_all(db, "SELECT count(*) FROM staff_sessions WHERE is_active = TRUE") == [(0,)]


def test_at_its_start_a_service_ends_sessions_that_are_silent_for_longer_than_its_setting(
    url: str, cast: Any, api: Api, ann: ApiClient, clock: StillClock, db: Database
) -> None:
    clock.advance(minutes=10)
    for minutes, still_active in ((11, 1), (9, 0)):
        settings = Settings(url, bcrypt_cost=4, session_timeout=timedelta(minutes=minutes))
        create_app(settings, clock).extensions["readwatch"].close()
        assert fetch_all(db, ACTIVE) == [(still_active,)]


def test_the_number_of_readers_online_is_stored(
    api: Api, ann: ApiClient, clock: StillClock, db: Database
) -> None:
    clock.advance(minutes=1)
    retention_of(api).count_online()
    clock.advance(minutes=5)
    retention_of(api).count_online()
    counts = "SELECT readers FROM online_counts ORDER BY minute DESC LIMIT 2"
    assert fetch_all(db, counts) == [(0,), (1,)]


def test_expired_receipts_are_deleted_and_younger_ones_are_not(
    api: Api, ann: ApiClient, clock: StillClock
) -> None:
    def post(event_id: str) -> str:
        body = {"activity_type": "page_read", "event_id": event_id}
        return ann.post("/api/activities", body).get_json()["status"]

    post("old")
    clock.advance(days=30, seconds=1)
    post("young")
    retention_of(api).purge_expired()
    assert (post("old"), post("young")) == ("accepted", "duplicate")
