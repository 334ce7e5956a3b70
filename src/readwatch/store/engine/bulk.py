"""Bulk statements: the rows are passed as one JSON text, which the engine parses.

A statement with a thousand rows is one call of the driver instead of a thousand. On SQLite the
whole call runs without Python's GIL, so that other threads can answer requests.
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
"""The passed rows as a table in a Peewee expression, for example `GIVEN.c.user_id`."""

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode

_CASTS = {"bytes": "decode(value->>{index}, 'hex')", "json": "CAST(value->>{index} AS jsonb)"}


class BulkStatement:
    """A statement over passed rows: in its SQL they are the table `given`.

    `columns` maps the columns of `given` to their types: `bigint`, `text`, `timestamptz`,
    `boolean`, `double precision`, `json`, or `bytes` for values passed as hex. The statement is a
    Peewee query or SQL as in `Statement`; `postgresql` is the SQL for PostgreSQL if it differs.
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
        """Run the statement once over all rows and return the driver's cursor."""
        return self.run(db, rows_to_json(rows), **values)

    def run_records(self, db: Database, records: Iterable[object], **values: object) -> Any:
        """Do the same with records whose attributes have the names of the columns, at least two."""
        return self(db, [*map(self._row_of, records)], **values)

    def run(self, db: Database, rows_json: str, **values: object) -> Any:
        """Run the statement over rows from `rows_to_json`, which several statements can share."""
        return self._statement(db, rows=rows_json, **values)

    def text(self, db: Database) -> str:
        """Return the SQL for the engine of `db`."""
        return self._statement.text(db)

    def all(self, db: Database, rows: Sequence[BulkRow], **values: object) -> list[Any]:
        """Run the statement and return all rows of its result, with columns as attributes."""
        return self._statement.all(db, rows=rows_to_json(rows), **values)


def insert_given(*columns: "peewee.Field[Any]") -> peewee.ModelInsert:
    """Return a query that inserts the passed rows, which have columns of the same names."""
    given = GIVEN.select(*(GIVEN.c[column.column_name] for column in columns))
    # WHERE TRUE: without it SQLite parses ON CONFLICT as the ON of a join.
    query: peewee.ModelInsert = columns[0].model.insert_from(given.where(TRUE), columns)
    return query


def rows_to_json(rows: Sequence[BulkRow]) -> str:
    """Return rows as the JSON text that `BulkStatement.run` takes."""
    return _encode(rows)


def _with_given(rows: str, sql: str) -> str:
    """Add the table `given` to a statement, before any WITH of the statement itself."""
    own = re.match(r"\s*WITH (RECURSIVE )?", sql)
    if own is None:
        return f"WITH given AS {rows}\n{sql}"
    return f"WITH {own[1] or ''}given AS {rows},\n{sql[own.end() :]}"


def _sqlite_rows(columns: dict[str, str]) -> str:
    selected = ", ".join(
        f"unhex(value->>{index}) AS {name}" if kind == "bytes" else f"value->>{index} AS {name}"
        for index, (name, kind) in enumerate(columns.items())
    )
    return f"(SELECT {selected} FROM jsonb_each(:rows))"  # noqa: S608 - our own column names


def _postgresql_rows(columns: dict[str, str]) -> str:
    selected = ", ".join(
        f"{_CASTS.get(kind, f'CAST(value->>{{index}} AS {kind})').format(index=index)} AS {name}"
        for index, (name, kind) in enumerate(columns.items())
    )
    source = "jsonb_array_elements(CAST(:rows AS jsonb)) AS elements (value)"
    return f"(SELECT {selected} FROM {source})"  # noqa: S608 - our own column names


def rows_from_json(db: Database, value: Any) -> list[Any]:
    """Return the rows from `json_group_array` (SQLite) or `json_agg` (PostgreSQL, may be NULL)."""
    if is_sqlite(db):
        rows: list[Any] = json.loads(value)
        return rows
    return value or []
