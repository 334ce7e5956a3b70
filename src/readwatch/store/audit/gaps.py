"""The gaps of the access log: restored backups, each of which an entry records."""

import re
from collections.abc import Iterator
from contextlib import suppress

import peewee

from readwatch.domain.audit import AuditAction
from readwatch.domain.audit_chain import Gap, Head
from readwatch.store.audit.heads import numbered_entries
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time

_RESTORES = Statement(
    "SELECT id FROM consultant_access_log WHERE action_type = :action_type ORDER BY id"
)
_RESTORE = Statement(
    "SELECT row_hash, created_at, action_details FROM consultant_access_log WHERE id = :id"
)
_REPLACED = re.compile(r" instead of (\d{1,18}) entries\b", re.ASCII)


def details_of_restore(restored_entries: int, replaced_entries: int | None, file: str) -> str:
    """Return the details of the entry of a restore, from which `gaps` reads them again."""
    instead = "" if replaced_entries is None else f" instead of {replaced_entries}"
    return f"cli, {restored_entries}{instead} entries, from {file}"


def gaps(db: Database) -> tuple[Gap, ...]:
    """Return all gaps, in the order of the log; this reads all entries of SQLite.

    An entry that was changed so that it cannot be read is left out: the chain reports it.
    """
    return tuple(_readable_gaps(db))


def _readable_gaps(db: Database) -> Iterator[Gap]:
    for (id_,) in _RESTORES(db, action_type=str(AuditAction.RESTORED_BACKUP)).fetchall():
        with suppress(ValueError, TypeError, peewee.DataError):
            row = _RESTORE.one_or_none(db, id=id_)
            replaced = _REPLACED.search(row.action_details or "")
            yield Gap(
                from_db_time(row.created_at),
                Head(numbered_entries(db, Head(id=id_)), id_, row.row_hash),
                int(replaced[1]) if replaced else None,
            )
