"""A running server logs its slow statements, on stderr and in the file that `db health` reads."""

import json
from pathlib import Path

from conftest import Cast
from ingest.process import App, serving

from readwatch.cli.settings import default_slow_query_log
from readwatch.domain.slow_queries import read_slow_queries
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.locks import Lock, acquire_lock

PAGE = {"activity_type": "page_read", "content_id": "emma-1815", "content_title": "a secret"}


def post_until_accepted(app: App) -> None:
    while (status := app.post("/api/activities", PAGE)[0]) == 503:
        pass  # the writer tries again each second
    assert status in (200, 201)


def test_a_write_that_waits_for_a_lock_is_logged_without_its_values(
    url: str, cast: Cast, db: Database
) -> None:
    limit = {"READWATCH_SLOW_QUERY_MS": "1000", "READWATCH_LOG_FORMAT": "json"}
    with serving(url, environment=limit) as server:
        ann = server.app(cast.ann.email)
        with db.atomic():  # BEGIN IMMEDIATE on SQLite
            acquire_lock(db, Lock.ROLLUPS)
            assert ann.post("/api/activities", PAGE)[0] == 503
        post_until_accepted(ann)
        _, _, err = server.stop()

    messages = [json.loads(line)["message"] for line in err.splitlines()]
    slow = next(message for message in messages if message.startswith("slow query, "))
    assert slow.endswith(" ms: BEGIN") if is_sqlite(db) else "pg_advisory_xact_lock" in slow
    (query, *_) = read_slow_queries(default_slow_query_log(url))
    assert query.sentence == slow
    assert (query.program, query.milliseconds > 1000) == ("serve", True)
    for word in ("a secret", "emma-1815", cast.ann.email):
        assert word not in err


def test_a_file_that_cannot_be_written_is_told_and_the_server_goes_on(
    url: str, cast: Cast, db: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("not a folder")
    limit = {
        "READWATCH_SLOW_QUERY_MS": "1000",
        "READWATCH_SLOW_QUERY_LOG": str(folder / "file" / "slow.txt"),
    }
    with serving(url, environment=limit) as server:
        ann = server.app(cast.ann.email)
        with db.atomic():
            acquire_lock(db, Lock.ROLLUPS)
            assert ann.post("/api/activities", PAGE)[0] == 503
        post_until_accepted(ann)
        code, _, err = server.stop()

    assert code == 0
    assert "no slow queries in their file: " in err
