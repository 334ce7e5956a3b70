"""SQL statements whose text is fixed: the parameters and the columns have names."""

import functools
import re
from collections import namedtuple
from collections.abc import Iterator
from time import monotonic
from typing import Any

import apsw

from readwatch.store.engine.connections import Database, is_sqlite

_NO_ROW = namedtuple("_NO_ROW", ())

_TOKENS = re.compile(
    r"""
    (?P<unchanged> '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | :: )
    | : (?P<parameter> [a-z_][a-z0-9_]* )
    | %
    """,
    re.VERBOSE | re.DOTALL,
)
"""What differs for PostgreSQL's driver; a text in quotes and a comment have no parameters."""


@functools.lru_cache(maxsize=1024)
def with_driver_parameters(sql: str) -> str:
    """Return SQL with `:named` parameters as PostgreSQL's driver takes it: `%(named)s`, `%%`."""
    return _TOKENS.sub(_driver_token, sql)


def _driver_token(token: re.Match[str]) -> str:
    if token["parameter"]:
        return f"%({token['parameter']})s"
    return token[0].replace("%", "%%")


class Statement:
    """One SQL text with `:named` parameters; `postgresql` is the SQL for PostgreSQL if it differs.

    The text is complete: names of tables and columns are written out, SQL that several statements
    share is a constant in an f-string, and every value is a parameter. Each column has a name:
    `one_or_none` and `all` return rows with the columns as attributes.
    """

    __slots__ = ("_postgresql", "_row_types", "_sqlite")

    def __init__(self, sql: str, *, postgresql: str | None = None) -> None:
        self._sqlite = sql
        self._postgresql = postgresql or sql
        self._row_types: dict[bool, Any] = {}

    def __call__(self, db: Database, **values: object) -> Any:
        """Run the statement and return the driver's cursor."""
        sql, cursor, started = self.text(db), None, monotonic()
        try:
            cursor = db.execute_sql(sql, values)
            return cursor
        finally:
            if (seconds := monotonic() - started) > db.slow_seconds:
                db.report_slow(sql, seconds, _changed_rows(db, cursor))

    def one_or_none(self, db: Database, **values: object) -> Any:
        """Run the statement and return the first row, with columns as attributes, or None."""
        sql, rows, started = self.text(db), None, monotonic()
        try:
            cursor = db.execute_sql(sql, values)
            row_type = self._row_types.get(is_sqlite(db)) or self._name_columns(db, cursor)
            row = cursor.fetchone()
            rows = 0 if row is None else 1
            return row_type._make(row) if rows else None
        finally:
            if (seconds := monotonic() - started) > db.slow_seconds:
                db.report_slow(sql, seconds, rows)

    def all(self, db: Database, **values: object) -> list[Any]:
        """Run the statement and return all rows, with columns as attributes."""
        sql, rows, started = self.text(db), None, monotonic()
        try:
            cursor = db.execute_sql(sql, values)
            row_type = self._row_types.get(is_sqlite(db)) or self._name_columns(db, cursor)
            rows = [*map(row_type._make, cursor)]
            return rows
        finally:
            if (seconds := monotonic() - started) > db.slow_seconds:
                db.report_slow(sql, seconds, None if rows is None else len(rows))

    def iterate(self, db: Database, **values: object) -> Iterator[Any]:
        """Run the statement and yield the rows one by one, with columns as attributes."""
        cursor = self(db, **values)
        row_type = self._row_types.get(is_sqlite(db)) or self._name_columns(db, cursor)
        return map(row_type._make, cursor)

    def scalar(self, db: Database, **values: object) -> Any:
        """Run the statement and return the only value of its only row."""
        return self(db, **values).fetchone()[0]

    def text(self, db: Database) -> str:
        """Return the SQL for the engine of `db`."""
        return self._sqlite if is_sqlite(db) else with_driver_parameters(self._postgresql)

    def _name_columns(self, db: Database, cursor: Any) -> Any:
        try:
            names = [column[0] for column in cursor.description]
        except apsw.ExecutionCompleteError:  # SQLite has no column names if there are no rows
            return _NO_ROW
        row_type = self._row_types[is_sqlite(db)] = _row_type(tuple(names))
        return row_type


def _changed_rows(db: Database, cursor: Any) -> int | None:
    """Return the number of rows that a finished statement has changed; None if it returns rows,
    which are not fetched yet, or if it has failed."""
    if cursor is None:
        return None
    if not is_sqlite(db):
        return int(cursor.rowcount)
    try:
        return None if cursor.description else db.rows_affected(cursor)
    except apsw.ExecutionCompleteError:
        return db.rows_affected(cursor)


@functools.cache  # lists make statements for each sort and filter, with the same few columns
def _row_type(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names)
