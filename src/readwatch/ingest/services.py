"""The services that the views share: settings, database, writer and clock."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

from flask import current_app

from readwatch.domain.clock import Clock
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import SESSION_TIMEOUT
from readwatch.domain.slow_queries import SlowQuery, append_slow_query
from readwatch.ingest.anchoring import AnchorThread
from readwatch.ingest.body_reads import BodyReads
from readwatch.ingest.load_shedding import LoadShedder, RequestSlots
from readwatch.ingest.logs import CHANGE_OF_STATE
from readwatch.ingest.metrics import Metrics, ServiceGauges
from readwatch.ingest.retention import RetentionThread
from readwatch.store.audit.dedupe import AuditDeduplicator
from readwatch.store.engine.connections import close_all
from readwatch.store.engine.database import DEFAULTS, EngineSettings
from readwatch.store.engine.migrations import open_current
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.slow_queries import SlowQueryLog
from readwatch.store.engine.sqlite import WRITER_CACHE_MIB
from readwatch.store.identity.passwords import DEFAULT_COST, precompute_decoy
from readwatch.store.identity.session_cache import SessionCache
from readwatch.store.recording.writer import Writer

REQUEST_STATEMENT_SECONDS = 2
"""The longest query of a request on PostgreSQL: the answer comes within 5 s, or it is a 503."""

REQUEST_CACHE_MIB = 1
"""The page cache of each thread's connection to SQLite; requests read few pages."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the service."""

    database_url: str
    bcrypt_cost: int = DEFAULT_COST
    session_timeout: timedelta = SESSION_TIMEOUT
    metrics: str = "loopback"
    """Who may read the metrics: `loopback` (this machine), `anyone`, or nobody (`off`)."""
    proxy_hops: int = 0
    """How many trusted reverse proxies are in front of the service."""
    log_format: str = "plain"
    """The format of the log: `plain` or `json`."""
    viewers_shown_by: str = "role"
    """What readers see of users who accessed their data: the `role`, or also the `name`."""
    anchor_log: Path | None = None
    """The file for anchors of the access log, outside of the database; None writes none."""
    engine: EngineSettings = DEFAULTS
    writer_cache_mib: int = WRITER_CACHE_MIB
    slow_query_ms: int = 0
    """Statements that take longer are logged; 0 logs none."""
    slow_query_log: Path | None = None
    """The file that gets the slow queries besides the log; None is none."""


class Services:
    """The objects that the requests of one process share."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.slow_queries = SlowQueryLog(
            "serve", partial(_log_slow_query, settings.slow_query_log), clock
        )
        engine = self.slow_queries.watched(settings.engine, settings.slow_query_ms)
        seconds = engine.statement_seconds or REQUEST_STATEMENT_SECONDS
        cache_mib = engine.cache_mib or REQUEST_CACHE_MIB
        of_requests = replace(engine, statement_seconds=seconds, cache_mib=cache_mib)
        of_writer = replace(engine.for_writes(), cache_mib=settings.writer_cache_mib)
        self.db = open_current(settings.database_url, Role.INGEST, of_requests)
        writer_db = open_current(settings.database_url, Role.INGEST, of_writer)
        self.metrics = Metrics()
        self.writer = Writer(writer_db, self.metrics.count_commit, _log_write_error)
        self.session_cache = SessionCache(self.db, self.writer.run)
        self.audit_deduplicator = AuditDeduplicator(self.writer.run)
        self.load_shedder = LoadShedder(self.writer)
        self.metrics.registry.register(
            ServiceGauges(
                db=self.db,
                writer=self.writer,
                session_cache=self.session_cache,
                load_shedder=self.load_shedder,
                clock=clock,
                measurements=lambda: self.retention.measurements,
                anchored_at=lambda: self.anchoring.anchored_at if self.anchoring else None,
                cleaned_up_at=lambda: self.retention.cleaned_up_at,
            )
        )
        self.body_reads = BodyReads()
        self.request_slots = RequestSlots()
        self.stopping = False
        precompute_decoy(settings.bcrypt_cost)
        self.retention = RetentionThread(
            self.db, self.writer, clock, session_timeout=settings.session_timeout
        )
        self.anchoring = (
            AnchorThread(self.db, clock, settings.anchor_log) if settings.anchor_log else None
        )

    def now(self) -> datetime:
        """Return the current time."""
        return self.clock()

    def close(self) -> None:
        """Write all accepted data and close the database."""
        self.stopping = True
        self.retention.close()
        self.writer.close()
        if self.anchoring is not None:
            self.anchoring.close()  # after the last entry
        self.slow_queries.close()
        close_all(self.db)


def _log_write_error(error: ReadwatchError | None) -> None:
    """Log a change of the writer's state, once for all requests that it refuses."""
    if error is None:
        _log.warning("the database is written again", extra=CHANGE_OF_STATE)
    else:
        level = logging.ERROR if error.kind is ErrorKind.MISCONFIGURED else logging.WARNING
        _log.log(level, "all writes are refused: %s", error.message, extra=CHANGE_OF_STATE)


def _log_slow_query(file: Path | None, query: SlowQuery) -> None:
    """Log a slow query, and write it to the file from which `db health` reads them."""
    _log.warning("%s", query.sentence)
    if file is not None:
        try:
            append_slow_query(file, query)
        except OSError as error:
            _log.error("no slow queries in their file: %s", error.strerror)


def current_services() -> Services:
    """Return the services of the application that answers the current request."""
    return cast(Services, current_app.extensions["readwatch"])
