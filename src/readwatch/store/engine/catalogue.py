"""The objects of a database compared with those of the shipped schema.

Whoever drops a trigger to change the access log, and creates it again differently or not at all,
leaves a difference. SQLite keeps the text of each object, so the shipped migrations are applied to
a database in memory. PostgreSQL keeps no text: its catalogue is compared with that of a database
that a test has created, in `schema/postgresql_catalogue.txt`.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from contextlib import closing

import apsw

from readwatch.domain.text import clean
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.migrations import migrations, schema_folder
from readwatch.store.engine.privileges import TABLES
from readwatch.store.engine.statements import Statement

CATALOGUE_FILE = "postgresql_catalogue.txt"

_HARMLESS = re.compile(r"index \w+|trigger update_\w+_timestamp")

Catalogue = Mapping[str, str]
"""Definitions by kind and name of the object, such as `trigger users_log_staff_passwords`."""

_SQLITE_SQL = """
    SELECT type || ' ' || name AS object, sql AS definition FROM sqlite_schema
    WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
"""
_SQLITE_OBJECTS = Statement(_SQLITE_SQL)
# The names of objects contain no schema, so that it can have any name.
_POSTGRESQL_OBJECTS = Statement(
    """
    WITH objects AS (
        SELECT
            'column ' || t.relname || '.' || attname AS object,
            format_type(atttypid, atttypmod)
                || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
                || CASE attidentity WHEN '' THEN '' ELSE ' IDENTITY' END
                || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '') AS definition
        FROM pg_attribute
        JOIN pg_class t ON t.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attnum > 0 AND NOT attisdropped AND t.relname = ANY(:tables)
        AND t.relnamespace = CAST(current_schema() AS regnamespace)
        UNION ALL
        SELECT
            'constraint ' || conname,
            'ON ' || t.relname || ' ' || pg_get_constraintdef(c.oid)
        FROM pg_constraint c JOIN pg_class t ON t.oid = conrelid
        WHERE contype IN ('c', 'f', 'p', 'u') AND t.relname = ANY(:tables)
        AND t.relnamespace = CAST(current_schema() AS regnamespace)
        UNION ALL
        SELECT
            'index ' || i.relname,
            pg_get_indexdef(i.oid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END
        FROM pg_index
        JOIN pg_class i ON i.oid = indexrelid
        JOIN pg_class t ON t.oid = indrelid
        WHERE NOT indisprimary AND t.relname = ANY(:tables)
        AND t.relnamespace = CAST(current_schema() AS regnamespace)
        UNION ALL
        SELECT
            'trigger ' || tgname,
            pg_get_triggerdef(g.oid) || CASE tgenabled WHEN 'O' THEN '' ELSE ' DISABLED' END
        FROM pg_trigger g JOIN pg_class t ON t.oid = tgrelid
        WHERE NOT tgisinternal AND t.relname = ANY(:tables)
        AND t.relnamespace = CAST(current_schema() AS regnamespace)
        UNION ALL
        SELECT
            'function ' || proname,
            encode(sha256(convert_to(prosrc, 'UTF8')), 'hex')
                || CASE WHEN prosecdef THEN ' SECURITY DEFINER' ELSE '' END
                || coalesce(' SET ' || array_to_string(proconfig, ' '), '')
        FROM pg_proc WHERE pronamespace = CAST(current_schema() AS regnamespace)
        UNION ALL
        SELECT 'rule ' || rulename, pg_get_ruledef(r.oid)
        FROM pg_rewrite r JOIN pg_class t ON t.oid = ev_class
        WHERE t.relname = ANY(:tables)
        AND t.relnamespace = CAST(current_schema() AS regnamespace)
        UNION ALL
        SELECT 'row security of ' || relname, 'on' FROM pg_class
        WHERE relrowsecurity AND relname = ANY(:tables)
        AND relnamespace = CAST(current_schema() AS regnamespace)
    )
    SELECT object, replace(definition, quote_ident(current_schema()) || '.', '') AS definition
    FROM objects ORDER BY object
    """
)
_TRIGGERS_ARE_OFF = Statement(
    """
    SELECT current_setting('session_replication_role') = 'replica' OR EXISTS (
        SELECT 1 FROM pg_db_role_setting
        WHERE array_to_string(setconfig, ' ') ~* 'session_replication_role=replica'
    )
    """
)


def schema_differences(db: Database) -> tuple[str, ...]:
    """Return one sentence for each difference between a current database and the shipped schema.

    Tables and indexes that somebody has added are no difference; triggers and rules are.
    """
    expected = _shipped_sqlite() if is_sqlite(db) else _shipped_postgresql()
    differences = list(_differences(catalogue(db), expected))
    if not is_sqlite(db) and _TRIGGERS_ARE_OFF.scalar(db):
        differences.append("session_replication_role is replica, so no trigger runs")
    return tuple(differences)


def catalogue(db: Database) -> Catalogue:
    """Return the objects of a database."""
    rows = (
        _SQLITE_OBJECTS.all(db)
        if is_sqlite(db)
        else _POSTGRESQL_OBJECTS.all(db, tables=list(TABLES))
    )
    return {row.object: _one_line(row.definition) for row in rows}


def _differences(actual: Catalogue, expected: Catalogue) -> Iterator[str]:
    for name, definition in expected.items():
        if name not in actual:
            yield f"{name} is missing"
        elif actual[name] != definition:
            yield f"{name} is not the one of readwatch"
    for name in sorted(actual.keys() - expected.keys()):
        if name.split(" ", 1)[0] in {"trigger", "rule", "row"}:
            yield f"{clean(name)} does not belong to readwatch"


def missing_harmless(db: Database) -> Catalogue:
    """Return the definitions of the objects that a current SQLite database lacks and that can be
    created again by anybody: indexes, and the triggers that set `updated_at`.

    They protect nothing, so their absence is no trace of anybody.
    """
    existing = catalogue(db)
    return {
        name: sql
        for name, sql in _shipped_sqlite_sql().items()
        if name not in existing and _HARMLESS.fullmatch(name)
    }


def _shipped_sqlite() -> Catalogue:
    return {name: _one_line(sql) for name, sql in _shipped_sqlite_sql().items()}


@functools.cache
def _shipped_sqlite_sql() -> Catalogue:
    with closing(apsw.Connection(":memory:")) as memory:
        for migration in migrations(schema_folder() / "sqlite"):
            memory.execute(migration.sql)
        return {str(name): str(sql) for name, sql in memory.execute(_SQLITE_SQL)}


@functools.cache
def _shipped_postgresql() -> Catalogue:
    lines = (schema_folder() / CATALOGUE_FILE).read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines)


def as_text(objects: Catalogue) -> str:
    """Return a catalogue as the text of `CATALOGUE_FILE`: a line for each object."""
    return "".join(f"{name}: {definition}\n" for name, definition in sorted(objects.items()))


def _one_line(text: str) -> str:
    return " ".join(text.split())
