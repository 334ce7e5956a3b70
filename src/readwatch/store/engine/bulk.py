"""Many rows in one statement: they travel as one JSON text, and the engine takes them apart.

A statement with a thousand rows costs one call of the driver instead of a thousand, and on SQLite
the whole of it runs without Python's lock, beside the threads that answer requests.
"""

import json
from collections.abc import Sequence
from typing import Any

from readwatch.store.engine.connections import Database, Statement, is_sqlite

Row = Sequence[str | int | float | None]

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode

_CASTS = {"bytes": "decode(value->>{at}, 'hex')", "json": "CAST(value->>{at} AS jsonb)"}


class BulkStatement:
    """A statement over rows: its text names the set `{rows}` and the columns by their names.

    `columns` gives the type of each column: `bigint`, `text`, `timestamptz`, `boolean`, `double
    precision`, `json`, or `bytes` for what is handed over as hex. `postgresql` is the text there if
    it differs.
    """

    def __init__(self, columns: dict[str, str], sql: str, *, postgresql: str | None = None) -> None:
        self._statement = Statement(
            sql.replace("{rows}", _sqlite_rows(columns)),
            postgresql=(postgresql or sql).replace("{rows}", _postgresql_rows(columns)),
        )

    def __call__(self, db: Database, rows: Sequence[Row], **values: object) -> Any:
        """Run it once over all the rows and return the driver's cursor."""
        return self.run(db, rows_to_json(rows), **values)

    def run(self, db: Database, given: str, **values: object) -> Any:
        """Do the same with rows that are text already, as several statements need them."""
        return self._statement(db, rows=given, **values)


def rows_to_json(rows: Sequence[Row]) -> str:
    """Return rows in the form in which they travel."""
    return _encode(rows)


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
    source = "jsonb_array_elements(CAST(:rows AS jsonb)) AS given (value)"
    return f"(SELECT {selected} FROM {source})"  # noqa: S608 - our own column names


def rows_from_json(db: Database, value: Any) -> list[Any]:
    """Return what `json_group_array` (SQLite) or `json_agg` (PostgreSQL) gave, none as empty."""
    if is_sqlite(db):
        found: list[Any] = json.loads(value)
        return found
    return value or []
