"""The application as a whole: no route mixes up readers, and the clock is the given one."""

from typing import Any

from conftest import NOON, StillClock
from ingest.api import Api, ApiClient, fetch_all, routes

from readwatch.ingest.app import create_app
from readwatch.ingest.services import Settings
from readwatch.store.engine.connections import Database, connection, is_sqlite
from readwatch.store.engine.database import EngineSettings


def test_a_reader_s_token_never_shows_or_changes_another_reader_s_data(
    api: Api, ann: ApiClient, ben: ApiClient, cast: Any, db: Database
) -> None:
    secret = {"activity_type": "page_read", "content_id": "b", "content_title": "Ben's secret"}
    ben.post("/api/activities", secret | {"event_id": "e1", "duration_seconds": 86_399})
    bens = "SELECT * FROM {} WHERE user_id = " + str(cast.ben.id)
    tables = ("reader_sessions", "reader_profiles", "reader_activities", "reader_content_progress")
    before = [fetch_all(db, bens.format(table)) for table in tables]
    lies = {"user_id": cast.ben.id, "session_id": 2, "reader_id": cast.ben.id, "id": 1}

    answers = [
        ann.request(method, path, json=lies | secret | {"event_id": "e1"}, query_string=lies)
        for method, path in sorted(routes(api) - {("POST", "/api/logout")})
        if "<" not in path
    ]
    answers.append(ann.post("/api/logout", lies))

    for answer in answers:
        assert answer.status_code < 500
        assert "ben" not in answer.text.lower()
        assert "1439" not in answer.text, "the minutes that Ben has read"
    assert [fetch_all(db, bens.format(table)) for table in tables] == before
    assert fetch_all(db, "SELECT user_id FROM reader_activities ORDER BY id") == [
        (cast.ben.id,),
        (cast.ann.id,),
    ]


def test_an_event_id_is_unique_per_reader_only(
    ann: ApiClient, ben: ApiClient, db: Database
) -> None:
    event = {"activity_type": "page_read", "event_id": "e1"}
    assert ben.post("/api/activities", event).get_json()["status"] == "accepted"
    assert ann.post("/api/activities", event).get_json()["status"] == "accepted"
    assert ann.post("/api/activities", event).get_json()["id"] == 2


def test_the_service_uses_the_given_clock(ann: ApiClient, db: Database) -> None:
    ann.post("/api/activities", {"activity_type": "page_read"})
    noon = NOON.strftime("%Y-%m-%d %H:%M:%S")
    times = fetch_all(
        db,
        "SELECT CAST(s.started_at AS VARCHAR), CAST(a.occurred_at AS VARCHAR),"
        " CAST(a.created_at AS VARCHAR) FROM reader_sessions s, reader_activities a",
    )
    assert all(time.startswith(noon) for time in times[0])


def test_requests_and_the_writer_have_the_settings_of_the_connections(
    url: str, clock: StillClock
) -> None:
    engine = EngineSettings(busy_seconds=7, cache_mib=9, pool_size=3, statement_seconds=4)
    app = create_app(Settings(url, bcrypt_cost=4, engine=engine, writer_cache_mib=11), clock)
    services = app.extensions["readwatch"]

    def state(db: Database) -> tuple[object, ...]:
        if is_sqlite(db):
            return tuple(
                db.execute_sql(f"PRAGMA {name}").fetchone()[0]
                for name in ("busy_timeout", "cache_size")
            )
        return db.execute_sql("SHOW statement_timeout").fetchone()[0], vars(db)["_max_connections"]

    with connection(services.db) as db:
        of_requests = state(db)
    of_writer = services.writer.run(state)
    services.close()
    on_sqlite = (7000, -9 * 1024), (7000, -11 * 1024)
    on_postgresql = ("4s", 3), ("10s", 3)
    assert (of_requests, of_writer) == (on_sqlite if is_sqlite(db) else on_postgresql)
