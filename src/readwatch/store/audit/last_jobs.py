"""When a backup was last checked and maintenance last finished, from entries of the access log."""

from datetime import datetime

from readwatch.domain.audit import AuditAction
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time

BACKUP = AuditAction.CHECKED_BACKUP
MAINTENANCE = AuditAction.FINISHED_MAINTENANCE

# SQLite takes the index of these entries only for a query that has its whole condition.
_LAST = Statement(
    """
    SELECT created_at FROM consultant_access_log
    WHERE (action_type = 'checked_backup' OR action_type = 'finished_maintenance')
    AND action_type = :action_type ORDER BY id DESC LIMIT 1
    """
)


def last_done(db: Database, job: AuditAction) -> datetime | None:
    """Return when `BACKUP` or `MAINTENANCE` was last done; None if never, or if the entry was
    purged.

    Requires a role that may read the access log. An index has these entries, so this takes
    microseconds in a log of any length; the time says nothing about a reader.
    """
    row = _LAST.one_or_none(db, action_type=str(job))
    return None if row is None else from_db_time(row.created_at)
