"""Migrations: once, in order, all or nothing, also when two programs start together."""

import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import psycopg
import pytest

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, connection, driver_connection
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path

PREPARE = """
from readwatch.store.engine.migrations import create_or_upgrade
print(len(create_or_upgrade(sys.argv[1])))
"""


def tables(db: Database) -> set[str]:
    return set(db.get_tables())


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
    assert [migration.number for migration in applied] == [*range(1, len(applied) + 1)]
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


def test_who_comes_while_another_program_is_at_it_waits_and_finds_it_done(empty, empty_url):
    with ThreadPoolExecutor() as threads:
        with empty.atomic():
            migrations.upgrade(empty, migrations.available_migrations(empty))
            preparing = threads.submit(migrations.create_or_upgrade, empty_url)
            with pytest.raises(TimeoutError):
                preparing.result(timeout=0.1)
        assert preparing.result() == ()


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
    with pytest.raises((apsw.SQLError, psycopg.errors.UndefinedTable)):
        migrations.upgrade(empty, migrations.migrations(folder))
    assert tables(empty) == before
    assert [done.number for done in migrations.history(empty)] == [1]

    broken.write_text("CREATE TABLE shelves (id INTEGER PRIMARY KEY);")
    assert len(migrations.upgrade(empty, migrations.migrations(folder))) == 1
    assert "shelves" in tables(empty)


# Refusing ---------------------------------------------------------------------------------------


def refusal_of(db: Database) -> str:
    with pytest.raises(ReadwatchError) as refusal:
        migrations.require_current(db)
    assert refusal.value.kind is ErrorKind.MISCONFIGURED
    return refusal.value.message


def test_a_database_without_the_schema_says_what_to_run(empty):
    assert "readwatch init" in refusal_of(empty)


def test_a_database_that_is_newer_than_the_program_is_refused(tmp_path, engine, empty, empty_url):
    folder = shutil.copytree(migrations.schema_folder() / engine, tmp_path / "newer")
    (folder / "9999_shelves.sql").write_text("CREATE TABLE shelves (id INTEGER PRIMARY KEY);")
    migrations.upgrade(empty, migrations.migrations(folder))
    assert "upgrade readwatch" in refusal_of(empty)
    with pytest.raises(ReadwatchError, match="upgrade readwatch"):
        migrations.create_or_upgrade(empty_url)


@pytest.mark.parametrize("edit", ["checksum = 'another'", "number = number + 7000"])
def test_a_database_with_another_history_is_refused(edit, db, url):
    db.execute_sql(f"UPDATE schema_history SET {edit}")
    assert "history" in refusal_of(db)
    with pytest.raises(ReadwatchError, match="history"):
        migrations.create_or_upgrade(url)
