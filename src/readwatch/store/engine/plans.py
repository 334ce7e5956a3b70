"""How an engine would run a statement, without running it."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from readwatch.store.engine.connections import Database, driver_connection, is_sqlite

_HAS_PLAN = re.compile(r"[\s(]*(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_DRIVER_PARAMETERS = re.compile(r"%(?:\((?P<name>\w+)\)s|s|%)")


def query_plan(db: Database, sql: str) -> tuple[str, ...]:
    """Return the lines of a statement's plan; none for a statement that has no plan.

    `sql` is the text for the driver, with placeholders; their values are not known, so the plan is
    the one that suits every value. The role of the connection needs the privileges for the
    statement. Errors are Peewee's and the driver's.
    """
    if _HAS_PLAN.match(sql) is None:
        return ()
    return tuple(_sqlite_plan(db, sql) if is_sqlite(db) else _postgresql_plan(db, sql))


def _sqlite_plan(db: Database, sql: str) -> Iterator[str]:
    from apsw.ext import query_info  # takes 30 ms to import

    details = query_info(driver_connection(db), sql, explain_query_plan=True).query_plan
    return _details(details.sub or () if details else ())


def _details(steps: Any) -> Iterator[str]:
    for step in steps:
        yield step.detail
        yield from _details(step.sub or ())


def _postgresql_plan(db: Database, sql: str) -> Iterator[str]:
    """PostgreSQL shows a plan without values only for a prepared statement, before version 16."""
    text, parameters = _numbered(sql)
    nulls = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
    connection = driver_connection(db)
    execute = connection.execute
    try:
        with connection.transaction():
            execute("SET LOCAL plan_cache_mode = force_generic_plan")
            execute(f"PREPARE readwatch_plan AS {text}")
            lines = execute(f"EXPLAIN EXECUTE readwatch_plan{nulls}").fetchall()
    finally:
        with suppress(Exception):  # it was not prepared
            execute("DEALLOCATE readwatch_plan")
    return (line.strip() for (line,) in lines)


def _numbered(sql: str) -> tuple[str, int]:
    """Return SQL for the driver with `$1` instead of its placeholders, and their number."""
    numbers: dict[str, int] = {}

    def number(token: re.Match[str]) -> str:
        if token[0] == "%%":
            return "%"
        name = token["name"] or f"value {len(numbers)}"
        return f"${numbers.setdefault(name, len(numbers) + 1)}"

    text = _DRIVER_PARAMETERS.sub(number, sql)
    return text, len(numbers)
