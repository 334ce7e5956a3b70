"""When something was last logged, such as a checked backup; each entry is read once.

The log has no index by action. So the first search goes backwards from the end in short statements,
and each later one reads only what was appended since.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from readwatch.domain.audit import AuditAction
from readwatch.store.audit import heads
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time

CHUNK_IDS = 10_000
"""The number of ids that one statement searches."""

_NEWEST = Statement(
    """
    SELECT created_at FROM consultant_access_log
    WHERE id > :after AND id <= :up_to AND action_type = :action_type ORDER BY id DESC LIMIT 1
    """
)


@dataclass(frozen=True, slots=True)
class LastEntries:
    """The time of the newest entry of each action, up to an id; an action without entry is left
    out."""

    up_to: int = 0
    times: Mapping[AuditAction, datetime] = field(default_factory=dict)


def last_entries(
    db: Database, actions: Iterable[AuditAction], before: LastEntries | None = None
) -> LastEntries:
    """Return the newest entry of each action; only entries after those of `before` are read."""
    before = before or LastEntries()
    up_to = heads.last_entry(db).id
    newest = {action: _newest(db, action, before.up_to, up_to) for action in actions}
    times = {action: at for action, at in newest.items() if at is not None}
    return LastEntries(up_to, {**before.times, **times})


def _newest(db: Database, action: AuditAction, after: int, up_to: int) -> datetime | None:
    for last in range(up_to, after, -CHUNK_IDS):
        first = max(after, last - CHUNK_IDS)
        row = _NEWEST.one_or_none(db, after=first, up_to=last, action_type=str(action))
        if row is not None:
            return from_db_time(row.created_at)
    return None
