"""A literal implementation of the original design, with Flask instead of Go's net/http.

One statement is one commit; each request looks its token up; a heartbeat is an UPDATE; a batch is
a transaction of INSERTs. The recipe sets WAL, foreign keys and a timeout of 5 s, and pools at most
25 connections. It does not set `synchronous`, so both are measured: NORMAL, with which a power cut
can lose acknowledged data, and FULL.
"""

import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
from flask import Flask, abort, request

SCHEMA = Path(__file__).parents[2] / "tests" / "store" / "engine" / "seed_schema.sql"
CONNECTIONS = 25

_FIND_CALLER = """
SELECT s.id, u.id, u.user_role FROM reader_sessions s JOIN users u ON u.id = s.user_id
WHERE s.session_token = ? AND s.is_active = 1 AND u.is_active = 1 AND u.deleted_at IS NULL
"""
_UPDATE_HEARTBEAT = """
UPDATE reader_sessions SET last_heartbeat = CURRENT_TIMESTAMP
WHERE session_token = ? AND is_active = 1
"""
_LOG_ACTIVITY = """
INSERT INTO reader_activities
(user_id, session_id, activity_type, content_id, content_title,
 progress_percentage, duration_seconds, metadata_json)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def make_database(path: Path, tokens: list[str]) -> None:
    """Make the recipe's tables, with a reader and a session for each token."""
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode=WAL")
    db.execute(SCHEMA.read_text())
    with db:
        for number, token in enumerate(tokens, start=1):
            db.execute(
                "INSERT INTO users (id, email, password_hash, user_role, full_name) "
                "VALUES (?, ?, 'x', 'reader', ?)",
                (number, f"reader{number}@example.org", f"Reader {number}"),
            )
            db.execute(
                "INSERT INTO reader_sessions (user_id, session_token, device_type) "
                "VALUES (?, ?, 'tablet')",
                (number, token),
            )
    db.close()


def create_app(path: Path, *, synchronous: str) -> Flask:
    app = Flask(__name__, static_folder=None)
    pool: queue.LifoQueue[apsw.Connection] = queue.LifoQueue()
    for _ in range(CONNECTIONS):
        pool.put(_connect(path, synchronous))

    @contextmanager
    def connection() -> Iterator[apsw.Connection]:
        db = pool.get()
        try:
            yield db
        finally:
            pool.put(db)

    @app.post("/api/heartbeat")
    def heartbeat() -> tuple[str, int]:
        with connection() as db:
            token, _session_id, _user_id = _reader(db)
            db.execute(_UPDATE_HEARTBEAT, (token,))
        return "", 200

    @app.post("/api/activities")
    def activities() -> tuple[dict[str, object], int]:
        body = request.get_json(force=True)
        with connection() as db:
            _token, session_id, user_id = _reader(db)
            if "activities" not in body:
                db.execute(_LOG_ACTIVITY, _values(user_id, session_id, body))
                return {"status": "accepted"}, 201
            with _transaction(db):
                for activity in body["activities"]:
                    db.execute(_LOG_ACTIVITY, _values(user_id, session_id, activity))
        return {"results": [{"status": "accepted"} for _ in body["activities"]]}, 200

    return app


def _connect(path: Path, synchronous: str) -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.set_busy_timeout(5000)
    db.execute("PRAGMA foreign_keys=ON")
    db.execute(f"PRAGMA synchronous={synchronous}")
    return db


def _reader(db: apsw.Connection) -> tuple[str, int, int]:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    found = db.execute(_FIND_CALLER, (token,)).fetchone()
    if found is None:
        abort(401)
    session_id, user_id, user_role = found
    if user_role != "reader":
        abort(403)
    return token, session_id, user_id


@contextmanager
def _transaction(db: apsw.Connection) -> Iterator[None]:
    db.execute("BEGIN")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _values(user_id: int, session_id: int, activity: dict[str, object]) -> tuple[object, ...]:
    metadata = activity.get("metadata")
    return (
        user_id,
        session_id,
        activity["activity_type"],
        activity.get("content_id"),
        activity.get("content_title"),
        activity.get("progress_percentage"),
        activity.get("duration_seconds"),
        None if metadata is None else json.dumps(metadata),
    )
