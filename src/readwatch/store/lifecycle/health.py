"""The state of the database: its size, its disk, and its integrity."""

import shutil
from datetime import timedelta
from pathlib import Path

import apsw
import peewee

from readwatch.domain.health import (
    DatabaseStatus,
    DeadRows,
    FullCheck,
    PostgreSQLState,
    SQLiteFile,
    TableSize,
)
from readwatch.store.engine.connections import Database, driver_connection, is_sqlite
from readwatch.store.engine.migrations import history
from readwatch.store.engine.sqlite import copy_wal, wal_bytes
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time_or_none

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
_OLDEST_SIGN_OF_LIFE = Statement(
    "SELECT min(last_heartbeat) FROM reader_sessions WHERE is_active = TRUE"
)
_INTEGRITY = Statement("PRAGMA integrity_check")
_FOREIGN_KEYS = Statement("PRAGMA foreign_key_check")
_VERSION = Statement("SELECT sqlite_version()", postgresql="SHOW server_version")
_JOURNAL_MODE = Statement("PRAGMA journal_mode")
_PAGE_SIZE = Statement("PRAGMA page_size")
_UNUSED_PAGES = Statement("PRAGMA freelist_count")
# PostgreSQL counts these rows itself, approximately.
_DEAD_ROWS = Statement(
    """
    SELECT relname AS table_name, n_dead_tup AS dead, n_live_tup AS live FROM pg_stat_user_tables
    WHERE schemaname = current_schema() AND n_dead_tup > 0 ORDER BY n_dead_tup DESC LIMIT 1
    """
)
_USED_TRANSACTION_IDS = Statement(
    """
    SELECT age(datfrozenxid) / 2147483648.0 FROM pg_database WHERE datname = current_database()
    """
)
# The roles of readwatch may see no sessions of other users, and the user of the URL its own.
_AS_USER_OF_THE_URL = Statement("SET LOCAL ROLE NONE")
_LONGEST_TRANSACTION = Statement(
    """
    SELECT extract(epoch FROM max(clock_timestamp() - xact_start))
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
)


def database_status(db: Database) -> DatabaseStatus:
    """Return the state of a database with a current schema, in a time that does not depend on its
    size."""
    applied = history(db)[-1]
    return DatabaseStatus(
        schema=f"{applied.number} ({applied.name})",
        engine=engine_of(db),
        active_sessions=_ACTIVE_SESSIONS.scalar(db),
        oldest_sign_of_life=from_db_time_or_none(_OLDEST_SIGN_OF_LIFE.scalar(db)),
        size=database_size(db),
        file=_sqlite_file(db) if is_sqlite(db) else None,
        server=None if is_sqlite(db) else _postgresql_state(db),
    )


def engine_of(db: Database) -> str:
    """Return the name of the engine and its version."""
    return f"{'SQLite' if is_sqlite(db) else 'PostgreSQL'} {_VERSION.scalar(db)}"


def full_check(db: Database) -> FullCheck:
    """Check all of a database; SQLite reads the whole file."""
    check = FullCheck(
        damages=damages(db) if is_sqlite(db) else None,
        dangling_rows=dangling_rows(db) if is_sqlite(db) else None,
        tables=tuple(TableSize(row.name, row.size) for row in _TABLE_SIZES.all(db)),
    )
    if is_sqlite(db):
        copy_wal(driver_connection(db))
    return check


def database_size(db: Database) -> int:
    """Return the size of the database in bytes."""
    return int(_SIZE.scalar(db))


def unused_bytes(db: Database) -> int:
    """Return how many bytes of a SQLite file hold no data."""
    return int(_UNUSED_PAGES.scalar(db) * _PAGE_SIZE.scalar(db))


def _sqlite_file(db: Database) -> SQLiteFile:
    return SQLiteFile(
        journal_mode=_JOURNAL_MODE.scalar(db),
        wal_size=wal_bytes(db) or 0,
        free=shutil.disk_usage(Path(db.database).absolute().parent).free,
        unused=unused_bytes(db),
    )


def _postgresql_state(db: Database) -> PostgreSQLState:
    most = _DEAD_ROWS.one_or_none(db)
    with db.atomic():
        _AS_USER_OF_THE_URL(db)
        seconds = _LONGEST_TRANSACTION.scalar(db)
    return PostgreSQLState(
        dead_rows=None if most is None else DeadRows(most.table_name, most.dead, most.live),
        longest_transaction=None if seconds is None else timedelta(seconds=float(seconds)),
        used_transaction_ids=float(_USED_TRANSACTION_IDS.scalar(db)),
    )


def damages(db: Database) -> int:
    """Return the number of damages that SQLite finds in its whole file."""
    try:
        messages = [row.integrity_check for row in _INTEGRITY.all(db)]
    except (apsw.CorruptError, peewee.DatabaseError):
        return 1  # so damaged that the check cannot go on
    return 0 if messages == ["ok"] else len(messages)


def dangling_rows(db: Database) -> int:
    """Return the number of rows that refer to a row that does not exist."""
    return len(_FOREIGN_KEYS.all(db))
