"""The log: what an admin needs to know, without personal data."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from conftest import PASSWORD
from ingest.api import Api, ApiClient
from ingest.process import serving

from readwatch.domain.errors import unavailable
from readwatch.ingest import logs
from readwatch.ingest.services import _log_write_error
from readwatch.store.engine.connections import Database

PAGE = {"activity_type": "page_read", "content_id": "emma-1815", "content_title": "a secret"}
PERSONAL = ("ann@example.org", "Ann", "emma-1815", "a secret", PASSWORD, "127.0.0.1")

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def hide_tables(db: Database) -> None:
    db.execute_sql("ALTER TABLE reader_activities RENAME TO hidden")


@on_sqlite
def test_json_lines_contain_no_personal_data(url: str, cast: object, db: Database) -> None:
    with serving(url, environment={"READWATCH_LOG_FORMAT": "json"}) as server:
        ann = server.app("ann@example.org")
        hide_tables(db)
        assert [ann.post("/api/activities", PAGE)[0] for _ in range(5)] == [503] * 5
        code, _, err = server.stop()

    anchored, *lines = [json.loads(line) for line in err.splitlines()]
    assert anchored["message"].startswith("access log anchored: ")
    # The anchor at the end is left out if it repeats the first one within a second.
    lines = [line for line in lines if not line["message"].startswith("access log anchored: ")]
    assert (code, [line["level"] for line in lines]) == (0, ["INFO", "WARNING", "INFO"])
    first, refusal, last = lines
    assert first.keys() == last.keys() == {"time", "level", "message"}
    assert (first["message"], last["message"]) == ("started", "stopped")
    assert refusal["request_id"]
    assert refusal["message"].startswith("503 for POST /api/activities: this database has no ")
    assert [word for word in (*PERSONAL, ann.token) if word in err] == []


@on_sqlite
def test_by_default_the_lines_are_plain_text(url: str, cast: object, db: Database) -> None:
    with serving(url) as server:
        ann = server.app("ann@example.org")
        hide_tables(db)
        ann.post("/api/activities", PAGE)
        _, _, err = server.stop()
    (line,) = err.splitlines()
    assert " WARNING [" in line
    assert "] 503 for POST /api/activities: this database has no readwatch schema" in line


@on_sqlite
def test_each_response_has_the_id_of_its_request(api: Api, ann: ApiClient) -> None:
    answers = [api.get("/livez"), api.get("/nothing"), api.post("/api/heartbeat"), ann.get("/")]
    assert len({answer.headers["X-Request-ID"] for answer in answers}) == 4

    proxied = api.get("/livez", headers={"X-Request-ID": "proxy.4711_a-b"})
    assert proxied.headers["X-Request-ID"] == "proxy.4711_a-b"
    for odd in ("", "x" * 65, "a b", "\x1b[31m", "<b>", "\u00e9"):
        request_id = api.get("/livez", headers={"X-Request-ID": odd}).headers["X-Request-ID"]
        assert request_id != odd
        assert request_id.isascii()


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged; afterwards logging is configured as before."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.install("plain")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    lines = io.StringIO()
    handler.setStream(lines)
    yield lines
    root.handlers[:], root.level = before, level


def test_of_an_exception_the_type_and_the_line_are_logged_without_its_text(
    written: io.StringIO,
) -> None:
    try:
        raise LookupError("a secret")
    except LookupError:
        logging.getLogger("_other").exception("it failed\nbadly")
    (line,) = written.getvalue().splitlines()
    assert "ERROR it failed badly: LookupError in ingest/test_logs.py, line " in line
    assert "secret" not in line


def test_a_line_is_not_repeated_within_seconds(written: io.StringIO) -> None:
    for step in range(100):
        logging.getLogger("any").warning("the disk is full")
        logging.getLogger("any").warning("%s of 2", step % 2)
    assert len(written.getvalue().splitlines()) == 3


def test_each_change_of_a_state_has_its_line_also_if_the_last_one_was_a_second_ago(
    written: io.StringIO,
) -> None:
    for _ in range(2):
        _log_write_error(unavailable("the disk is full"))
        _log_write_error(None)
    assert [line.split(" ", 1)[1] for line in written.getvalue().splitlines()] == [
        "WARNING all writes are refused: the disk is full",
        "WARNING the database is written again",
    ] * 2
