"""Many rows in one statement: they travel as one JSON text, and the engine takes them apart.

A statement with a thousand rows costs one call of the driver instead of a thousand, and on SQLite
the whole of it runs without Python's lock, beside the threads that answer requests.
"""

import json
import re
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import peewee

from readwatch.store.engine.compiled import TRUE, CompiledQuery
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.statements import Statement

BulkRow = Sequence[str | int | float | None]

GIVEN = peewee.Table("given")
"""The rows that are passed, for a Peewee expression: `GIVEN.c.user_id` is their column."""

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode

_CASTS = {"bytes": "decode(value->>{at}, 'hex')", "json": "CAST(value->>{at} AS jsonb)"}


class BulkStatement:
    """A statement over rows, which it finds in a table `given` with the columns by their names.

    `columns` gives the type of each column: `bigint`, `text`, `timestamptz`, `boolean`, `double
    precision`, `json`, or `bytes` for what is passed as hex. The statement is a Peewee query or
    SQL as in `Statement`; `postgresql` is its spelling there if it differs.
    """

    __slots__ = ("_row_of", "_statement")

    def __init__(
        self,
        columns: dict[str, str],
        statement: peewee.BaseQuery | str,
        *,
        postgresql: str | None = None,
    ) -> None:
        self._row_of = attrgetter(*columns)
        on_sqlite, on_postgresql = _sqlite_rows(columns), _postgresql_rows(columns)
        self._statement = (
            Statement(
                _with_given(on_sqlite, statement),
                postgresql=_with_given(on_postgresql, postgresql or statement),
            )
            if isinstance(statement, str)
            else CompiledQuery(
                statement,
                cte=Statement(
                    _with_given(on_sqlite, ""), postgresql=_with_given(on_postgresql, "")
                ),
            )
        )

    def __call__(self, db: Database, rows: Sequence[BulkRow], **values: object) -> Any:
        """Run it once over all the rows and return the driver's cursor."""
        return self.run(db, rows_to_json(rows), **values)

    def run_records(self, db: Database, records: Iterable[object], **values: object) -> Any:
        """Do the same with records whose attributes have the names of the columns, at least two."""
        return self(db, [*map(self._row_of, records)], **values)

    def run(self, db: Database, rows_json: str, **values: object) -> Any:
        """Do the same with rows that are text already, as several statements need them."""
        return self._statement(db, rows=rows_json, **values)

    def text(self, db: Database) -> str:
        """Return its SQL for the engine of `db`."""
        return self._statement.text(db)

    def all(self, db: Database, rows: Sequence[BulkRow], **values: object) -> list[Any]:
        """Run it and return all rows of its result, with their columns as attributes."""
        return self._statement.all(db, rows=rows_to_json(rows), **values)


def insert_given(*columns: "peewee.Field[Any]") -> peewee.ModelInsert:
    """Return a query that inserts the passed rows; they have these columns by the same names."""
    given = GIVEN.select(*(GIVEN.c[column.column_name] for column in columns))
    # A condition, as SQLite would take an ON CONFLICT without one for that of a join.
    query: peewee.ModelInsert = columns[0].model.insert_from(given.where(TRUE), columns)
    return query


def rows_to_json(rows: Sequence[BulkRow]) -> str:
    """Return rows in the form in which they travel."""
    return _encode(rows)


def _with_given(rows: str, sql: str) -> str:
    """Put the rows before what the statement selects from, also before a WITH of its own."""
    own = re.match(r"\s*WITH (RECURSIVE )?", sql)
    if own is None:
        return f"WITH given AS {rows}\n{sql}"
    return f"WITH {own[1] or ''}given AS {rows},\n{sql[own.end() :]}"


def _sqlite_rows(columns: dict[str, str]) -> str:
    selected = ", ".join(
        f"unhex(value->>{at}) AS {name}" if kind == "bytes" else f"value->>{at} AS {name}"
        for at, (name, kind) in enumerate(columns.items())
    )
    return f"(SELECT {selected} FROM jsonb_each(:rows))"  # noqa: S608 - our own column names


def _postgresql_rows(columns: dict[str, str]) -> str:
    selected = ", ".join(
        f"{_CASTS.get(kind, f'CAST(value->>{{at}} AS {kind})').format(at=at)} AS {name}"
        for at, (name, kind) in enumerate(columns.items())
    )
    source = "jsonb_array_elements(CAST(:rows AS jsonb)) AS elements (value)"
    return f"(SELECT {selected} FROM {source})"  # noqa: S608 - our own column names


def rows_from_json(db: Database, value: Any) -> list[Any]:
    """Return what `json_group_array` (SQLite) or `json_agg` (PostgreSQL) gave, none as empty."""
    if is_sqlite(db):
        rows: list[Any] = json.loads(value)
        return rows
    return value or []
