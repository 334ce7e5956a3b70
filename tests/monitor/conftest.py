"""Readers whom the monitor shows, and a worker whose events a test collects."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from queue import SimpleQueue
from typing import Any, TypeVar

import pytest
from conftest import Cast, StillClock
from reading_app import ReadingApp

from readwatch.domain.clock import Clock
from readwatch.domain.users import User
from readwatch.monitor import current_view, refresh_policy, retry, worker
from readwatch.monitor.events import Event
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import View
from readwatch.monitor.viewport import Viewport
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.monitor.worker import Worker
from readwatch.store.engine.connections import Database

TIMEOUT_SECONDS = 60.0

E = TypeVar("E")


class Monitor:
    """A worker, and the events that it posts."""

    def __init__(self, settings: ConsoleSettings, clock: Clock) -> None:
        self._events: SimpleQueue[Event] = SimpleQueue()
        self.worker = Worker(settings, self._events.put, clock)

    def watch(self, view: View = View.ONLINE) -> None:
        self.worker.watch_view(view, VIEW_OPTIONS[view].first_query(), Viewport(20))

    def next(self, kind: type[E], fits: Callable[[E], Any] = lambda _: True) -> E:
        """The next event of a kind that fits; those before it are dropped."""
        while True:
            event = self._events.get(timeout=TIMEOUT_SECONDS)
            if isinstance(event, kind) and fits(event):
                return event


OpenMonitor = Callable[..., Monitor]


@pytest.fixture
def open_monitor(
    url: str, clock: StillClock, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenMonitor]:
    """`open_monitor()` is a monitor in which Cara, or `who`, has logged in."""
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(worker, "ACCOUNT_CHECK_SECONDS", 0.05)
    monkeypatch.setattr(refresh_policy, "PAUSE_FACTOR", 1)
    monkeypatch.setattr(retry, "LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(current_view, "ATTENTION_SECONDS", 0.0)
    monitors: list[Monitor] = []

    def open_monitor(
        who: User | None = None, *, logged_in: bool = True, clock: Clock = clock, **settings: Any
    ) -> Monitor:
        settings = {"refresh": timedelta(seconds=0.05), **settings}
        monitor = Monitor(ConsoleSettings(url, **settings), clock)
        monitors.append(monitor)
        monitor.worker.start((who or cast.cara) if logged_in else None)
        return monitor

    yield open_monitor
    for monitor in monitors:
        monitor.worker.stop()


@pytest.fixture
def ann(db: Database, cast: Cast, clock: StillClock) -> ReadingApp:
    return ReadingApp(db, cast.ann, clock)


@pytest.fixture
def ben(db: Database, cast: Cast, clock: StillClock) -> ReadingApp:
    return ReadingApp(db, cast.ben, clock)
