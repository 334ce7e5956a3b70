"""What Prometheus is told: requests by route, never by address, and how the writer gets on."""

from collections.abc import Iterator
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from readwatch.domain.activities import ActivityStatus
from readwatch.domain.errors import ReadwatchError
from readwatch.store.engine.connections import connection
from readwatch.store.engine.sqlite import wal_bytes
from readwatch.store.lists.online import count_online
from readwatch.store.recording.writer import Commit

if TYPE_CHECKING:
    from readwatch.ingest.services import Services

COUNT_ONLINE_EVERY = 5.0
"""Seconds; whoever asks more often gets the number that there is."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_NUMBERS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a moment for each series, too many


class Metrics:
    """The numbers of one app; safe to be moved from many threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "readwatch_requests", "Requests.", ["route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "readwatch_request_seconds",
            "Time to answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        activities = Counter(
            "readwatch_activities",
            "Activities that were sent, by what became of them.",
            ["status"],
            registry=self.registry,
        )
        # Looking a series up by its labels costs more than moving it.
        self._activities = {it: activities.labels(it) for it in (*ActivityStatus, "invalid")}
        self._commit_seconds = Histogram(
            "readwatch_commit_seconds",
            "Time to write and commit.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._commit_rows = Histogram(
            "readwatch_commit_rows",
            "Activities, heartbeats and other writes in a commit.",
            buckets=_NUMBERS,
            registry=self.registry,
        )
        self._commit_requests = Histogram(
            "readwatch_commit_requests",
            "Requests that shared a commit.",
            buckets=_NUMBERS,
            registry=self.registry,
        )
        self._by_route: dict[tuple[str | None, str, int], tuple[Counter, Histogram]] = {}
        ProcessCollector(registry=self.registry)

    def count_commit(self, commit: Commit) -> None:
        """Count a commit of the writer."""
        self._commit_seconds.observe(commit.seconds)
        self._commit_rows.observe(commit.rows)
        if commit.requests:
            self._commit_requests.observe(commit.requests)

    def count_request(self, rule: str | None, method: str, status: int, seconds: float) -> None:
        """Count a request; those to addresses where there is nothing count together."""
        key = (rule, method if rule else "", status)
        series = self._by_route.get(key)
        if series is None:
            route = f"{method} {rule}" if rule else "none"
            series = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._by_route[key] = series
        series[0].inc()
        series[1].observe(seconds)

    def count_activity(self, status: str) -> None:
        """Count an activity that is accepted, duplicate, conflict or invalid."""
        self._activities[status].inc()


class ServiceGauges(Collector):
    """What is not counted but looked at when somebody asks."""

    def __init__(self, service: "Services") -> None:
        self._service = service
        self._online: int | None = None
        self._counted_at = -COUNT_ONLINE_EVERY

    def collect(self) -> Iterator[Metric]:
        """Yield each number; those that the database does not tell now are left out."""
        running = self._service
        backlog = running.writer.backlog()
        yield _gauge("writer_waiting", "Requests that wait for the writer.", backlog.waiting)
        yield _gauge(
            "writer_stuck_seconds",
            "Since when nothing could be written; 0 if all is well.",
            backlog.stuck_seconds,
        )
        yield _gauge("writer_busy", "The share of its time in which it writes.", backlog.busy)
        yield _gauge("callers", "Tokens that are remembered.", len(running.session_cache))
        yield CounterMetricFamily(
            "readwatch_heartbeats_shed",
            "Heartbeats that were refused under load.",
            running.load_shedder.heartbeats_shed,
        )
        wal = wal_bytes(running.db)
        if wal is not None:
            yield _gauge("wal_bytes", "The size of SQLite's write-ahead log.", wal)
        online = self._readers_online(running.now())
        if online is not None:
            yield _gauge("readers_online", "Readers who are online.", online)

    def _readers_online(self, now: datetime) -> int | None:
        if monotonic() - self._counted_at >= COUNT_ONLINE_EVERY:
            self._counted_at = monotonic()
            try:
                with connection(self._service.db) as db:
                    self._online = count_online(db, now)
            except ReadwatchError:
                self._online = None
        return self._online


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"readwatch_{name}", help_text, value)
