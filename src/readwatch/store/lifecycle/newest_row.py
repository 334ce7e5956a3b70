"""The time of the newest row of a database, which a wrong clock puts into the future."""

from datetime import datetime

from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time

# Each finds the last row by its id.
_NEWEST = (
    Statement("SELECT created_at FROM reader_activities ORDER BY id DESC LIMIT 1"),
    Statement("SELECT started_at FROM reader_sessions ORDER BY id DESC LIMIT 1"),
    Statement("SELECT created_at FROM consultant_access_log ORDER BY id DESC LIMIT 1"),
)


def newest_row_at(db: Database) -> datetime | None:
    """Return the time of the newest activity, session or entry of the access log; None without
    any."""
    rows = [statement(db).fetchone() for statement in _NEWEST]
    return max((from_db_time(row[0]) for row in rows if row is not None), default=None)
