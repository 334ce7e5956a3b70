"""Whether the service lives, whether it should get requests, and what it sheds when it is stuck."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
from ingest.api import Api, Caller, rows
from werkzeug.test import TestResponse

from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.recording import writer

LONG = 30
PAGE = {"activity_type": "page_read"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "WRITE_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(writer, "HEARTBEAT_SECONDS", 0.02)


@contextmanager
def locked(db: Database) -> Iterator[None]:
    """Let nobody else write, as a backup or an admin's forgotten transaction does."""
    with db.atomic():
        if not is_sqlite(db):
            db.execute_sql("LOCK TABLE reader_sessions IN EXCLUSIVE MODE")
        yield


def until(status: int, ask: Callable[[], TestResponse]) -> TestResponse:
    """Ask until the answer has this status."""
    deadline = time.monotonic() + LONG
    while (answer := ask()).status_code != status:
        assert time.monotonic() < deadline, answer.text
    return answer


def reasons(answer: TestResponse) -> list[str]:
    members: Any = answer.get_json(force=True)
    assert answer.content_type == "application/problem+json"
    assert members.keys() == {"type", "title", "status", "detail", "reasons"}
    assert int(answer.headers["Retry-After"]) >= 5
    return members["reasons"]


def test_anybody_can_ask_whether_the_service_lives(api: Api) -> None:
    answer = api.get("/livez")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok"}


def test_it_lives_also_while_the_database_cannot_answer(api: Api) -> None:
    api.app.extensions["readwatch"].close()
    assert api.get("/livez").status_code == 200


def test_anybody_can_ask_whether_it_is_ready(api: Api) -> None:
    answer = until(HTTPStatus.OK, lambda: api.get("/readyz"))
    assert answer.json == {"status": "ready"}


def test_one_that_stops_is_not_ready(api: Api) -> None:
    api.stop()
    assert reasons(api.get("/readyz")) == ["the service is stopping"]


def test_with_a_schema_from_the_future_it_is_not_ready_and_says_what_to_do(
    api: Api, db: Database
) -> None:
    db.execute_sql(
        "INSERT INTO schema_history (number, name, checksum)"
        " VALUES ((SELECT max(number) + 1 FROM schema_history), 'future', 'x')"
    )
    (reason,) = reasons(api.get("/readyz"))
    assert "upgrade readwatch" in reason


def test_while_the_database_is_locked_it_says_so_sheds_heartbeats_and_recovers_by_itself(
    api: Api, ann: Caller, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(db):
        until(HTTPStatus.SERVICE_UNAVAILABLE, lambda: ann.post("/api/heartbeat"))
        (reason,) = reasons(until(HTTPStatus.SERVICE_UNAVAILABLE, lambda: api.get("/readyz")))
        assert reason.startswith("the database could not be written for ")
        shed = ann.post("/api/heartbeat")
        assert shed.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert 15 <= int(shed.headers["Retry-After"]) <= 30
        assert ann.post("/api/activities", PAGE).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert api.get("/livez").status_code == HTTPStatus.OK

    until(HTTPStatus.OK, lambda: ann.post("/api/heartbeat"))
    until(HTTPStatus.OK, lambda: api.get("/readyz"))
    until(HTTPStatus.CREATED, lambda: ann.post("/api/activities", PAGE))
    assert rows(db, "SELECT id FROM reader_activities") == [(1,)], "what was refused is not there"
    told = [record.getMessage() for record in caplog.records if record.name.endswith(".load")]
    assert told[0].startswith("heartbeats are shed: the database could not be written")
    assert "heartbeats are taken again" in told
