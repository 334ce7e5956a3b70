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
_REPLACED = re.compile(r" instead of (\d{1,18}) entries\b", re.ASCII)


def details_of_restore(restored_entries: int, replaced_entries: int | None) -> str:
    """Return the details of the entry of a restore, from which `gaps` reads them again."""
    if replaced_entries is None:
        return f"cli, {restored_entries} entries"
    return f"cli, {restored_entries} instead of {replaced_entries} entries"


def gaps(db: Database) -> tuple[Gap, ...]:
    """Return all gaps, in the order of the log; this reads all entries of SQLite."""
    restores = []
    for row in _RESTORES.all(db, action_type=str(AuditAction.RESTORED_BACKUP)):
        replaced = _REPLACED.search(row.action_details or "")
        entries = numbered_entries(db, Head(id=row.id))
        restores.append(
            Gap(
                from_db_time(row.created_at),
                Head(entries, row.id, row.row_hash),
                int(replaced[1]) if replaced else None,
            )
        )
    return tuple(restores)
