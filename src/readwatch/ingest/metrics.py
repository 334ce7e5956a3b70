"""Prometheus metrics: requests by route (URLs contain ids), the state of the writer, and when the
jobs were last done. docs/monitoring.md lists all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from readwatch import __version__
from readwatch.domain.activities import ActivityStatus
from readwatch.domain.clock import Clock
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.ingest.load_shedding import LoadShedder
from readwatch.ingest.measurements import LOGGED_JOBS, Measurements
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database, connection, is_sqlite
from readwatch.store.engine.migrations import available_migrations
from readwatch.store.engine.sqlite import file_bytes, free_bytes, wal_bytes
from readwatch.store.identity.session_cache import SessionCache
from readwatch.store.lists.online import count_online
from readwatch.store.recording.writer import CommitStats, Writer

COUNT_ONLINE_EVERY = 5.0
"""In seconds: a scrape within this time gets the previous count of online readers."""

_SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_COUNT_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)

disable_created_metrics()  # type: ignore[no-untyped-call]  # else one more series each


class Metrics:
    """The counters and histograms of one app; safe to update from many threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "readwatch_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "readwatch_request_seconds",
            "Seconds to answer a request.",
            ["route"],
            buckets=_SECONDS_BUCKETS,
            registry=self.registry,
        )
        activities = Counter(
            "readwatch_activities",
            "Activities received, by result.",
            ["status"],
            registry=self.registry,
        )
        # Finding a series by its labels costs more than updating it.
        self._activities = {
            status: activities.labels(status) for status in (*ActivityStatus, "invalid")
        }
        self._commit_seconds = Histogram(
            "readwatch_commit_seconds",
            "Seconds to write and commit a transaction.",
            buckets=_SECONDS_BUCKETS,
            registry=self.registry,
        )
        self._commit_rows = Histogram(
            "readwatch_commit_rows",
            "Activities, heartbeats and other writes per commit.",
            buckets=_COUNT_BUCKETS,
            registry=self.registry,
        )
        self._commit_requests = Histogram(
            "readwatch_commit_requests",
            "Requests that share a commit.",
            buckets=_COUNT_BUCKETS,
            registry=self.registry,
        )
        self._failed_logins = Counter(
            "readwatch_failed_logins",
            "Wrong passwords and wrong codes of invitations.",
            registry=self.registry,
        )
        self._locked_out_logins = Counter(
            "readwatch_locked_out_logins",
            "Logins and codes refused unchecked, after too many wrong ones.",
            registry=self.registry,
        )
        self._by_route: dict[tuple[str | None, str, int], tuple[Counter, Histogram]] = {}
        ProcessCollector(registry=self.registry)

    def count_commit(self, commit: CommitStats) -> None:
        """Count a commit of the writer."""
        self._commit_seconds.observe(commit.seconds)
        self._commit_rows.observe(commit.rows)
        if commit.requests:
            self._commit_requests.observe(commit.requests)

    def count_request(self, rule: str | None, method: str, status: int, seconds: float) -> None:
        """Count a request; requests that match no route share one series."""
        key = (rule, method if rule else "", status)
        series = self._by_route.get(key)
        if series is None:
            route = f"{method} {rule}" if rule else "none"
            series = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._by_route[key] = series
        series[0].inc()
        series[1].observe(seconds)

    def count_activity(self, status: str) -> None:
        """Count an activity by its result: accepted, duplicate, conflict or invalid."""
        self._activities[status].inc()

    @contextmanager
    def failures_counted(self) -> Iterator[None]:
        """Count a password or a code that the `with` block finds wrong or refuses to check."""
        try:
            yield
        except ReadwatchError as error:
            if error.kind in {ErrorKind.UNAUTHENTICATED, ErrorKind.FORBIDDEN}:
                self._failed_logins.inc()
            elif error.kind is ErrorKind.THROTTLED:
                self._locked_out_logins.inc()
            raise


class ServiceGauges(Collector):
    """Values that are read when Prometheus scrapes."""

    def __init__(
        self,
        *,
        db: Database,
        writer: Writer,
        session_cache: SessionCache,
        load_shedder: LoadShedder,
        clock: Clock,
        measurements: Callable[[], Measurements],
        anchored_at: Callable[[], datetime | None],
        cleaned_up_at: Callable[[], datetime | None],
    ) -> None:
        self._db = db
        self._writer = writer
        self._session_cache = session_cache
        self._load_shedder = load_shedder
        self._clock = clock
        self._measurements = measurements
        self._anchored_at = anchored_at
        self._cleaned_up_at = cleaned_up_at
        self._readers_online: int | None = None
        self._counted_at = -COUNT_ONLINE_EVERY

    def collect(self) -> Iterator[Metric]:
        """Yield each value; those that the database cannot provide are left out."""
        backlog = self._writer.backlog()
        yield _gauge("writer_waiting", "Requests that wait for the writer.", backlog.waiting)
        yield _gauge(
            "writer_stuck_seconds",
            "Seconds since the writer could last commit; 0 if it can.",
            backlog.stuck_seconds,
        )
        yield _gauge("writer_busy", "Share of time that the writer is writing.", backlog.busy)
        yield _gauge("cached_sessions", "Sessions in the cache.", len(self._session_cache))
        yield CounterMetricFamily(
            "readwatch_heartbeats_shed",
            "Heartbeats refused under load.",
            self._load_shedder.heartbeats_shed,
        )
        readers = self._count_online()
        if readers is not None:
            yield _gauge("readers_online", "Readers who are online.", readers)
        yield self._build_info()
        yield from self._sizes()
        yield from self._times()

    def _build_info(self) -> Metric:
        newest = available_migrations(self._db)[-1]
        engine = "sqlite" if is_sqlite(self._db) else "postgresql"
        info = GaugeMetricFamily(
            "readwatch_build_info",
            "Always 1; its labels are the version, the schema that it needs, and the engine.",
            labels=["version", "schema", "engine"],
        )
        info.add_metric([__version__, str(newest.number), engine], 1)
        return info

    def _sizes(self) -> Iterator[Metric]:
        """Yield the sizes of the files, from the file system, or that of PostgreSQL's database."""
        sizes = {
            "database_bytes": (
                "Size of the database, without SQLite's write-ahead log.",
                file_bytes(self._db) or self._measurements().database_bytes,
            ),
            "wal_bytes": ("Size of SQLite's write-ahead log.", wal_bytes(self._db)),
            "disk_free_bytes": (
                "Bytes that the disk of SQLite's file has left.",
                free_bytes(self._db),
            ),
        }
        for name, (help_text, size) in sizes.items():
            if size is not None:
                yield _gauge(name, help_text, size)

    def _times(self) -> Iterator[Metric]:
        """Yield when each job was last done. A time stays right if nobody measures any more; an age
        would not grow."""
        yield _time("anchor", "anchor of the access log by this server", self._anchored_at())
        yield _time("retention", "complete round of retention", self._cleaned_up_at())
        for name, at in (self._measurements().last_done or {}).items():
            yield _time(name, f"entry {LOGGED_JOBS[name]} of the access log", at)

    def _count_online(self) -> int | None:
        if monotonic() - self._counted_at >= COUNT_ONLINE_EVERY:
            self._counted_at = monotonic()
            try:
                with connection(self._db) as db:
                    self._readers_online = count_online(db, ALL_READERS, self._clock())
            except ReadwatchError:
                self._readers_online = None
        return self._readers_online


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"readwatch_{name}", help_text, value)


def _time(name: str, what: str, at: datetime | None) -> GaugeMetricFamily:
    """Return a time in seconds since 1970, which a job that was never done has as its time."""
    help_text = f"Unix time of the last {what}; 0 if there is none."
    return _gauge(f"{name}_timestamp_seconds", help_text, at.timestamp() if at else 0)
