"""Liveness, readiness, and load shedding while the database cannot be written."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
from ingest.api import Api, ApiClient, fetch_all
from werkzeug.test import TestResponse

from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.recording import writer

TIMEOUT = 30
PAGE = {"activity_type": "page_read"}


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "WRITE_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(writer, "HEARTBEAT_FLUSH_SECONDS", 0.02)


@contextmanager
def locked(db: Database) -> Iterator[None]:
    """Block all other writers, as an open transaction of an admin does."""
    with db.atomic():
        if not is_sqlite(db):
            db.execute_sql("LOCK TABLE reader_sessions IN EXCLUSIVE MODE")
        yield


def until(status: int, send: Callable[[], TestResponse]) -> TestResponse:
    """Repeat a request until the response has this status."""
    deadline = time.monotonic() + TIMEOUT
    while (answer := send()).status_code != status:
        assert time.monotonic() < deadline, answer.text
    return answer


def reasons(answer: TestResponse) -> list[str]:
    members: Any = answer.get_json(force=True)
    assert answer.content_type == "application/problem+json"
    assert members.keys() == {"type", "title", "status", "detail", "reasons"}
    assert int(answer.headers["Retry-After"]) >= 5
    return members["reasons"]


def test_livez_needs_no_token(api: Api) -> None:
    answer = api.get("/livez")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ok"}


def test_livez_answers_also_without_the_database(api: Api) -> None:
    api.app.extensions["readwatch"].close()
    assert api.get("/livez").status_code == 200


def test_readyz_needs_no_token(api: Api) -> None:
    answer = until(HTTPStatus.OK, lambda: api.get("/readyz"))
    assert answer.get_json() == {"status": "ready"}


def test_a_stopping_service_is_not_ready(api: Api) -> None:
    api.stop()
    assert reasons(api.get("/readyz")) == ["the service is stopping"]


def test_with_a_newer_schema_the_service_is_not_ready_and_says_what_to_do(
    api: Api, db: Database
) -> None:
    db.execute_sql(
        "INSERT INTO schema_history (number, name, checksum)"
        " VALUES ((SELECT max(number) + 1 FROM schema_history), 'future', 'x')"
    )
    (reason,) = reasons(api.get("/readyz"))
    assert "upgrade readwatch" in reason


def test_while_the_database_is_locked_heartbeats_are_shed_and_afterwards_accepted_again(
    api: Api, ann: ApiClient, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(db):
        until(HTTPStatus.SERVICE_UNAVAILABLE, lambda: ann.post("/api/heartbeat"))
        (reason,) = reasons(until(HTTPStatus.SERVICE_UNAVAILABLE, lambda: api.get("/readyz")))
        assert reason.startswith("the database has accepted no write for ")
        shed = ann.post("/api/heartbeat")
        assert shed.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert 15 <= int(shed.headers["Retry-After"]) <= 30
        assert ann.post("/api/activities", PAGE).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert api.get("/livez").status_code == HTTPStatus.OK

    until(HTTPStatus.OK, lambda: ann.post("/api/heartbeat"))
    until(HTTPStatus.OK, lambda: api.get("/readyz"))
    until(HTTPStatus.CREATED, lambda: ann.post("/api/activities", PAGE))
    assert fetch_all(db, "SELECT id FROM reader_activities") == [(1,)], (
        "refused activities are not stored"
    )
    messages = [
        record.getMessage() for record in caplog.records if record.name.endswith(".load_shedding")
    ]
    assert messages[0].startswith("refusing heartbeats: the database has accepted no write")
    assert "accepting heartbeats again" in messages
