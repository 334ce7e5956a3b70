"""How many rows a table has, about, at a cost that does not depend on their number."""

from collections.abc import Iterable

from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.statements import Statement

_SQLITE_TABLES = Statement(
    "SELECT name, sql LIKE '%WITHOUT ROWID%' AS has_no_ids FROM sqlite_master WHERE type = 'table'"
)
# The number of VACUUM and ANALYZE; before the first of them, -1, the one that PostgreSQL counts.
_POSTGRESQL_ROWS = Statement(
    """
    SELECT
        t.relname AS name,
        CAST(CASE WHEN reltuples < 0 THEN coalesce(n_live_tup, 0) ELSE reltuples END AS BIGINT)
            AS number
    FROM pg_class t LEFT JOIN pg_stat_user_tables ON relid = t.oid
    WHERE t.relname = ANY(:tables) AND relnamespace = CAST(current_schema() AS regnamespace)
    """
)


def estimated_rows(db: Database, tables: Iterable[str]) -> dict[str, int | None]:
    """Return the approximate number of rows of those tables that exist; None if it is not known.

    On SQLite it is the distance between the first and the last id, so deleted rows between them
    count; a table without ids has no estimate. On PostgreSQL it comes from the statistics. Requires
    a role that may read the tables.
    """
    names = sorted(set(tables))
    if not is_sqlite(db):
        return {row.name: row.number for row in _POSTGRESQL_ROWS.all(db, tables=names)}
    has_no_ids = {row.name: row.has_no_ids for row in _SQLITE_TABLES.all(db)}
    return {
        name: None if has_no_ids[name] else _between_ids(db, name)
        for name in names
        if name in has_no_ids
    }


def _between_ids(db: Database, table: str) -> int:
    # Only an aggregate that is alone in its query is read from the end of the table.
    first = f"(SELECT min(rowid) FROM {table})"  # noqa: S608 - a name of the schema
    last = f"(SELECT max(rowid) FROM {table})"  # noqa: S608
    return int(Statement(f"SELECT coalesce({last} - {first} + 1, 0)").scalar(db))
