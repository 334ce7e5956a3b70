"""An upgrade keeps every row of every table."""

import shutil
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from grouped import limit, put_into
from older_schema import Rows, columns_of, fill_oldest, rows_of

from readwatch.domain.archive_files import Archive
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.audit_chain import Head
from readwatch.domain.audit_cuts import details_of_cut
from readwatch.domain.cases import NewCaseNote, NoteKind
from readwatch.domain.users import UserRole
from readwatch.store import case_notes
from readwatch.store.audit import chain
from readwatch.store.audit.cuts import record_cut
from readwatch.store.audit.entries import extent
from readwatch.store.audit.log import append_in_transaction, log_event
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.times import from_db_time
from readwatch.store.identity import invitations, users
from readwatch.store.identity.users import NewUser, add_user
from readwatch.store.lifecycle import archives
from readwatch.store.recording.rebuild import ReaderRollups

EVE = NewUser(
    email="eve@example.org",
    full_name="Eve Early",
    user_role=UserRole.CONSULTANT,
    password_hash="a hash",
)


def without_rows(rows: Rows) -> list[str]:
    return [name for name, of_table in rows.items() if not of_table]


@pytest.fixture
def oldest(empty_url, opened, clock) -> Database:
    """A database of the first schema with rows in every table."""
    db = opened(empty_url, Role.OWNER)
    db.connect()
    fill_oldest(db, clock())
    return db


def test_an_upgrade_keeps_every_row_of_every_table(oldest):
    columns = columns_of(oldest)
    before = rows_of(oldest, columns)
    assert without_rows(before) == []
    migrations.upgrade(oldest, migrations.available_migrations(oldest))
    migrations.require_current(oldest)
    assert rows_of(oldest, columns) == before


def test_the_hours_of_older_activities_are_counted_in_utc(oldest):
    if not is_sqlite(oldest):
        oldest.execute_sql("SET TIME ZONE 'Asia/Kolkata'")
    migrations.upgrade(oldest, migrations.available_migrations(oldest))
    hours = oldest.execute_sql("SELECT hour, activities, seconds FROM reader_hours ORDER BY hour")
    first, second, third = ((from_db_time(hour), *counted) for hour, *counted in hours)
    assert first == (datetime(2026, 11, 20, 23, tzinfo=UTC), 2, 67)
    assert second == (datetime(2026, 11, 21, 0, tzinfo=UTC), 2, 5)
    assert third[1:] == (1, 0)
    assert ReaderRollups(0, 99).compare(oldest).reader_hours == 0


def test_an_upgrade_of_a_log_with_a_gap_in_its_ids_leaves_it_intact_and_adds_no_gap(oldest, clock):
    event = AuditEvent(2, AuditAction.LOGGED_IN)
    with suppress(ZeroDivisionError), oldest.atomic():
        append_in_transaction(oldest, event, clock())
        raise ZeroDivisionError  # on PostgreSQL this uses up an id of the first schema
    last_id = log_event(oldest, event, clock())
    assert last_id == (2 if is_sqlite(oldest) else 3)
    migrations.upgrade(oldest, migrations.available_migrations(oldest))
    with suppress(ZeroDivisionError), oldest.atomic():
        append_in_transaction(oldest, event, clock())
        raise ZeroDivisionError
    assert log_event(oldest, event, clock()) == last_id + 1
    *_, verdict = chain.verify(oldest, (), extent(oldest))
    assert (verdict.head.entries, verdict.defect) == (3, None)


@pytest.fixture
def current(oldest, clock) -> Database:
    """A database of the current schema with rows in every table."""
    migrations.upgrade(oldest, migrations.available_migrations(oldest))
    event = AuditEvent(2, AuditAction.INVITED_USER, 1)
    with oldest.atomic():
        append_in_transaction(oldest, event, clock())
        invitations.add_invitations(oldest, {1: invitations.new_code()}, clock())
    first = "SELECT row_hash FROM consultant_access_log WHERE id = 1"
    head = Head(1, 1, oldest.execute_sql(first).fetchone()[0])
    event = AuditEvent(2, AuditAction.CUT_ACCESS_LOG, details=details_of_cut(head))
    record_cut(oldest, head, event, clock())
    oldest.execute_sql("INSERT INTO archived_totals (user_id) SELECT id FROM users")
    for table in ("content_progress", "quizzes"):
        oldest.execute_sql(f"INSERT INTO archived_{table} SELECT * FROM reader_{table}")
    name = "activities-2025-11-000000000001.jsonl.gz"
    archive = Archive("/archive", name, 1, 9, 9, clock(), clock(), "a checksum")
    archives.add(oldest, archive, clock())
    put_into(oldest, "4b", users.get_user(oldest, 1))
    limit(oldest, users.get_user(oldest, 2), "4b")
    note = NewCaseNote(1, NoteKind.NOTE, "phoned home")
    case_notes.add_note(oldest, note, clock(), author_id=2, details="console")
    assert without_rows(rows_of(oldest)) == []
    return oldest


# A later migration may have to replace a table by another one with the same rows:
# https://www.sqlite.org/lang_altertable.html#otheralter


def rebuild(db: Database, table: str, text_column: str) -> str:
    """Return a migration that replaces a table on SQLite, and changes a column on PostgreSQL."""
    if not is_sqlite(db):
        change = f"ALTER TABLE {table} ALTER COLUMN {text_column} TYPE"
        return f"{change} TEXT;\n{change} VARCHAR(255);\n"
    ddl, *others = [
        sql
        for (sql,) in db.execute_sql(
            "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY rowid",
            (table,),
        )
    ]
    return ";\n".join(
        (
            ddl.replace(f"CREATE TABLE {table}", "CREATE TABLE rebuilt"),
            f"INSERT INTO rebuilt SELECT * FROM {table}",
            f"DROP TABLE {table}",
            f"ALTER TABLE rebuilt RENAME TO {table}",
            *others,
            "",
        )
    )


@pytest.mark.parametrize(
    ("table", "text_column"), [("users", "full_name"), ("reader_sessions", "device_type")]
)
def test_a_rebuilt_table_keeps_its_rows_and_those_that_refer_to_them(
    table, text_column, engine, current, tmp_path
):
    folder = shutil.copytree(migrations.schema_folder() / engine, tmp_path / "migrations")
    (folder / "9998_rebuild.sql").write_text(rebuild(current, table, text_column))
    before, indexes = rows_of(current), current.get_indexes(table)
    migrations.upgrade(current, migrations.migrations(folder))
    assert rows_of(current) == before
    assert current.get_indexes(table) == indexes


def test_a_rebuilt_table_does_not_use_the_id_of_a_deleted_row_again(
    engine, current, tmp_path, clock
):
    deleted = add_user(current, EVE, clock())
    current.execute_sql("DELETE FROM users WHERE email = 'eve@example.org'")
    folder = shutil.copytree(migrations.schema_folder() / engine, tmp_path / "migrations")
    (folder / "9998_rebuild.sql").write_text(rebuild(current, "users", "full_name"))
    migrations.upgrade(current, migrations.migrations(folder))
    assert add_user(current, EVE, clock()).id > deleted.id
