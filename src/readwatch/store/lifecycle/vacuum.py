"""A vacuum: the database without the space of deleted rows, and statistics for the planner."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from readwatch.domain.disk_room import room
from readwatch.domain.errors import misconfigured
from readwatch.domain.vacuum import SPARE_BYTES, WAL_OVERHEAD, VacuumNeeds
from readwatch.store.engine.connections import Database, driver_connection
from readwatch.store.engine.privileges import TABLES
from readwatch.store.engine.sqlite import SQLite, truncate_wal, vacuum
from readwatch.store.engine.statements import Statement
from readwatch.store.lifecycle.health import database_size, unused_bytes

_IS_OWNER = Statement(
    "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = CAST('users' AS regclass)"
)
_STATISTICS = Statement("SELECT 1 AS yes FROM sqlite_master WHERE name = 'sqlite_stat1'")
# Without a limit SQLite reads all indexes, and nobody can write meanwhile.
_ANALYSIS_ROWS = 1000


def vacuum_needs(db: SQLite) -> VacuumNeeds:
    """Return what a vacuum of a SQLite file needs.

    SQLite writes the new content into a temporary file, and from there into the WAL.
    """
    size = database_size(db)
    size_after = size - unused_bytes(db)
    in_wal = size_after + size_after // WAL_OVERHEAD + SPARE_BYTES
    folder, temporary = Path(db.database).absolute().parent, temporary_folder()
    if os.stat(folder).st_dev == os.stat(temporary).st_dev:
        needed = {folder: size_after + in_wal}
    else:
        needed = {folder: in_wal, temporary: size_after}
    rooms = tuple(room(of_folder, each) for each, of_folder in needed.items())
    return VacuumNeeds(size, size_after, rooms)


def temporary_folder() -> Path:
    """Return the folder that SQLite takes for temporary files.

    https://www.sqlite.org/tempfiles.html#temporary_file_storage_locations
    """
    names = (os.environ.get("SQLITE_TMPDIR"), os.environ.get("TMPDIR"))
    for name in (*names, "/var/tmp", "/usr/tmp", "/tmp"):  # noqa: S108 - only looked at
        if name and os.path.isdir(name) and os.access(name, os.W_OK | os.X_OK):
            return Path(name)
    return Path.cwd()


def vacuum_steps(db: Database) -> Iterator[str]:
    """Vacuum the database in steps, and yield what is done next; requires the role of the owner.

    SQLite rewrites the file, during which other programs can read and not write; an interruption or
    a full disk changes nothing. PostgreSQL frees the space of deleted rows for new rows, table by
    table, while others read and write.
    """
    if isinstance(db, SQLite):
        yield from _sqlite_steps(db)
    elif owns_tables(db):
        yield from postgresql_steps(db, TABLES)
    else:
        raise misconfigured(
            "only the owner of the tables can vacuum them; put the user that ran readwatch init "
            "into the URL"
        )


def number_of_steps(db: Database) -> int:
    """Return the number of steps of a vacuum."""
    return 3 if isinstance(db, SQLite) else len(TABLES)


def collect_statistics(db: Database) -> str:
    """Collect the planner's statistics of tables that have changed much; requires the role of the
    owner. Return what was done.

    SQLite reads a part of each index, and nobody can write meanwhile. PostgreSQL does the same by
    itself, but not at a time of our choice.
    """
    if isinstance(db, SQLite):
        driver_connection(db).pragma("analysis_limit", _ANALYSIS_ROWS)
        db.execute_sql("PRAGMA optimize = 0x10002" if has_statistics(db) else "ANALYZE")
    elif owns_tables(db):
        db.execute_sql(f"ANALYZE {', '.join(TABLES)}")
    else:
        return "left to autovacuum, because only the owner of the tables can collect them"
    return "collected for the planner of queries"


def _sqlite_steps(db: SQLite) -> Iterator[str]:
    try:
        yield "rewriting the file"
        truncate_wal(db)
        vacuum(db)
        yield "collecting statistics"
        collect_statistics(db)
        yield "emptying the WAL"
    finally:
        truncate_wal(db)


def has_statistics(db: SQLite) -> bool:
    """Tell whether the planner of SQLite has statistics."""
    return _STATISTICS.one_or_none(db) is not None


def owns_tables(db: Database) -> bool:
    """Tell whether the user of a PostgreSQL URL owns the tables; others cannot vacuum them."""
    return bool(_IS_OWNER.scalar(db))


def postgresql_steps(db: Database, tables: Iterable[str]) -> Iterator[str]:
    """Vacuum tables of PostgreSQL, and yield the name of each before its turn."""
    db.execute_sql("SET statement_timeout = 0")
    for table in tables:
        yield table
        db.execute_sql(f"VACUUM (ANALYZE) {table}")
