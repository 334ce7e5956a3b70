"""What the views work with: the settings, the database, the writer and the time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from flask import current_app

from readwatch.domain.clock import Clock
from readwatch.domain.sessions import SESSION_TIMEOUT
from readwatch.ingest.load_shedding import LoadShedding
from readwatch.ingest.metrics import Metrics, Present
from readwatch.ingest.retention import RetentionThread
from readwatch.store.audit.dedupe import AuditDeduplicator
from readwatch.store.engine.connections import close_all
from readwatch.store.engine.migrations import open_current
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.passwords import DEFAULT_COST, prepare
from readwatch.store.identity.session_cache import SessionCache
from readwatch.store.recording.writer import Writer

WRITER_CACHE_MIB = 64
"""Each activity moves about ten pages, and those of the readers who are awake come again."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service has to be told."""

    database_url: str
    bcrypt_cost: int = DEFAULT_COST
    end_silent_after: timedelta = SESSION_TIMEOUT
    metrics: str = "loopback"
    """Who may see the metrics: `loopback`, `anyone`, or nobody when it is `off`."""
    proxy_hops: int = 0
    log_format: str = "plain"
    """How the log is written: `plain`, or `json`."""
    looks_told_by: str = "role"
    """How readers are told who looked at their data: by `role`, or by `name` too."""


class Services:
    """The running service of one process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.db = open_current(settings.database_url, Role.INGEST)
        to_write = open_current(settings.database_url, Role.INGEST, cache_mib=WRITER_CACHE_MIB)
        self.callers = SessionCache(self.db)
        self.metrics = Metrics()
        self.writer = Writer(to_write, self.metrics.committed)
        self.looks = AuditDeduplicator(self.writer.run)
        self.load = LoadShedding(self.writer)
        self.metrics.registry.register(Present(self))
        self.stopping = False
        prepare(settings.bcrypt_cost)
        self.cleanup = RetentionThread(self.db, self.writer, clock, settings.end_silent_after)

    def now(self) -> datetime:
        """Return the moment at which the request is answered."""
        return self.clock()

    def close(self) -> None:
        """Finish what was accepted and let go of the database."""
        self.stopping = True
        self.cleanup.close()
        self.writer.close()
        close_all(self.db)


def services() -> Services:
    """Return the running service of the current request."""
    return cast(Services, current_app.extensions["readwatch"])
