"""Liveness, readiness, and load shedding while the database cannot be written."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
from conftest import PASSWORD
from ingest.api import Api, ApiClient, all_rows, fetch_all, problem
from werkzeug.test import TestResponse

from readwatch import __version__
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.store.recording import writer

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

TIMEOUT = 30
PAGE = {"activity_type": "page_read"}


@pytest.fixture(autouse=True)
def short_timeouts(ann: ApiClient, cara: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """They begin after the logins, which may take long on a busy machine."""
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


def test_readyz_needs_no_token_and_tells_version_and_schema(api: Api, db: Database) -> None:
    answer = until(HTTPStatus.OK, lambda: api.get("/readyz"))
    schema = fetch_all(db, "SELECT max(number) FROM schema_history")[0][0]
    assert answer.get_json() == {"status": "ready", "version": __version__, "schema": schema}


def test_a_stopping_service_is_not_ready(api: Api) -> None:
    api.stop()
    assert reasons(api.get("/readyz")) == ["the service is stopping"]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged about all writes, and any other 503."""
    messages = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
    return [
        message
        for message in messages
        if any(words in message for words in ("all writes", "503", "written again", "delayed"))
    ]


def test_with_a_newer_schema_the_service_writes_nothing_and_says_what_to_do(
    api: Api, ann: ApiClient, cara: ApiClient, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    db.execute_sql(
        "INSERT INTO schema_history (number, name, checksum)"
        " VALUES ((SELECT max(number) + 1 FROM schema_history), 'future', 'x')"
    )
    before = all_rows(db)
    problem(ann.post("/api/activities", PAGE), 503)
    problem(ann.post("/api/heartbeat"), 503)
    problem(cara.get("/api/readers/online"), 503)
    (reason,) = reasons(api.get("/readyz"))
    assert "upgrade readwatch" in reason
    (line,) = lines(caplog)
    assert line.startswith("ERROR all writes are refused: upgrade readwatch: the database has")
    assert all_rows(db) == before


@on_sqlite
def test_without_the_file_that_it_opened_the_service_refuses_all_until_the_file_is_back(
    api: Api, ann: ApiClient, cara: ApiClient, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert cara.get("/api/readers/online").status_code == HTTPStatus.OK
    file = sqlite_path(url)
    away = file.rename(file.with_name("away"))
    deadline = time.monotonic() + TIMEOUT
    while not lines(caplog):  # without any request
        assert time.monotonic() < deadline
    problem(ann.post("/api/heartbeat"), 503)
    problem(ann.post("/api/activities", PAGE), 503)
    problem(ann.get("/api/me"), 503)
    problem(cara.get("/api/readers/online"), 503)  # its entry of a minute ago is in the lost file
    problem(api.post("/api/login", {"email": "ben@example.org", "password": PASSWORD}), 503)
    (reason,) = reasons(api.get("/readyz"))
    assert f"{file} was removed or replaced" in reason
    (line,) = lines(caplog)
    assert line.startswith(f"ERROR all writes are refused: {file} was removed or replaced")

    away.rename(file)
    until(HTTPStatus.OK, lambda: api.get("/readyz"))
    assert ann.post("/api/heartbeat").status_code == HTTPStatus.OK
    assert ann.post("/api/activities", PAGE).status_code == HTTPStatus.CREATED
    assert lines(caplog)[1:] == ["WARNING the database is written again"]


def test_a_heartbeat_without_a_valid_token_is_told_so_also_when_heartbeats_are_refused(
    api: Api, ann: ApiClient, db: Database
) -> None:
    with locked(db):
        until(HTTPStatus.SERVICE_UNAVAILABLE, lambda: ann.post("/api/heartbeat"))
        problem(api.with_token("unknown").post("/api/heartbeat"), 401)


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
