"""Values that change slowly: they are measured each minute, so that a scrape queries nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from readwatch.domain.audit import AuditAction
from readwatch.store.audit.last_entries import LastEntries, last_entries
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.lifecycle.health import database_size

LOGGED_JOBS: Mapping[str, AuditAction] = {
    "backup_checked": AuditAction.CHECKED_BACKUP,
}
"""The jobs whose last entry of the access log is a metric, `readwatch_<name>_timestamp_seconds`."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """The last measured values; None is not known yet, or not measured on this engine."""

    database_bytes: int | None = None
    last_entries: LastEntries | None = None


def measure(db: Database, before: Measurements) -> Measurements:
    """Measure again; the size only on PostgreSQL, because that of a file costs nothing to read."""
    return Measurements(
        database_bytes=None if is_sqlite(db) else database_size(db),
        last_entries=last_entries(db, LOGGED_JOBS.values(), before.last_entries),
    )
