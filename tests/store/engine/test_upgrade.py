"""An upgrade keeps every row of every table."""

from typing import Any

import pytest

from readwatch.domain.activities import Activity
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.users import UserRole
from readwatch.store.audit.log import log_event
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import TABLES, SchemaHistory
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.lockout import record_failure
from readwatch.store.identity.resume_tokens import save_resume_token
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token, new_resume_token, new_token
from readwatch.store.identity.users import NewUser, add_user
from readwatch.store.recording.activities import record_activities
from readwatch.store.recording.online_counts import add_online_count

Rows = dict[str, list[tuple[Any, ...]]]


def columns_of(db: Database) -> dict[str, str]:
    """The columns by table; the schema's own history grows with an upgrade."""
    names = [table._meta.table_name for table in TABLES if table is not SchemaHistory]
    return {name: ", ".join(it.name for it in db.get_columns(name)) for name in names}


def rows_of(db: Database, columns: dict[str, str]) -> Rows:
    """All rows by table, with these columns: an upgrade may add some."""
    return {
        name: sorted(map(tuple, db.execute_sql(f"SELECT {names} FROM {name}")), key=repr)
        for name, names in columns.items()
    }


@pytest.fixture
def oldest(empty_url, opened, clock) -> Database:
    """A database of the first schema with rows in every table."""
    db = opened(empty_url, Role.OWNER)
    db.connect()
    migrations.upgrade(db, migrations.available_migrations(db)[:1])
    with db.atomic():
        ann, cara = (
            add_user(
                db,
                NewUser(
                    email=email, full_name=name, user_role=UserRole(role), password_hash="a hash"
                ),
                clock(),
            )
            for email, name, role in (
                ("ann@example.org", "Ann Archer", "reader"),
                ("cara@example.org", "Cara Cook", "consultant"),
            )
        )
        reader = open_session(db, ann, hash_token(new_token()), clock(), device_type="tablet")
        open_session(db, cara, hash_token(new_token()), clock(), ip_address="127.0.0.1")
        save_resume_token(db, reader, new_resume_token(), clock())
        record_failure(db, "ann@example.org", "127.0.0.1", clock())
        quiz = Activity(
            "quiz_completed", "dracula", "Dracula", event_id="1", metadata='{"score":30}'
        )
        record_activities(db, reader, [quiz], clock())
        add_online_count(db, 1, clock())
    log_event(db, AuditEvent(cara.id, AuditAction.VIEWED_READER_PROFILE, ann.id), clock())
    return db


def test_an_upgrade_keeps_every_row_of_every_table(oldest):
    columns = columns_of(oldest)
    before = rows_of(oldest, columns)
    assert [table for table, rows in before.items() if not rows] == []
    migrations.upgrade(oldest, migrations.available_migrations(oldest))
    migrations.require_current(oldest)
    assert rows_of(oldest, columns) == before
