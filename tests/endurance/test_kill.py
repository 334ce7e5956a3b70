"""Acknowledged means committed: the server is killed at random moments, and stands by its word."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from random import Random
from threading import Event
from time import sleep
from typing import Self

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
from readwatch.store.engine.times import from_db_time

MAY_LOSE_SECONDS = 1.0
"""As much of the acknowledged heartbeats as a crash may cost."""

SLACK_SECONDS = 1.0
"""What a machine with other things to do may add to that."""


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
        """Let ann and ben read on four devices, bring offline ones back, log in, and be here."""
        for behave in (
            *(self._read,) * 4,
            *(self._come_back,) * 2,
            self._log_in,
            *(self._beat,) * 2,
        ):
            app = StubbornApp(self._port, f"{self._rng.choice(('ann', 'ben'))}@example.org")
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


@short_and_long("rounds", 3, 50)
def test_what_was_acknowledged_survives_any_kill(
    url: str,
    cast: Cast,
    rng: Random,
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
            killed_at = kill_soon(server, crowd, rng)
        for number in range(1, rounds):
            with serving(url, port) as server:
                losses.append(seconds_lost(url, crowd, killed_at))
                killed_at = kill_soon(server, crowd, rng)
            if number % 10 == 0:
                progress(f"{number} kills, {len(crowd.told.activities)} activities acknowledged")
        with serving(url, port) as server:
            losses.append(seconds_lost(url, crowd, killed_at))
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
    proved(
        f"{rounds} kills: {len(kept)} activities acknowledged, each there once; "
        f"{sum(app.lost for app in crowd.apps)} answers lost, {crowd.told.duplicates} retries"
        f" recognised; {len(sessions)} logins; at most {max(losses):.2f} s of heartbeats lost"
    )


def a_port(rng: Random) -> int:
    """Return a free port that no client is given as its own: it could connect to itself there."""
    while True:
        with suppress(ReadwatchError):
            return listening_port("127.0.0.1", rng.randrange(20_000, 30_000))


def kill_soon(server: ServerProcess, crowd: Crowd, rng: Random) -> datetime:
    """Kill the main process and its worker at once, at some moment; return when that was."""
    crowd.check()
    crowd.heard.clear()
    crowd.beating.set()
    sleep(rng.triangular(0.05, 2.5, 0.3))
    crowd.beating.clear()
    killed_at = datetime.now(UTC)
    os.killpg(server.process.pid, signal.SIGKILL)
    _, err = server.process.communicate(timeout=TIMEOUT)
    assert_no_fault(err)
    return killed_at


def seconds_lost(url: str, crowd: Crowd, killed_at: datetime) -> float:
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
            (killed_at - answered_at).total_seconds()
            for session_id, beats in crowd.heard.items()
            for sent_at, answered_at in beats
            if sent_at.replace(microsecond=sent_at.microsecond // 1000 * 1000) > last[session_id]
        ),
        default=0.0,
    )
