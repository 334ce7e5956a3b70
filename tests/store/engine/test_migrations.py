"""Migrations: once, in order, all or nothing, also when two programs start together."""

import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import peewee
import pytest
from conftest import ENGINES

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, connection, driver_connection
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path

PREPARE = """
from readwatch.store.engine.migrations import create_or_upgrade
print(len(create_or_upgrade(sys.argv[1])))
"""

on_postgresql = pytest.mark.parametrize("engine", [ENGINES[1]], indirect=True)


def tables(db: Database) -> set[str]:
    return set(db.get_tables())


def refusal_of(act: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(ReadwatchError) as refusal:
        act(*arguments)
    assert refusal.value.kind is ErrorKind.MISCONFIGURED
    return refusal.value.message


@pytest.fixture
def folder(engine, tmp_path) -> Path:
    """A folder with the first migration of the engine, to put others beside it."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    shutil.copy(migrations.schema_folder() / engine / "0001_initial.sql", folder)
    return folder


@pytest.fixture
def empty(empty_url, opened) -> Database:
    db = opened(empty_url, Role.OWNER)
    db.connect()
    return db


# Making a database ------------------------------------------------------------------------------


def test_a_schema_is_applied_once(engine, empty_url, opened):
    applied = migrations.create_or_upgrade(empty_url)
    assert applied == migrations.migrations(migrations.schema_folder() / engine)
    numbers = [migration.number for migration in applied]
    assert numbers == sorted(set(numbers))
    assert migrations.create_or_upgrade(empty_url) == ()
    with connection(opened(empty_url, Role.CONSOLE)) as db:
        migrations.require_current(db)


def test_making_a_database_again_keeps_what_is_in_it(url, db, cast):
    migrations.create_or_upgrade(url)
    assert db.execute_sql("SELECT count(*) FROM users").fetchone() == (4,)


def test_programs_that_start_together_apply_it_once_between_them(at_once, empty_url, opened):
    applied = sum(int(number) for number in at_once(PREPARE, empty_url, processes=3))
    with connection(opened(empty_url, Role.CONSOLE)) as db:
        assert applied == len(migrations.available_migrations(db))


def test_who_comes_while_another_program_has_the_lock_waits(empty, empty_url):
    with ThreadPoolExecutor() as threads:
        with empty.atomic():
            acquire_lock(empty, Lock.SCHEMA)
            preparing = threads.submit(migrations.create_or_upgrade, empty_url)
            with pytest.raises(TimeoutError):
                preparing.result(timeout=0.1)
        assert preparing.result() == migrations.available_migrations(empty)


@on_postgresql
def test_a_migration_waits_for_the_group_that_a_server_is_writing(empty, empty_url, opened, folder):
    """On SQLite a group and a migration have the same lock."""
    migrations.upgrade(empty, migrations.migrations(folder))
    (folder / "0002_shelves.sql").write_text("CREATE TABLE shelves (id INTEGER PRIMARY KEY);")
    server = opened(empty_url, Role.OWNER)
    with ThreadPoolExecutor() as threads, connection(server):
        with server.atomic():
            acquire_lock(server, Lock.ROLLUPS)
            upgrading = threads.submit(upgrade_in_thread, empty, folder)
            with pytest.raises(TimeoutError):
                upgrading.result(timeout=0.1)
        assert [migration.name for migration in upgrading.result()] == ["shelves"]


def upgrade_in_thread(db: Database, folder: Path) -> tuple[migrations.Migration, ...]:
    with connection(db):
        return migrations.upgrade(db, migrations.migrations(folder))


def test_a_new_sqlite_file_is_for_its_owner_alone_and_in_wal_mode(tmp_path, opened):
    url = f"sqlite:///{tmp_path}/new/folder/readwatch.db"
    migrations.create_or_upgrade(url)
    assert stat.S_IMODE(sqlite_path(url).stat().st_mode) == 0o600
    with connection(opened(url, Role.CONSOLE)) as db:
        assert driver_connection(db).pragma("journal_mode") == "wal"


@pytest.mark.parametrize("place", ["letter.txt/readwatch.db", "folder", "letter.txt"])
def test_a_database_that_cannot_be_created_is_reported_in_a_sentence(place, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "letter.txt").write_text("Dear Ann, " * 500)
    with pytest.raises(ReadwatchError) as refusal:
        migrations.create_or_upgrade(f"sqlite:///{tmp_path / place}")
    assert refusal.value.kind is ErrorKind.MISCONFIGURED
    assert (tmp_path / "letter.txt").read_text() == "Dear Ann, " * 500


# Upgrading --------------------------------------------------------------------------------------


def test_migrations_are_found_in_their_order_and_nothing_else_is(folder):
    (folder / "0010_later.sql").write_text("SELECT 1;")
    (folder / "0002_more.sql").write_text("SELECT 1;")
    (folder / "notes.sql").write_text("no migration")
    (folder / "0003_draft.sql~").write_text("no migration")
    found = [(migration.number, migration.name) for migration in migrations.migrations(folder)]
    assert found == [(1, "initial"), (2, "more"), (10, "later")]


def test_only_what_is_missing_is_applied(folder, empty):
    migrations.upgrade(empty, migrations.migrations(folder))
    (folder / "0002_shelves.sql").write_text("CREATE TABLE shelves (id INTEGER PRIMARY KEY);")
    applied = migrations.upgrade(empty, migrations.migrations(folder))
    assert [migration.name for migration in applied] == ["shelves"]
    assert [done.number for done in migrations.history(empty)] == [1, 2]
    assert "shelves" in tables(empty)


def test_a_migration_that_fails_leaves_nothing_and_can_be_corrected(folder, empty):
    migrations.upgrade(empty, migrations.migrations(folder))
    broken = folder / "0002_shelves.sql"
    broken.write_text(
        "CREATE TABLE shelves (id INTEGER PRIMARY KEY);\n"
        "INSERT INTO shelves (id) VALUES (1);\n"
        "INSERT INTO no_such_table (id) VALUES (1);\n"
    )
    before = tables(empty)
    refusal = refusal_of(migrations.upgrade, empty, migrations.migrations(folder))
    assert refusal.startswith("migration 0002 (shelves) changed nothing: ")
    assert "no_such_table" in refusal
    assert tables(empty) == before
    assert [done.number for done in migrations.history(empty)] == [1]

    broken.write_text("CREATE TABLE shelves (id INTEGER PRIMARY KEY);")
    assert len(migrations.upgrade(empty, migrations.migrations(folder))) == 1
    assert "shelves" in tables(empty)


def test_an_error_names_the_migration_but_no_value_of_the_database(folder, empty):
    migrations.upgrade(empty, migrations.migrations(folder))
    empty.execute_sql(
        "INSERT INTO users (email, password_hash, user_role, full_name)"
        " VALUES ('ann@example.org', 'a hash', 'reader', 'Ann Archer')"
    )
    for sql in (
        "INSERT INTO users (email, password_hash, user_role, full_name)"
        " SELECT email, password_hash, user_role, full_name FROM users;",
        "UPDATE users SET user_role = full_name;",
    ):
        (folder / "0002_shelves.sql").write_text(sql)
        refusal = refusal_of(migrations.upgrade, empty, migrations.migrations(folder))
        assert refusal.startswith("migration 0002 (shelves) changed nothing: ")
        assert "ann" not in refusal.lower()


def test_a_row_that_refers_to_nothing_is_refused(folder, empty):
    migrations.upgrade(empty, migrations.migrations(folder))
    (folder / "0002_shelves.sql").write_text(
        "CREATE TABLE shelves (user_id BIGINT NOT NULL REFERENCES users (id));\n"
        "INSERT INTO shelves (user_id) VALUES (4711);\n"
    )
    refusal = refusal_of(migrations.upgrade, empty, migrations.migrations(folder))
    assert refusal.startswith("migration 0002 (shelves) changed nothing: ")
    assert "shelves" in refusal.partition(": ")[2]
    assert "shelves" not in tables(empty)


# A table may have been rebuilt in a migration; a connection checks foreign keys again afterwards.
def test_after_an_upgrade_the_connection_checks_foreign_keys(folder, empty):
    migrations.upgrade(empty, migrations.migrations(folder))
    with pytest.raises(peewee.IntegrityError):
        empty.execute_sql("INSERT INTO reader_profiles (user_id) VALUES (4711)")


def test_a_migration_inside_a_transaction_of_the_caller_is_a_mistake(folder, empty):
    with empty.atomic(), pytest.raises(ValueError, match="transaction"):
        migrations.upgrade(empty, migrations.migrations(folder))


@on_postgresql
def test_a_statement_of_a_migration_may_take_longer_than_those_of_users(folder, empty):
    empty.execute_sql("SET statement_timeout = '50ms'")
    (folder / "0002_slow.sql").write_text("SELECT pg_sleep(0.2);")
    assert len(migrations.upgrade(empty, migrations.migrations(folder))) == 2
    assert empty.execute_sql("SHOW statement_timeout").fetchone() == ("50ms",)


@on_postgresql
def test_an_error_names_the_migration_also_when_its_connection_is_lost(folder, empty):
    (folder / "0002_lost.sql").write_text("SELECT pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(ReadwatchError) as refusal, connection(empty):
        migrations.upgrade(empty, migrations.migrations(folder))
    assert refusal.value.message == (
        "migration 0002 (lost) changed nothing: the connection to the database was lost; try again"
    )


# Outside of a transaction ------------------------------------------------------------------------

INDEX = {
    "sqlite": "DROP INDEX IF EXISTS idx_users_name;\n"
    "CREATE INDEX idx_users_name ON users (full_name);\nVACUUM;\n",
    "postgresql": "DROP INDEX CONCURRENTLY IF EXISTS idx_users_name;\n"
    "CREATE INDEX CONCURRENTLY idx_users_name\n    ON users (full_name);\n",
}
"""What neither engine accepts in a transaction."""


def test_a_migration_whose_first_line_says_so_runs_outside_of_a_transaction(engine, folder, empty):
    (folder / "0002_name_index.sql").write_text(
        f"{migrations.OUTSIDE_TRANSACTION}\n{INDEX[engine]}"
    )
    migrations.upgrade(empty, migrations.migrations(folder))
    assert [done.number for done in migrations.history(empty)] == [1, 2]
    assert "idx_users_name" in {index.name for index in empty.get_indexes("users")}


def test_after_an_interruption_it_is_not_in_the_history_and_runs_again(engine, folder, empty):
    file = folder / "0002_name_index.sql"
    file.write_text(
        f"{migrations.OUTSIDE_TRANSACTION}\n{INDEX[engine]}INSERT INTO no_such_table VALUES (1);\n"
    )
    refusal = refusal_of(migrations.upgrade, empty, migrations.migrations(folder))
    assert refusal.startswith(
        "migration 0002 (name_index) did not finish; running it again is safe"
    )
    assert [done.number for done in migrations.history(empty)] == [1]

    file.write_text(f"{migrations.OUTSIDE_TRANSACTION}\n{INDEX[engine]}")
    migrations.upgrade(empty, migrations.migrations(folder))
    assert [done.number for done in migrations.history(empty)] == [1, 2]


# Refusing ---------------------------------------------------------------------------------------


def test_a_database_without_the_schema_says_what_to_run(empty):
    assert "readwatch init" in refusal_of(migrations.require_current, empty)


def test_a_database_that_is_newer_than_the_program_is_refused(tmp_path, engine, empty, empty_url):
    folder = shutil.copytree(migrations.schema_folder() / engine, tmp_path / "newer")
    (folder / "9999_shelves.sql").write_text("CREATE TABLE shelves (id INTEGER PRIMARY KEY);")
    migrations.upgrade(empty, migrations.migrations(folder))
    assert "upgrade readwatch" in refusal_of(migrations.require_current, empty)
    with pytest.raises(ReadwatchError, match="upgrade readwatch"):
        migrations.create_or_upgrade(empty_url)


@pytest.mark.parametrize("edit", ["checksum = 'another'", "number = number + 7000"])
def test_a_database_with_another_history_is_refused(edit, db, url):
    db.execute_sql(f"UPDATE schema_history SET {edit}")
    assert "history" in refusal_of(migrations.require_current, db)
    with pytest.raises(ReadwatchError, match="history"):
        migrations.create_or_upgrade(url)
