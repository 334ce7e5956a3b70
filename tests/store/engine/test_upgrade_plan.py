"""What an upgrade is going to do, and how many rows it has to look at."""

import shutil
from pathlib import Path

import pytest
from older_schema import fill_oldest

from readwatch.domain.errors import ReadwatchError
from readwatch.store.engine import migrations, upgrade_plan
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.estimates import estimated_rows
from readwatch.store.engine.privileges import Role


@pytest.fixture
def oldest(empty_url, opened, clock) -> Database:
    db = opened(empty_url, Role.OWNER)
    db.connect()
    fill_oldest(db, clock())
    return db


def test_the_pending_migrations_are_planned_with_the_tables_that_have_rows(oldest):
    plan = upgrade_plan.upgrade_plan(oldest)
    assert (plan.last.number, plan.last.name) == (1, "initial")
    numbers = [each.migration.number for each in plan.migrations]
    assert numbers == [it.number for it in migrations.available_migrations(oldest)[1:]]
    by_name = {each.migration.name: dict(each.rows) for each in plan.migrations}
    assert by_name["login_index"] == {"consultant_access_log": 1}
    assert by_name["archived_totals"] == {}, "its tables do not exist yet"
    assert by_name["accountability"] == (
        {} if is_sqlite(oldest) else {"consultant_access_log": 1, "users": 2}
    )


def test_a_current_database_needs_nothing(db):
    assert upgrade_plan.upgrade_plan(db).migrations == ()


def test_a_database_without_a_schema_has_no_plan(empty_url, opened):
    db = opened(empty_url, Role.OWNER)
    db.connect()
    with pytest.raises(ReadwatchError, match="readwatch init"):
        upgrade_plan.upgrade_plan(db)


def test_a_table_that_a_migration_only_names_is_not_touched(
    engine, oldest, tmp_path: Path, monkeypatch
):
    folder = shutil.copytree(migrations.schema_folder() / engine, tmp_path / "schema" / engine)
    for file in folder.iterdir():
        if not file.name.startswith("0001_"):
            file.unlink()
    (folder / "0002_touching.sql").write_text(
        "-- FROM reader_sessions\n"
        "CREATE TABLE IF NOT EXISTS shelves (user_id BIGINT REFERENCES users (id));\n"
        "INSERT INTO shelves SELECT u.id FROM users u JOIN reader_activities a ON TRUE;\n"
        "UPDATE reader_profiles SET timezone = NULL;\n"
    )
    monkeypatch.setattr(migrations, "schema_folder", lambda: tmp_path / "schema")
    migrations._available.cache_clear()
    try:
        [planned] = upgrade_plan.upgrade_plan(oldest).migrations
    finally:
        migrations._available.cache_clear()
    assert set(planned.rows) == {"users", "reader_activities", "reader_profiles"}


def test_an_estimate_of_rows_needs_no_exact_count(oldest):
    tables = ("users", "reader_activities", "reader_quizzes", "no_such_table")
    oldest.execute_sql("DELETE FROM reader_activities")
    rows = estimated_rows(oldest, tables)
    assert rows.keys() == {"users", "reader_activities", "reader_quizzes"}
    if is_sqlite(oldest):
        assert rows == {"users": 2, "reader_activities": 0, "reader_quizzes": None}
    else:
        oldest.execute_sql("ANALYZE")
        assert estimated_rows(oldest, tables)["users"] == 2
