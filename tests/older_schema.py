"""Databases of older schemas, with rows in every table."""

from datetime import datetime, timedelta
from typing import Any

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.users import User, UserRole
from readwatch.store.audit.log import log_event
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.models import TABLES, SchemaHistory
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import to_db_time
from readwatch.store.identity.lockout import record_failure
from readwatch.store.identity.resume_tokens import save_resume_token
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token, new_resume_token, new_token
from readwatch.store.identity.users import NewUser, add_user
from readwatch.store.recording.online_counts import add_online_count

_A_QUIZ = tuple(
    Statement(sql)
    for sql in (
        """
        INSERT INTO reader_activities (
            user_id, activity_type, duration_seconds, occurred_at, created_at
        ) VALUES
            (:reader, 'page_read', 60, '2026-11-20 23:59:59.999', :now),
            (:reader, 'page_read', 7, '2026-11-20 23:00:00.000', :now),
            (:reader, 'page_read', 5, '2026-11-21 00:00:00.000', :now),
            (:reader, 'page_read', NULL, '2026-11-21 00:30:00.000', :now)
        """,
        """
        INSERT INTO reader_activities (
            user_id, session_id, activity_type, content_id, content_title, metadata_json, event_id,
            occurred_at, created_at
        ) VALUES (
            :reader, :session, 'quiz_completed', 'dracula', 'Dracula', '{"score":30}', '1', :now,
            :now
        )
        """,
        """
        INSERT INTO activity_receipts (user_id, event_id, activity_id, fingerprint, created_at)
        SELECT :reader, event_id, id, '0123', :now
        FROM reader_activities WHERE event_id IS NOT NULL
        """,
        """
        INSERT INTO reader_content_progress (
            user_id, content_id, content_title, title_at, first_at, last_at
        ) VALUES (:reader, 'dracula', 'Dracula', :now, :now, :now)
        """,
        """
        INSERT INTO reader_quizzes (user_id, content_id, score, occurred_at)
        VALUES (:reader, 'dracula', 30, :now)
        """,
        """
        INSERT INTO activity_counts (minute, activity_type, activities)
        VALUES (:minute, 'quiz_completed', 1)
        """,
        """
        UPDATE reader_profiles SET
            unique_content_read = 1, last_activity_at = :now,
            last_activity_id = (SELECT max(id) FROM reader_activities)
        WHERE user_id = :reader
        """,
    )
)

Rows = dict[str, list[tuple[Any, ...]]]


def columns_of(db: Database) -> dict[str, str]:
    """The columns by table; the schema's own history grows with an upgrade."""
    names = {it._meta.table_name for it in TABLES if it is not SchemaHistory} & {*db.get_tables()}
    return {name: ", ".join(it.name for it in db.get_columns(name)) for name in names}


def rows_of(db: Database, columns: dict[str, str] | None = None) -> Rows:
    """All rows by table, with these columns or all: an upgrade may add some."""
    return {
        name: sorted(map(tuple, db.execute_sql(f"SELECT {names} FROM {name}")), key=repr)
        for name, names in (columns or columns_of(db)).items()
    }


def add_person(db: Database, name: str, role: str, now: datetime) -> User:
    email = f"{name.split()[0].lower()}@example.org"
    new = NewUser(email=email, full_name=name, user_role=UserRole(role), password_hash="a hash")
    return add_user(db, new, now)


def fill_oldest(db: Database, now: datetime) -> None:
    """Give an empty database the first schema, with rows in every table.

    Ann is a reader and the account 1, Cara a consultant and the account 2.
    """
    migrations.upgrade(db, migrations.available_migrations(db)[:1])
    with db.atomic():
        ann, cara = (
            add_person(db, "Ann Archer", "reader", now),
            add_person(db, "Cara Cook", "consultant", now),
        )
        reader = open_session(db, ann, hash_token(new_token()), now, device_type="tablet")
        open_session(db, cara, hash_token(new_token()), now, ip_address="127.0.0.1")
        save_resume_token(db, reader, new_resume_token(), now)
        record_failure(db, "ann@example.org", "127.0.0.1", now)
        values = {
            "reader": ann.id,
            "session": reader.session_id,
            "now": to_db_time(now),
            "minute": to_db_time(now.replace(second=0, microsecond=0)),
        }
        for statement in _A_QUIZ:  # in SQL: the ingest path writes the tables of the last schema
            statement(db, **values)
        add_online_count(db, 1, now)
    long_ago = now - timedelta(days=2000)
    log_event(db, AuditEvent(cara.id, AuditAction.VIEWED_READER_PROFILE, ann.id), long_ago)
    if not is_sqlite(db):
        db.execute_sql("ANALYZE")  # PostgreSQL estimates rows from its statistics
