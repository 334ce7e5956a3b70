"""The clock of the server jumps: nobody is shut out by it, and nothing goes back."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from conftest import PASSWORD, Cast, StillClock
from endurance.apps import activity
from endurance.length import short_and_long
from endurance.truth import assert_healthy, events_kept
from ingest.api import Api, fetch_all

from readwatch.domain.lockout import LIMITS
from readwatch.store.engine.connections import Database

JUMPS = [timedelta(days=1), timedelta(hours=1), timedelta(minutes=10), timedelta(seconds=20)]


@short_and_long("jumps", 8, 200)
def test_apps_go_on_whatever_the_clock_does(
    api: Api,
    cast: Cast,
    db: Database,
    clock: StillClock,
    rng: Random,
    jumps: int,
    proved: Callable[[str], None],
) -> None:
    ann, anns = api.login("ann@example.org"), f"user_id = {cast.ann.id}"
    kept: dict[tuple[int, str], int] = {}
    heard: list[tuple[Any, ...]] = []
    for number in range(jumps):
        jump = rng.choice(JUMPS)
        clock.moment += -jump if rng.random() < 0.5 else jump
        answer = ann.post("/api/activities", activity(f"jump-{number}"))
        assert answer.status_code == 201, answer.text
        assert answer.get_json()["id"] > max(kept.values(), default=0)
        kept[(cast.ann.id, f"jump-{number}")] = answer.get_json()["id"]
        again = ann.post("/api/activities", activity(f"jump-{number}"))
        assert again.get_json() == {"id": answer.get_json()["id"], "status": "duplicate"}
        assert ann.post("/api/heartbeat").status_code == 200
        heard.append(*fetch_all(db, f"SELECT last_heartbeat FROM reader_sessions WHERE {anns}"))

        ben = api.login("ben@example.org")
        assert ben.get("/api/me").status_code == 200
        assert ben.post("/api/logout").status_code == 204
        assert ben.get("/api/me").status_code == 401

    api.stop()
    heard.append(*fetch_all(db, f"SELECT last_heartbeat FROM reader_sessions WHERE {anns}"))
    assert heard == sorted(heard)
    assert events_kept(db) == kept
    assert_healthy(db)
    proved(f"{jumps} jumps of the clock, back and forth by up to a day")


@short_and_long("back", timedelta(hours=1), timedelta(days=400))
def test_a_session_that_is_ended_elsewhere_is_noticed_after_a_jump_back(
    api: Api, db: Database, clock: StillClock, back: timedelta
) -> None:
    ann = api.login("ann@example.org")
    assert ann.get("/api/me").status_code == 200
    clock.moment -= back
    assert ann.get("/api/me").status_code == 200
    clock.advance(seconds=3)
    db.execute_sql(
        "UPDATE reader_sessions SET is_active = FALSE,"
        f" ended_at = '{clock():%Y-%m-%d %H:%M:%S}.000'"
    )
    assert ann.get("/api/me").status_code == 401


@short_and_long("back", timedelta(hours=1), timedelta(days=400))
def test_who_had_to_wait_does_not_wait_for_the_clock_to_catch_up(
    api: Api, clock: StillClock, back: timedelta
) -> None:
    credentials = {"email": "ann@example.org", "password": "a wrong password"}
    for _ in range(8):
        api.post("/api/login", credentials)
        clock.advance(minutes=1)
    clock.moment -= back
    for _ in range(2):
        api.post("/api/login", credentials)
    longest = max(limit.longest for limit in LIMITS.values())
    clock.moment += longest
    assert api.post("/api/login", credentials | {"password": PASSWORD}).status_code == 200
