"""Another program holds the database's lock: everybody is told to come back, soon, and can."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import Any

from conftest import Cast
from endurance.apps import StubbornApp, Told, activity
from endurance.length import short_and_long
from endurance.truth import assert_healthy, assert_no_fault, events_kept
from ingest.api import invalid_fields
from ingest.process import serving

from readwatch.store.engine.connections import Database, is_sqlite


@short_and_long("times, devices", (1, 8), (3, 24))
def test_who_is_refused_while_it_is_locked_is_kept_once_afterwards(
    url: str,
    cast: Cast,
    db: Database,
    times: int,
    devices: int,
    proved: Callable[[str], None],
) -> None:
    """On PostgreSQL a table is locked, in SQLite there are no smaller locks than the file's."""
    word = Told()
    longest = 0.0

    def refused(app: StubbornApp, body: Any) -> float:
        began = monotonic()
        status, answer = app.once("POST", "/api/activities", body)  # hangs: a time-out
        invalid_fields(answer, 503)
        assert status == 503
        assert app.retry_after > 0
        return monotonic() - began

    with serving(url) as server, ExitStack() as stack, ThreadPoolExecutor(devices) as threads:
        apps = [
            StubbornApp(server.port, (cast.ann, cast.ben)[number % 2].email)
            for number in range(devices)
        ]
        for app in apps:
            stack.callback(app.connection.close)
            app.login()
        for turn in range(times):
            events = [f"turn {turn} device {number}" for number in range(devices)]
            bodies = [activity(event) for event in events]
            with locked(db):
                waited = threads.map(refused, apps, bodies)
                longest = max(longest, *waited)
                assert apps[0].once("GET", "/api/me")[0] == 200
            for app, event, body in zip(apps, events, bodies, strict=True):
                status, answer = app.post("/api/activities", body)
                # A write that has begun may outlive its request on PostgreSQL.
                assert status == 201 or (status == 200 and not is_sqlite(db))
                word.note(app, event, answer)
        code, _, log = server.stop()
        assert code == 0
        assert_no_fault(log)

    assert events_kept(db) == word.activities
    assert len(word.activities) == times * devices
    assert_healthy(db)
    proved(
        f"{times} times a locked database: {devices} devices refused with 503 after {longest:.1f} s"
        " at most, then kept once each"
    )


@contextmanager
def locked(db: Database) -> Iterator[None]:
    """Hold the lock that every activity needs."""
    with db.atomic():  # BEGIN IMMEDIATE on SQLite
        if not is_sqlite(db):
            db.execute_sql("LOCK TABLE reader_activities IN SHARE ROW EXCLUSIVE MODE")
        yield
