"""Values that change slowly: they are measured each minute, so that a scrape queries nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from readwatch.domain.audit import AuditAction
from readwatch.store.audit.last_jobs import BACKUP, MAINTENANCE, last_done
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.lifecycle.health import database_size

LOGGED_JOBS: Mapping[str, AuditAction] = {
    "backup_checked": BACKUP,
    "maintenance": MAINTENANCE,
}
"""The jobs whose last entry of the access log is a metric, `readwatch_<name>_timestamp_seconds`."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """The last measured values; None is not known yet, or not measured on this engine."""

    database_bytes: int | None = None
    last_done: Mapping[str, datetime | None] | None = None


def measure(db: Database) -> Measurements:
    """Measure; the size only on PostgreSQL, because that of a file costs nothing to read."""
    return Measurements(
        database_bytes=None if is_sqlite(db) else database_size(db),
        last_done={name: last_done(db, action) for name, action in LOGGED_JOBS.items()},
    )
