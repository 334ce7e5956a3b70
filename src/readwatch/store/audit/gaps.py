"""The gaps of the access log: restored backups, each of which an entry records."""

import re

from readwatch.domain.audit import AuditAction
from readwatch.domain.audit_chain import Gap, Head
from readwatch.store.audit.heads import numbered_entries
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time

_RESTORES = Statement(
    """
    SELECT id, row_hash, created_at, action_details FROM consultant_access_log
    WHERE action_type = :action_type ORDER BY id
    """
)
_BEFORE = re.compile(r" instead of (\d{1,18}) entries\b", re.ASCII)


def details_of_restore(kept: int, before: int | None) -> str:
    """Return the details of the entry of a restore, from which `gaps` reads them again."""
    return f"cli, kept {kept}" + (" entries" if before is None else f" instead of {before} entries")


def gaps(db: Database) -> tuple[Gap, ...]:
    """Return all gaps, in the order of the log; this reads all entries of SQLite."""
    found = []
    for row in _RESTORES.all(db, action_type=str(AuditAction.RESTORED_BACKUP)):
        before = _BEFORE.search(row.action_details or "")
        entries = numbered_entries(db, Head(id=row.id))
        found.append(
            Gap(
                from_db_time(row.created_at),
                Head(entries, row.id, row.row_hash),
                int(before[1]) if before else None,
            )
        )
    return tuple(found)
