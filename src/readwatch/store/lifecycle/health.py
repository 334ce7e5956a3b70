"""The state of the database: its size, its disk, and its integrity."""

import shutil
from pathlib import Path

from readwatch.domain.health import DatabaseStatus, TableSize
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.migrations import history
from readwatch.store.engine.statements import Statement

_SIZE = Statement(
    "SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()",
    postgresql="SELECT pg_database_size(current_database())",
)
# The sizes of the tables with their indexes.
_TABLE_SIZES = Statement(
    """
    SELECT coalesce(s.tbl_name, d.name) AS name, sum(d.pgsize) AS size
    FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name
    WHERE d.aggregate = TRUE GROUP BY 1 ORDER BY 2 DESC, 1
    """,
    postgresql="""
    SELECT relname AS name, pg_total_relation_size(oid) AS size FROM pg_class
    WHERE relkind = 'r' AND relnamespace = CAST(current_schema() AS regnamespace)
    ORDER BY 2 DESC, 1
    """,
)
_ACTIVE_SESSIONS = Statement("SELECT count(*) FROM reader_sessions WHERE is_active = TRUE")
_INTEGRITY = Statement("PRAGMA integrity_check")
_FOREIGN_KEYS = Statement("PRAGMA foreign_key_check")
_VERSION = Statement("SELECT sqlite_version()", postgresql="SHOW server_version")


def database_status(db: Database) -> DatabaseStatus:
    """Return the state of a database with a current schema; SQLite reads the whole file."""
    applied = history(db)[-1]
    version = _VERSION.scalar(db)
    return DatabaseStatus(
        schema=f"{applied.number} ({applied.name})",
        engine=f"{'SQLite' if is_sqlite(db) else 'PostgreSQL'} {version}",
        active_sessions=_ACTIVE_SESSIONS.scalar(db),
        size=_SIZE.scalar(db),
        wal_size=_wal_size(db) if is_sqlite(db) else None,
        free=shutil.disk_usage(_path(db).parent).free if is_sqlite(db) else None,
        damages=damages(db) if is_sqlite(db) else None,
        dangling_rows=dangling_rows(db) if is_sqlite(db) else None,
        tables=tuple(TableSize(row.name, row.size) for row in _TABLE_SIZES.all(db)),
    )


def _path(db: Database) -> Path:
    return Path(db.database).absolute()


def _wal_size(db: Database) -> int:
    wal = _path(db).with_name(f"{_path(db).name}-wal")
    return wal.stat().st_size if wal.exists() else 0


def damages(db: Database) -> int:
    """Return the number of damages that SQLite finds in its whole file."""
    messages = [row.integrity_check for row in _INTEGRITY.all(db)]
    return 0 if messages == ["ok"] else len(messages)


def dangling_rows(db: Database) -> int:
    """Return the number of rows that refer to a row that does not exist."""
    return len(_FOREIGN_KEYS.all(db))
