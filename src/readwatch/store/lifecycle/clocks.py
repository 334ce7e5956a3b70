"""The times in a database: that of its newest rows, and that of PostgreSQL's own clock."""

from datetime import datetime

from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time

# Each finds the last row by its id.
_NEWEST = (
    Statement("SELECT created_at FROM reader_activities ORDER BY id DESC LIMIT 1"),
    Statement("SELECT started_at FROM reader_sessions ORDER BY id DESC LIMIT 1"),
    Statement("SELECT created_at FROM consultant_access_log ORDER BY id DESC LIMIT 1"),
)
_NOW = Statement("SELECT clock_timestamp()")


def newest_row_at(db: Database) -> datetime | None:
    """Return the time of the newest activity, session or entry of the access log; None without
    any."""
    rows = [statement(db).fetchone() for statement in _NEWEST]
    return max((from_db_time(row[0]) for row in rows if row is not None), default=None)


def postgresql_now(db: Database) -> datetime | None:
    """Return the time of PostgreSQL's clock; None on SQLite, which has none."""
    return None if is_sqlite(db) else from_db_time(_NOW.scalar(db))
