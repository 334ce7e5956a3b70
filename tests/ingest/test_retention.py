"""The service ends and forgets by itself, one or several of them on a database."""

from datetime import timedelta
from typing import Any

from conftest import StillClock
from ingest.api import Api, Caller, problem, rows

from readwatch.ingest.app import create_app
from readwatch.ingest.retention import RetentionThread
from readwatch.ingest.services import Settings
from readwatch.store.engine.connections import Database
from readwatch.store.identity.session_cache import CHECK_EVERY

ACTIVE = "SELECT count(*) FROM reader_sessions WHERE is_active = TRUE AND ended_at IS NULL"


def cleanup_of(api: Api) -> RetentionThread:
    return api.app.extensions["readwatch"].cleanup


def test_the_token_of_a_session_that_was_silent_for_an_hour_is_refused(
    api: Api, ann: Caller, clock: StillClock
) -> None:
    clock.advance(minutes=60)
    cleanup_of(api).end_silent_sessions()
    assert ann.get("/api/me").status_code == 200
    clock.advance(seconds=1)
    cleanup_of(api).end_silent_sessions()
    clock.moment += CHECK_EVERY
    problem(ann.post("/api/heartbeat"), 401)


def test_the_clean_up_ends_a_session_of_staff_that_is_good_no_more(
    api: Api, cara: Caller, clock: StillClock, db: Database
) -> None:
    clock.advance(hours=12)
    problem(cara.get("/api/me"), 401)
    cleanup_of(api).end_staff_sessions()
    assert rows(db, "SELECT count(*) FROM staff_sessions WHERE is_active = TRUE") == [(0,)]


def test_a_service_ends_silent_sessions_as_soon_as_it_runs_and_after_as_long_as_it_was_told(
    url: str, cast: Any, api: Api, ann: Caller, clock: StillClock, db: Database
) -> None:
    clock.advance(minutes=10)
    for minutes, still_active in ((11, 1), (9, 0)):
        settings = Settings(url, bcrypt_cost=4, session_timeout=timedelta(minutes=minutes))
        create_app(settings, clock).extensions["readwatch"].close()
        assert rows(db, ACTIVE) == [(still_active,)]


def test_each_minute_is_noted_how_many_readers_are_online(
    api: Api, ann: Caller, clock: StillClock, db: Database
) -> None:
    clock.advance(minutes=1)
    cleanup_of(api).count_online()
    clock.advance(minutes=5)
    cleanup_of(api).count_online()
    counts = "SELECT readers FROM online_counts ORDER BY minute DESC LIMIT 2"
    assert rows(db, counts) == [(0,), (1,)]


def test_an_old_receipt_is_forgotten_and_a_younger_one_is_not(
    api: Api, ann: Caller, clock: StillClock
) -> None:
    def post(event_id: str) -> str:
        body = {"activity_type": "page_read", "event_id": event_id}
        return ann.post("/api/activities", body).json["status"]

    post("old")
    clock.advance(days=30, seconds=1)
    post("young")
    cleanup_of(api).forget()
    assert (post("old"), post("young")) == ("accepted", "duplicate")
