"""SQL statements whose text is fixed: the parameters and the columns have names."""

import re
from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import apsw

from readwatch.store.engine.connections import Database, is_sqlite

_NO_ROW = namedtuple("_NO_ROW", ())


class Statement:
    """One SQL text with `:named` parameters; `postgresql` is its spelling there if it differs.

    Its text has the names of tables and columns written out, and nothing to be replaced later: text
    that several statements share is a constant that an f-string puts in its place, and every value
    is a parameter. Each column has a name, which `one_or_none` and `all` give to the rows.
    """

    __slots__ = ("_postgresql", "_row_types", "_sqlite")

    def __init__(self, sql: str, *, postgresql: str | None = None) -> None:
        self._sqlite = sql
        self._postgresql = re.sub(r"(?<!:):([a-z_][a-z0-9_]*)", r"%(\1)s", postgresql or sql)
        self._row_types: dict[bool, Any] = {}

    def __call__(self, db: Database, **values: object) -> Any:
        """Run it and return the driver's cursor."""
        return db.execute_sql(self.text(db), values)

    def one_or_none(self, db: Database, **values: object) -> Any:
        """Run it and return the first row, with its columns as attributes; None without a row."""
        cursor = db.execute_sql(self.text(db), values)
        row_type = self._row_types.get(is_sqlite(db)) or self._name_columns(db, cursor)
        row = cursor.fetchone()
        return None if row is None else row_type._make(row)

    def all(self, db: Database, **values: object) -> list[Any]:
        """Run it and return all rows, with their columns as attributes."""
        return list(self.iterate(db, **values))

    def iterate(self, db: Database, **values: object) -> Iterator[Any]:
        """Run it and return the rows one after the other, with their columns as attributes."""
        cursor = self(db, **values)
        row_type = self._row_types.get(is_sqlite(db)) or self._name_columns(db, cursor)
        return map(row_type._make, cursor)

    def scalar(self, db: Database, **values: object) -> Any:
        """Run it and return the only value of its only row."""
        return self(db, **values).fetchone()[0]

    def text(self, db: Database) -> str:
        """Return its SQL for the engine of `db`."""
        return self._sqlite if is_sqlite(db) else self._postgresql

    def _name_columns(self, db: Database, cursor: Any) -> Any:
        try:
            names = [column[0] for column in cursor.description]
        except apsw.ExecutionCompleteError:  # without rows SQLite does not tell their names
            return _NO_ROW
        row_type = namedtuple("Row", names)  # type: ignore[misc]
        self._row_types[is_sqlite(db)] = row_type
        return row_type
