"""The service anchors the access log outside of the database, and reports what is missing."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from conftest import StillClock
from ingest.api import Api
from ingest.process import TIMEOUT, serving

from readwatch.cli.settings import default_anchor_log
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.audit_chain import Head, read_anchors
from readwatch.ingest import anchoring
from readwatch.ingest.app import create_app
from readwatch.ingest.services import Settings
from readwatch.store.audit.heads import current_head
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database, is_sqlite

LOG = "consultant_access_log"

Running = Callable[[], Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "readwatch" / "anchors.txt"


@pytest.fixture
def running(url: str, cast: Any, clock: StillClock, file: Path) -> Running:
    """`running()` is a service that writes its anchors to the file."""

    @contextmanager
    def running() -> Iterator[Api]:
        app = create_app(Settings(url, bcrypt_cost=4, anchor_log=file), clock)
        yield Api(app.test_client(), app=app)
        app.extensions["readwatch"].close()

    return running


def test_the_head_is_anchored_at_the_start_and_at_the_end(
    running: Running, file: Path, db: Database, clock: StillClock
) -> None:
    with running() as api:
        api.login("cara@example.org")
    first, last = read_anchors(file)
    assert (first.anchored_at, first.head) == (clock(), Head())
    assert (last.head, last.head.entries) == (current_head(db), 1)
    assert file.stat().st_mode & 0o777 == 0o600
    for folder in (file.parent, file.parent.parent):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_it_is_anchored_again_and_again_in_between(
    running: Running, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchoring, "ANCHOR_SECONDS", 0.01)
    deadline = monotonic() + TIMEOUT
    with running():
        while len(read_anchors(file)) < 4:
            assert monotonic() < deadline
            sleep(0.001)
    assert len(read_anchors(file)) >= 5


def test_each_anchor_is_in_the_log_of_the_service_too(
    running: Running, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "readwatch.ingest.anchoring"), running():
        pass
    lines = [f"access log anchored: {anchor.line.rstrip()}" for anchor in read_anchors(file)]
    assert caplog.messages == lines


def forge(db: Database, *statements: str) -> None:
    """Run statements of the owner without the trigger that forbids to delete entries."""
    trigger = f"{LOG}_keeps_rows"
    if not is_sqlite(db):
        db.execute_sql(f"ALTER TABLE {LOG} DISABLE TRIGGER {trigger}")
    else:
        (sql,) = db.execute_sql(
            f"SELECT sql FROM sqlite_schema WHERE name = '{trigger}'"
        ).fetchone()
        db.execute_sql(f"DROP TRIGGER {trigger}")
    for statement in statements:
        db.execute_sql(statement)
    db.execute_sql(sql if is_sqlite(db) else f"ALTER TABLE {LOG} ENABLE TRIGGER {trigger}")


def test_a_log_without_its_end_is_reported_at_the_start_and_the_service_runs(
    running: Running, file: Path, db: Database, cast: Any, clock: StillClock,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    for _ in range(3):
        log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
    with running():
        pass
    forge(db, f"DELETE FROM {LOG} WHERE id > 1")
    caplog.clear()
    with caplog.at_level(logging.ERROR, "readwatch.ingest.anchoring"), running() as api:
        api.login("ann@example.org")
    numbered, missing = caplog.messages
    assert "the log was cut off after entry 1: the database has numbered entries up" in numbered
    assert missing == (
        "access log: the access log was cut off or rewritten: entry 3, its last one at "
        "2026-11-22 12:00:00 UTC, is missing; run: readwatch audit verify"
    )


def test_a_missing_trigger_is_reported_at_the_start(
    running: Running, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    db.execute_sql(f"DROP TRIGGER {LOG}_keeps_values{'' if is_sqlite(db) else f' ON {LOG}'}")
    with caplog.at_level(logging.ERROR, "readwatch.ingest.anchoring"), running():
        pass
    assert caplog.messages == [
        f"access log: trigger {LOG}_keeps_values is missing; run: readwatch audit verify"
    ]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_file_that_cannot_be_written_stops_nothing(
    url: str, cast: Any, clock: StillClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    settings = Settings(url, bcrypt_cost=4, anchor_log=tmp_path / "state" / "anchors.txt")
    with caplog.at_level(logging.WARNING, "readwatch.ingest.anchoring"):
        app = create_app(settings, clock)
        Api(app.test_client(), app=app).login("ann@example.org")
        app.extensions["readwatch"].close()
    assert caplog.messages
    assert all(line.startswith("no anchor of the access log") for line in caplog.messages)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_serve_writes_to_the_file_that_audit_verify_reads(url: str, cast: Any) -> None:
    with serving(url) as server:
        server.app("cara@example.org")
        server.stop()
    anchors = read_anchors(default_anchor_log(url))
    assert [anchor.head.entries for anchor in anchors] == [0, 1]
