"""When the jobs of an admin were last done, from the entries that they leave in the access log."""

from datetime import datetime

from readwatch.domain.audit import AuditAction
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time

BACKUP = AuditAction.CHECKED_BACKUP
CLEAN_UP: AuditAction | None = None
"""The entry of `maintenance run`; without one, no clean-up is known."""

SEARCHED_ENTRIES = 20_000
"""How many entries are searched, so that the search takes milliseconds in a log of any length."""

# The index has the entries about nobody in their order, and these entries are among them.
_LAST = Statement(
    """
    SELECT created_at FROM (
        SELECT id, action_type, created_at FROM consultant_access_log
        WHERE target_user_id IS NULL ORDER BY id DESC LIMIT :entries
    ) AS newest
    WHERE action_type = :action_type ORDER BY id DESC LIMIT 1
    """
)


def last_run(db: Database, action: AuditAction | None) -> datetime | None:
    """Return when the newest entry of an action about nobody was written.

    None if there is none among the newest `SEARCHED_ENTRIES` entries about nobody. Requires a role
    that may read the access log; the time says nothing about a reader.
    """
    if action is None:
        return None
    row = _LAST.one_or_none(db, action_type=str(action), entries=SEARCHED_ENTRIES)
    return None if row is None else from_db_time(row.created_at)
