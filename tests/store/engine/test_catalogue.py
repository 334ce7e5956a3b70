"""A database whose triggers, tables or indexes differ from the shipped schema is reported."""

import pytest
from store.engine.test_privileges import on_postgresql, on_sqlite

from readwatch.store.engine import catalogue as catalogue_module
from readwatch.store.engine import migrations
from readwatch.store.engine.catalogue import (
    CATALOGUE_FILE,
    as_text,
    catalogue,
    schema_differences,
)
from readwatch.store.engine.privileges import LIMITED_ROLES, Role

LOG = "consultant_access_log"
DROP = {
    "sqlite": "DROP TRIGGER {}",
    "postgresql": f"DROP TRIGGER {{}} ON {LOG}",
}
IDLE_TRIGGER = {
    "sqlite": f"CREATE TRIGGER {{}} BEFORE DELETE ON {LOG} BEGIN SELECT 1; END",
    "postgresql": f"CREATE TRIGGER {{}} BEFORE DELETE ON {LOG} FOR EACH ROW"
    " WHEN (FALSE) EXECUTE FUNCTION refuse_access_log_change()",
}
KEEPS_ROWS = f"{LOG}_keeps_rows"


@on_postgresql
def test_the_shipped_catalogue_is_that_of_the_migrations(db, request):
    file = migrations.schema_folder() / CATALOGUE_FILE
    if request.config.getoption("--update-snapshots"):
        file.write_text(as_text(catalogue(db)), encoding="utf-8")
        catalogue_module._shipped_postgresql.cache_clear()
    assert as_text(catalogue(db)) == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("role", [*LIMITED_ROLES, Role.OWNER])
def test_every_role_sees_that_a_new_database_is_as_shipped(role, connected):
    assert schema_differences(connected(role)) == ()


def test_a_trigger_that_is_missing_changed_or_added_is_reported(engine, connected):
    db, maintenance = connected(Role.OWNER), connected(Role.MAINTENANCE)
    db.execute_sql(DROP[engine].format(KEEPS_ROWS))
    assert schema_differences(maintenance) == (f"trigger {KEEPS_ROWS} is missing",)
    db.execute_sql(IDLE_TRIGGER[engine].format(KEEPS_ROWS))
    assert schema_differences(maintenance) == (f"trigger {KEEPS_ROWS} is not the one of readwatch",)
    db.execute_sql(IDLE_TRIGGER[engine].format("mine"))
    assert schema_differences(maintenance)[1:] == ("trigger mine does not belong to readwatch",)


def test_a_missing_index_is_reported_and_an_additional_one_is_fine(connected):
    db = connected(Role.OWNER)
    db.execute_sql("CREATE INDEX mine ON users (full_name)")
    db.execute_sql("CREATE TABLE my_notes (text VARCHAR(9))")
    assert schema_differences(db) == ()
    db.execute_sql("DROP INDEX idx_consultant_log_prev_hash")
    assert schema_differences(db) == ("index idx_consultant_log_prev_hash is missing",)


@on_postgresql
def test_a_database_that_is_restored_from_a_dump_is_as_shipped(connected):
    """A restore creates conditions and indexes as PostgreSQL writes them into the dump."""
    db = connected(Role.OWNER)
    conditions = db.execute_sql(
        "SELECT CAST(conrelid AS regclass), conname, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
    ).fetchall()
    for table, name, condition in conditions:
        db.execute_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD {condition}")
    indexes = db.execute_sql(
        "SELECT CAST(indexrelid AS regclass), pg_get_indexdef(indexrelid) FROM pg_index i"
        " JOIN pg_class c ON c.oid = indexrelid"
        " WHERE relnamespace = CAST(current_schema() AS regnamespace)"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)"
    ).fetchall()
    for name, index in indexes:
        db.execute_sql(f"DROP INDEX {name}")
        db.execute_sql(index)
    assert conditions
    assert indexes
    assert schema_differences(db) == ()


@on_sqlite
def test_a_table_that_was_made_again_without_its_rules_is_reported(db):
    (sql,) = db.execute_sql("SELECT sql FROM sqlite_schema WHERE name = 'users'").fetchone()
    db.execute_sql("PRAGMA foreign_keys = OFF")
    db.execute_sql("DROP TABLE users")
    db.execute_sql(sql.replace("'consultant', 'admin'", "'consultant', 'admin', 'spy'"))
    assert "table users is not the one of readwatch" in schema_differences(db)


@on_postgresql
@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (
            f"ALTER TABLE {LOG} DISABLE TRIGGER {KEEPS_ROWS}",
            f"trigger {KEEPS_ROWS} is not the one of readwatch",
        ),
        (
            f"ALTER TABLE {LOG} ENABLE REPLICA TRIGGER {KEEPS_ROWS}",
            f"trigger {KEEPS_ROWS} is not the one of readwatch",
        ),
        (
            "CREATE OR REPLACE FUNCTION refuse_access_log_change() RETURNS trigger"
            " LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
            "function refuse_access_log_change is not the one of readwatch",
        ),
        (
            f"CREATE RULE silent AS ON INSERT TO {LOG} DO INSTEAD NOTHING",
            "rule silent does not belong to readwatch",
        ),
        (
            f"ALTER TABLE {LOG} ENABLE ROW LEVEL SECURITY",
            f"row security of {LOG} does not belong to readwatch",
        ),
        (
            "ALTER TABLE users DROP CONSTRAINT users_user_role_check",
            "constraint users_user_role_check is missing",
        ),
        (
            f"ALTER TABLE {LOG} ALTER row_hash DROP NOT NULL",
            f"column {LOG}.row_hash is not the one of readwatch",
        ),
        (
            "SET session_replication_role = replica",
            "session_replication_role is replica, so no trigger runs",
        ),
    ],
)
def test_what_only_postgresql_can_switch_off_is_reported(change, difference, db):
    db.execute_sql(change)
    assert schema_differences(db) == (difference,)


@on_postgresql
def test_triggers_that_a_setting_of_the_database_switches_off_are_reported(connected):
    db = connected(Role.OWNER)
    db.execute_sql(f'ALTER DATABASE "{db.database}" SET session_replication_role = replica')
    assert schema_differences(connected(Role.MAINTENANCE)) == (
        "session_replication_role is replica, so no trigger runs",
    )
