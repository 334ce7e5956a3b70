"""`readwatch serve`: each option reaches the service."""

import json
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from cli.shell import parsed
from conftest import PASSWORD, Cast
from ingest.process import TIMEOUT, serving

from readwatch.store.engine.connections import Database
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token, new_token


@pytest.fixture
def engine() -> str:
    """Nothing here depends on the engine."""
    return "sqlite"


def test_the_defaults_are_those_of_the_documentation() -> None:
    options = parsed("serve")
    assert (options["host"], options["port"]) == ("127.0.0.1", 8765)
    assert (options["session_timeout"], options["metrics"]) == (60, "loopback")
    assert (options["proxy_hops"], options["log_format"]) == (0, "plain")
    assert options["viewers_shown_by"] == "role"
    assert (options["busy_timeout"], options["statement_timeout"]) == (5, None)
    assert (options["page_cache"], options["writer_cache"]) == (None, 64)
    assert (options["pool_size"], options["slow_query_ms"]) == (20, 500)


def test_the_writer_waits_as_long_as_the_busy_timeout_says(
    url: str, cast: Cast, db: Database
) -> None:
    limits = {"READWATCH_BUSY_TIMEOUT": "1", "READWATCH_SLOW_QUERY_MS": "900"}
    with serving(url, environment=limits) as service:
        app = service.app(cast.ann.email)
        with db.atomic():
            page = {"activity_type": "page_read"}
            assert app.post("/api/activities", page)[0] == 503, "after 2 s"
        code, _, err = service.stop()
    assert code == 0
    assert "all writes are refused: the database is busy" in err, "with 5 s it would still wait"
    assert "slow query, " in err


def test_the_service_does_what_its_settings_say(url: str, cast: Cast, db: Database) -> None:
    for user, silent_minutes in ((cast.ann, 80), (cast.ben, 100)):
        since = datetime.now(UTC) - timedelta(minutes=silent_minutes)
        open_session(db, user, hash_token(new_token()), since)
    settings = {
        "READWATCH_SESSION_TIMEOUT": "90",
        "READWATCH_METRICS": "off",
        "READWATCH_PROXY_HOPS": "1",
        "READWATCH_LOG_FORMAT": "json",
        "READWATCH_VIEWERS_SHOWN_BY": "name",
    }
    with serving(url, environment=settings) as service:
        app = service.app()
        deadline = monotonic() + TIMEOUT
        while len(open_sessions(db)) == 2 and monotonic() < deadline:
            assert app.request("GET", "/livez")[0] == 200
        assert open_sessions(db) == [cast.ann.id]

        assert app.request("GET", "/metrics")[0] == 403
        ann, cara = service.app(cast.ann.email), service.app(cast.cara.email)
        assert cara.request("GET", f"/api/readers/{cast.ann.id}")[0] == 200
        assert "Cara Cook" in json.dumps(ann.request("GET", "/api/me/access-log")[1])

        login = json.dumps({"email": cast.ben.email, "password": PASSWORD})
        app.connection.request("POST", "/api/login", login, {"X-Forwarded-For": "203.0.113.9"})
        assert app.connection.getresponse().status == 200
        service.process.terminate()
        _, log = service.process.communicate(timeout=TIMEOUT)

    assert [type(json.loads(line)) for line in log.splitlines()] == [dict] * len(log.splitlines())
    last_address = "SELECT ip_address FROM reader_sessions ORDER BY id DESC LIMIT 1"
    assert db.execute_sql(last_address).fetchone() == ("203.0.113.9",)


def open_sessions(db: Database) -> list[int]:
    """Return the readers with an open session."""
    sql = "SELECT user_id FROM reader_sessions WHERE is_active ORDER BY user_id"
    return [user_id for (user_id,) in db.execute_sql(sql)]
