"""Acknowledged means committed: the server is killed at random moments, and stands by its word."""

import os
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from threading import Event
from time import sleep
from typing import Self

import pytest
from conftest import Cast
from endurance.apps import Lost, StubbornApp, Told, activity
from endurance.length import short_and_long
from endurance.truth import assert_healthy, assert_no_fault, events_kept
from ingest.api import fetch_all
from ingest.process import TIMEOUT, ServerProcess, serving

from readwatch.domain.errors import ReadwatchError
from readwatch.ingest.listen_address import listening_port
from readwatch.store.engine.connections import close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.store.engine.times import from_db_time

MAY_LOSE_SECONDS = 1.0
"""As much of the acknowledged heartbeats as a crash may cost."""

SLACK_SECONDS = 1.0
"""What a machine with other things to do may add to that."""

ANSWER_TIMEOUT = 10 * TIMEOUT
"""Seconds in which an app gets an answer; on a busy machine it meets many kills meanwhile."""

FILE_LOST = "was removed or replaced while this program used it"


class Crowd:
    """Apps that go on through all kills."""

    def __init__(self, port: int, rng: Random) -> None:
        self.told = Told()
        self.stop, self.beating = Event(), Event()
        self.heard: dict[int, list[tuple[datetime, datetime]]] = {}
        self._port, self._rng = port, rng
        self._threads = ThreadPoolExecutor(16)
        self.apps: list[StubbornApp] = []
        self._work: list[Future[None]] = []

    def start(self) -> None:
        """Let ann and ben read on four devices, post batches, log in, resume and be here."""
        for behave in (
            *(self._read,) * 4,
            *(self._come_back,) * 2,
            self._log_in,
            self._resume,
            *(self._beat,) * 2,
        ):
            email = f"{self._rng.choice(('ann', 'ben'))}@example.org"
            app = StubbornApp(self._port, email, ANSWER_TIMEOUT)
            app.login()
            self.apps.append(app)
            name = f"{behave.__name__[1:]}-{len(self.apps)}"
            self._work.append(self._threads.submit(behave, app, name, Random(self._rng.random())))

    def check(self) -> None:
        """Fail if one of the apps was told something that cannot be."""
        for work in self._work:
            if work.done():
                work.result()

    def finish(self) -> None:
        """Let every app ask until it has its answer."""
        self.stop.set()
        self.beating.set()
        for work in self._work:
            work.result(TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.beating.set()
        self._threads.shutdown()
        for app in self.apps:
            app.connection.close()

    def _read(self, app: StubbornApp, name: str, rng: Random) -> None:
        """One activity a request; some are sent again although they were answered."""
        for number in count():
            if self.stop.is_set():
                return
            again = number and rng.random() < 0.1
            event_id = f"{name}-{rng.randrange(number) if again else number}"
            status, answer = app.post("/api/activities", activity(event_id))
            assert status in (200, 201), answer
            self.told.note(app, event_id, answer)

    def _come_back(self, app: StubbornApp, name: str, rng: Random) -> None:
        """Batches, which overlap: the first items of each are the last of the one before."""
        begin = 0
        while not self.stop.is_set():
            end = begin + rng.randint(1, 50)
            event_ids = [f"{name}-{number}" for number in range(max(0, begin - 3), end)]
            batch = [activity(event_id) for event_id in event_ids]
            status, answer = app.post("/api/activities", {"activities": batch})
            assert status == 200, answer
            for event_id, item in zip(event_ids, answer["results"], strict=True):
                self.told.note(app, event_id, item)
            begin = end

    def _log_in(self, app: StubbornApp, _name: str, _rng: Random) -> None:
        while not self.stop.is_set():
            self.told.sessions.add(app.login())
            sleep(0.05)

    def _resume(self, app: StubbornApp, _name: str, _rng: Random) -> None:
        while not self.stop.is_set():
            self.told.sessions.add(app.resume())
            sleep(0.05)

    def _beat(self, app: StubbornApp, _name: str, _rng: Random) -> None:
        session_id = app.login()
        while not self.stop.is_set():
            self.beating.wait()
            sent_at = datetime.now(UTC)
            with suppress(Lost):
                status, answer = app.once("POST", "/api/heartbeat")
                assert status in (200, 503), answer
                if status == 200:
                    self.heard.setdefault(session_id, []).append((sent_at, datetime.now(UTC)))
            sleep(0.02)


@dataclass
class MovedFile:
    """The database file of SQLite, which an admin replaces by mistake and moves back."""

    file: Path
    other: Path
    times: int = 0

    @property
    def _away(self) -> Path:
        return self.file.with_name("away")

    def replace(self) -> None:
        self.times += 1
        shutil.copy(self.other, self.file.with_name("copy"))
        self.file.rename(self._away)
        self.file.with_name("copy").rename(self.file)

    def move_back(self) -> None:
        if self._away.exists():
            self._away.rename(self.file)


@pytest.fixture
def moved_file(engine: str, url: str, tmp_path: Path) -> MovedFile | None:
    """None on PostgreSQL."""
    if engine != "sqlite":
        return None
    return MovedFile(
        sqlite_path(url), Path(shutil.copy(sqlite_path(url), tmp_path / "another database"))
    )


@short_and_long("rounds", 2, 200)
def test_what_was_acknowledged_survives_any_kill(
    url: str,
    cast: Cast,
    rng: Random,
    moved_file: MovedFile | None,
    rounds: int,
    progress: Callable[[str], None],
    proved: Callable[[str], None],
) -> None:
    """Not a power cut: what the system has taken over to write, it still writes."""
    port = a_port(rng)
    losses = []
    with Crowd(port, rng) as crowd:
        with serving(url, port) as server:
            crowd.start()
            failed_at = kill_soon(server, crowd, rng, moved_file)
        for number in range(1, rounds):
            with serving(url, port) as server:
                losses.append(seconds_lost(url, crowd, failed_at))
                failed_at = kill_soon(server, crowd, rng, moved_file if number % 2 else None)
            if number % 10 == 0:
                progress(f"{number} kills, {len(crowd.told.activities)} activities acknowledged")
        with serving(url, port) as server:
            losses.append(seconds_lost(url, crowd, failed_at))
            crowd.finish()
            code, _, log = server.stop()
        assert code == 0
        assert_no_fault(log)

    db = open_database(url, Role.OWNER)
    with connection(db):
        kept = events_kept(db)
        sessions = {session_id for (session_id,) in fetch_all(db, "SELECT id FROM reader_sessions")}
        assert_healthy(db)
    close_all(db)
    assert kept == crowd.told.activities
    assert crowd.told.sessions <= sessions
    assert max(losses) < MAY_LOSE_SECONDS + SLACK_SECONDS
    assert sum(app.signed_out for app in crowd.apps) == 0, "a lost answer ends no session"
    replaced = moved_file.times if moved_file else 0
    proved(
        f"{rounds} kills, {replaced} of them with a replaced file: {len(kept)} activities"
        " acknowledged, each there once; "
        f"{sum(app.lost for app in crowd.apps)} answers lost, {crowd.told.duplicates} retries"
        f" recognised; {len(sessions)} sessions, no device logged out by a lost answer;"
        f" at most {max(losses):.2f} s of heartbeats lost"
    )


def a_port(rng: Random) -> int:
    """Return a free port that no client is given as its own: it could connect to itself there."""
    while True:
        with suppress(ReadwatchError):
            return listening_port("127.0.0.1", rng.randrange(20_000, 30_000))


def kill_soon(
    server: ServerProcess, crowd: Crowd, rng: Random, moved_file: MovedFile | None
) -> datetime:
    """Kill the main process and its worker at once, at some moment.

    Before that the file may be replaced, and be moved back or not. Return when the server could
    write for the last time: the time of the first of both.
    """
    crowd.check()
    crowd.heard.clear()
    crowd.beating.set()
    sleep(rng.triangular(0.05, 2.5, 0.3))
    if moved_file is None:
        crowd.beating.clear()
    failed_at = datetime.now(UTC)
    if moved_file is not None:
        moved_file.replace()
        sleep(rng.triangular(0, 2, 0.5))
        if rng.random() < 0.5:
            moved_file.move_back()
            sleep(rng.triangular(0, 2, 1))
    crowd.beating.clear()
    os.killpg(server.process.pid, signal.SIGKILL)
    _, err = server.process.communicate(timeout=TIMEOUT)
    if moved_file is not None:
        moved_file.move_back()
    assert_no_fault("".join(line for line in err.splitlines(True) if FILE_LOST not in line))
    return failed_at


def seconds_lost(url: str, crowd: Crowd, failed_at: datetime) -> float:
    """Return how old the oldest acknowledged heartbeat was, of those that the kill has cost.

    Asked while nobody beats, and of a server that runs again: a recovery is its own to do.
    """
    db = open_database(url, Role.OWNER)
    with connection(db):
        last = {
            session_id: from_db_time(heard_at)
            for session_id, heard_at in fetch_all(
                db, "SELECT id, last_heartbeat FROM reader_sessions"
            )
        }
    close_all(db)
    return max(
        (
            (failed_at - answered_at).total_seconds()
            for session_id, beats in crowd.heard.items()
            for sent_at, answered_at in beats
            if sent_at.replace(microsecond=sent_at.microsecond // 1000 * 1000) > last[session_id]
        ),
        default=0.0,
    )
