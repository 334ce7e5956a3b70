"""Models, SQLite's DDL and PostgreSQL's DDL say the same, and all that the seed says."""

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peewee
import psycopg
import pytest

from readwatch.store.engine.models import TABLES, UtcField

SEED = Path(__file__).with_name("seed_schema.sql")

# How each engine writes one type.
KINDS = {
    "INTEGER": "number",
    "BIGINT": "number",
    "integer": "number",
    "bigint": "number",
    "REAL": "number",
    "double precision": "number",
    "BOOLEAN": "boolean",
    "boolean": "boolean",
    "DATETIME": "moment",
    "timestamp with time zone": "moment",
    "TEXT": "text",
    "text": "text",
    "jsonb": "json",
    "BLOB": "bytes",
    "bytea": "bytes",
}
IS_JSON = {"metadata_json", "preferences_json"}  # SQLite keeps JSON as text


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    is_nullable: bool


@dataclass
class Table:
    columns: list[Column] = field(default_factory=list)
    primary_key: tuple[str, ...] = ()
    foreign_keys: set[tuple[str, str, str]] = field(default_factory=set)
    indexes: dict[str, tuple[bool, tuple[str, ...]]] = field(default_factory=dict)
    triggers: set[str] = field(default_factory=set)


def kind_of(name: str, declared: str) -> str:
    length = re.fullmatch(r"(?:VARCHAR|character varying)\((\d+)\)", declared)
    return "json" if name in IS_JSON else f"text {length[1]}" if length else KINDS[declared]


def on_sqlite(execute) -> dict[str, Table]:
    """What is in a SQLite file; `execute` runs a statement and returns an iterable of rows."""
    names = execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    )
    tables = {name: Table() for (name,) in list(names)}
    for name, table in tables.items():
        rows = list(execute(f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{name}')"))
        table.columns = [
            Column(column, kind_of(column, declared), not (is_needed or place))
            for column, declared, is_needed, place in rows
        ]
        table.primary_key = tuple(
            column for _, column in sorted((place, column) for column, _, _, place in rows if place)
        )
        table.foreign_keys = set(
            execute(f'SELECT "from", "table", on_delete FROM pragma_foreign_key_list(\'{name}\')')
        )
    for name, table, sql in list(
        execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql > ''")
    ):
        columns = re.findall(r"\((.*?)\)(?:\s+WHERE|$)", sql)[0].split(", ")
        tables[table].indexes[name] = (sql.startswith("CREATE UNIQUE"), tuple(columns))
    for name, table in list(
        execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'")
    ):
        tables[table].triggers.add(name)
    return tables


def on_postgresql(execute) -> dict[str, Table]:
    """What is in a PostgreSQL database."""
    names = execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    tables = {name: Table() for (name,) in names}
    for table, column, declared, is_needed in execute(
        """
        SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE attnum > 0 AND relkind = 'r' AND relnamespace = 'public'::regnamespace
        ORDER BY attnum
        """
    ):
        tables[table].columns.append(Column(column, kind_of(column, declared), not is_needed))
    for table, column, target, action in execute(
        """
        SELECT conrelid::regclass::text, attname, confrelid::regclass::text, confdeltype
        FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
        WHERE contype = 'f'
        """
    ):
        actions = {"c": "CASCADE", "n": "SET NULL", "r": "RESTRICT", "a": "NO ACTION"}
        tables[table].foreign_keys.add((column, target, actions[action]))
    for name, table, is_unique, is_primary, columns in execute(
        """
        SELECT indexrelid::regclass::text, indrelid::regclass::text, indisunique, indisprimary,
            ARRAY(SELECT pg_get_indexdef(indexrelid, n, true) FROM generate_series(1, indnatts) n)
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE relnamespace = 'public'::regnamespace
        """
    ):
        if is_primary:
            tables[table].primary_key = tuple(columns)
        else:
            written = tuple(column.replace("::text", "") for column in columns)
            tables[table].indexes[name] = (is_unique, written)
    for name, table in execute(
        "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    ):
        tables[table].triggers.add(name)
    return tables


def described(model: type[peewee.Model]) -> Table:
    """What a model says about its table."""
    meta: Any = model._meta
    keys = meta.primary_key.field_names if meta.composite_key else [meta.primary_key.name]
    return Table(
        columns=[Column(f.column_name, model_kind(f), f.null) for f in meta.sorted_fields],
        primary_key=tuple(meta.fields[name].column_name for name in keys),
        foreign_keys={
            (f.column_name, f.rel_model._meta.table_name, f.on_delete) for f in meta.refs
        },
    )


def model_kind(of: peewee.Field) -> str:
    match of:
        case peewee.CharField():
            return f"text {of.max_length}"
        case peewee.JSONField():
            return "json"
        case peewee.TextField():
            return "text"
        case peewee.BooleanField():
            return "boolean"
        case peewee.BlobField():
            return "bytes"
        case UtcField():
            return "moment"
    return "number"


@pytest.fixture
def sqlite(sqlite_template, tmp_path) -> dict[str, Table]:
    shutil.copy(sqlite_template, tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        return on_sqlite(connection.execute)


@pytest.fixture
def postgresql(postgresql_server, postgresql_template) -> dict[str, Table]:
    with psycopg.connect(postgresql_server.url(postgresql_template)) as connection:
        return on_postgresql(connection.execute)


@pytest.fixture
def seed() -> dict[str, Table]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SEED.read_text())
        return on_sqlite(connection.execute)


def test_every_table_has_a_model_that_says_the_same(sqlite):
    models = {model._meta.table_name: described(model) for model in TABLES}
    assert set(models) == set(sqlite)
    for name, model in models.items():
        assert (name, model.columns) == (name, sqlite[name].columns)
        assert (name, model.primary_key) == (name, sqlite[name].primary_key)
        assert (name, model.foreign_keys) == (name, sqlite[name].foreign_keys)


@pytest.mark.postgresql
def test_both_engines_have_the_same_tables_but_for_the_counter_that_sqlite_has_built_in(
    sqlite, postgresql
):
    assert set(sqlite) == set(postgresql) - {"access_log_counter"}
    for name, table in sqlite.items():
        twin = postgresql[name]
        assert (name, table.columns) == (name, twin.columns)
        assert (name, table.foreign_keys) == (name, twin.foreign_keys)


@pytest.mark.postgresql
def test_both_engines_have_the_same_keys_but_for_the_one_that_allows_partitions(sqlite, postgresql):
    assert {
        (name, postgresql[name].primary_key)
        for name, table in sqlite.items()
        if table.primary_key != postgresql[name].primary_key
    } == {("reader_activities", ("id", "user_id", "created_at"))}


@pytest.mark.postgresql
def test_both_engines_have_the_same_indexes_and_triggers_but_for_what_only_one_can(
    sqlite, postgresql
):
    # The id ends each index of SQLite, where a table has one.
    assert sqlite["reader_activities"].indexes.pop("idx_activities_user_id")[1] == ("user_id",)
    by_user = postgresql["reader_activities"].indexes.pop("idx_activities_user_id")
    assert by_user == (False, ("user_id", "id"))
    for name, table in sqlite.items():
        assert (name, table.indexes.items() - postgresql[name].indexes.items()) == (name, set())
    assert {
        more
        for name, table in sqlite.items()
        for more in table.triggers - postgresql[name].triggers
    } == {"consultant_access_log_keeps_places", "case_notes_keep_places"}
    assert {
        more
        for name, table in sqlite.items()
        for more in (postgresql[name].indexes.keys() - table.indexes.keys())
        | (postgresql[name].triggers - table.triggers)
    } == {
        "idx_active_sessions",
        "idx_activities_content_search",
        "access_log_cuts_keep_all",
        "case_notes_keep_all",
        "consultant_access_log_keeps_all",
        "consultant_access_log_counts_entries",
    }


def test_everything_that_the_seed_names_is_there(seed, sqlite):
    assert set(seed) == {
        "users",
        "reader_profiles",
        "reader_sessions",
        "reader_activities",
        "consultant_access_log",
    }
    for name, table in seed.items():
        ours = sqlite[name]
        kinds = {column.name: column.kind for column in table.columns}
        assert (name, kinds) == (
            name,
            {column.name: column.kind for column in ours.columns if column.name in kinds},
        )
        assert (name, table.indexes.keys() - ours.indexes.keys()) == (name, set())
        assert (name, table.triggers - ours.triggers) == (name, set())
        assert (name, table.primary_key) == (name, ours.primary_key)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET user_role = 'queen'",
        "UPDATE users SET email = NULL",
        "INSERT INTO reader_activities (user_id, activity_type, occurred_at, progress_percentage) "
        "SELECT id, 'page_read', created_at, 101 FROM users",
        "INSERT INTO reader_activities (user_id, activity_type, occurred_at, duration_seconds) "
        "SELECT id, 'page_read', created_at, -1 FROM users",
        "INSERT INTO reader_activities (user_id, activity_type, occurred_at, duration_seconds) "
        "SELECT id, 'page_read', created_at, 86401 FROM users",
        "INSERT INTO reader_profiles (user_id) VALUES (4711)",
    ],
)
def test_what_the_schema_forbids_the_engine_refuses(change, db, cast):
    with pytest.raises(peewee.IntegrityError):
        db.execute_sql(change)


@pytest.mark.parametrize("table", ["users", "reader_profiles"])
def test_a_change_made_by_hand_moves_updated_at(table, db, cast):
    unmoved = f"SELECT count(*) FROM {table} WHERE updated_at = created_at"
    assert db.execute_sql(unmoved).fetchone() > (0,)
    db.execute_sql(f"UPDATE {table} SET id = id")
    assert db.execute_sql(unmoved).fetchone() == (0,)
