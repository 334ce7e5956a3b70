"""Errors that no body causes: unknown paths, wrong methods and internal errors."""

import logging
from itertools import product

import pytest
from conftest import PASSWORD
from ingest.api import Api, ApiClient, all_rows, problem

from readwatch.store.engine.connections import Database, is_sqlite

TITLE = "a secret of Ann"
PAGE = {"activity_type": "page_read", "content_title": TITLE, "content_id": "emma-1815"}


UNKNOWN = ["/", "/api", "/api/", "/api/nothing", "/api/me/", "/livez/", "/API/ME", "/static/x"]


def test_an_unknown_path_is_a_404(api: Api, ann: ApiClient) -> None:
    for client, method, path in product((api, ann), ("GET", "POST", "DELETE"), UNKNOWN):
        members = problem(client.request(method, path), 404)
        assert members["detail"] == "this address does not exist"


def test_a_wrong_method_is_a_405_with_the_allowed_ones(api: Api) -> None:
    for method, path, allowed in (
        ("GET", "/api/login", {"POST", "OPTIONS"}),
        ("GET", "/api/logout", {"POST", "OPTIONS"}),
        ("PUT", "/api/heartbeat", {"POST", "OPTIONS"}),
        ("DELETE", "/api/me", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/livez", {"GET", "HEAD", "OPTIONS"}),
        ("BREW", "/livez", {"GET", "HEAD", "OPTIONS"}),
    ):
        answer = api.request(method, path)
        problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == allowed, (method, path)


def break_writing(db: Database) -> None:
    """Make the engine fail unexpectedly, with the title in its error message."""
    if is_sqlite(db):
        db.execute_sql(
            "CREATE TRIGGER broken BEFORE INSERT ON reader_content_progress BEGIN"
            " SELECT RAISE(ABORT, NEW.content_title); END"
        )
        return
    db.execute_sql(
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION USING MESSAGE = NEW.content_title; END'"
    )
    db.execute_sql(
        "CREATE TRIGGER broken BEFORE INSERT ON reader_content_progress"
        " FOR EACH ROW EXECUTE FUNCTION broken()"
    )


@pytest.mark.parametrize("body", [PAGE, {"activities": [PAGE | {"content_id": None}, PAGE]}])
def test_an_internal_error_reveals_nothing_and_stores_nothing(
    ann: ApiClient, db: Database, caplog: pytest.LogCaptureFixture, body: dict[str, object]
) -> None:
    break_writing(db)
    before = all_rows(db)

    with caplog.at_level(logging.INFO):
        answer = ann.post("/api/activities", body)

    assert problem(answer, 500)["detail"] == "internal error; the service logged the cause"
    assert TITLE not in answer.text
    (entry,) = caplog.records
    assert entry.levelname == "ERROR"
    assert "internal error for POST /api/activities: " in entry.getMessage()
    assert entry.exc_info is None
    for personal in (TITLE, "emma-1815", "example.org", ann.token, PASSWORD):
        assert personal not in caplog.text
    assert all_rows(db) == before


def test_after_an_internal_error_the_service_goes_on(
    ann: ApiClient, ben: ApiClient, db: Database
) -> None:
    break_writing(db)
    ann.post("/api/activities", PAGE)
    assert ann.post("/api/activities", {"activity_type": "page_read"}).status_code == 201
    db.execute_sql("DROP TRIGGER broken" + ("" if is_sqlite(db) else " ON reader_content_progress"))
    assert ben.post("/api/activities", PAGE).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/login", {"email": "ann@example.org", "password": PASSWORD}),
        ("POST", "/api/activities", PAGE),
        ("POST", "/api/heartbeat", None),
        ("GET", "/api/me", None),
    ],
)
def test_without_its_tables_the_service_is_unavailable(
    ann: ApiClient,
    db: Database,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    body: dict[str, object] | None,
) -> None:
    for table in ("users", "reader_sessions", "reader_activities"):
        db.execute_sql(f"ALTER TABLE {table} RENAME TO {table}_moved")

    answer = ann.request(method, path, json=body)

    members = problem(answer, 503)
    assert members["detail"].startswith("the service is temporarily unavailable")
    assert "run: readwatch init" not in answer.text
    assert "no readwatch schema" in caplog.text
    assert int(answer.headers["Retry-After"]) > 0
    for personal in (TITLE, "example.org", PASSWORD):
        assert personal not in answer.text + caplog.text


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_stopping_service_asks_apps_to_try_again(api: Api, ann: ApiClient) -> None:
    """Only on SQLite: the pool of PostgreSQL opens its connections again."""
    api.app.extensions["readwatch"].close()

    answer = ann.post("/api/activities", PAGE)

    assert "send the request again" in problem(answer, 503)["detail"]
    assert int(answer.headers["Retry-After"]) > 0
