"""What each role may do, as the engine sees it."""

import peewee
import pytest

from readwatch.domain.access_log import Action, Look
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store import access_log, overview, readers, users
from readwatch.store.database import Database, engine_errors
from readwatch.store.rights import Role

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

LIMITED = [role for role in Role if role is not Role.OWNER]

WRITES = ("insert", "update", "delete")


def attempt(table: str, column: str, write: str) -> str:
    return {
        "insert": f"INSERT INTO {table} DEFAULT VALUES",
        "update": f"UPDATE {table} SET {column} = {column} WHERE 1 = 0",
        "delete": f"DELETE FROM {table} WHERE 1 = 0",
    }[write]


def is_allowed(db: Database, sql: str) -> bool:
    """Tell whether SQLite would run this; it is asked without running it."""
    try:
        db.execute_sql(f"EXPLAIN {sql}")
    except peewee.DatabaseError as refusal:
        if "not authorized" in str(refusal) or "prohibited" in str(refusal):
            return False
        raise
    return True


@pytest.fixture
def may(db, connected):
    """`may(role)` is all that a role may write: {table: {"insert", …}}."""
    columns = {
        table: [column.name for column in db.get_columns(table)] for table in db.get_tables()
    }

    def may(role: Role) -> dict[str, set[str]]:
        allowed = {
            table: {
                write
                for write in WRITES
                for column in names
                if is_allowed(connected(role), attempt(table, column, write))
            }
            for table, names in columns.items()
        }
        return {table: writes for table, writes in allowed.items() if writes}

    return may


# SQLite -----------------------------------------------------------------------------------------


@on_sqlite
def test_the_owner_may_write_everywhere(may, db):
    assert may(Role.OWNER) == {table: set(WRITES) for table in db.get_tables()}


@on_sqlite
def test_who_only_looks_can_write_nowhere(may):
    assert may(Role.CONSOLE) == {}


@on_sqlite
def test_a_sign_in_can_count_failures_and_put_itself_on_record(may):
    assert may(Role.SIGN_IN) == {
        "failed_logins": {"insert", "update", "delete"},
        "consultant_access_log": {"insert"},
    }


@on_sqlite
def test_the_consoles_second_connection_can_only_add_to_the_access_log(may):
    assert may(Role.ACCESS_LOG) == {"consultant_access_log": {"insert"}}


@on_sqlite
def test_the_command_line_cannot_invent_what_readers_did(may):
    assert may(Role.ADMIN) == {
        "users": {"insert", "update"},
        "reader_profiles": {"insert"},
        "reader_sessions": {"update"},
        "staff_sessions": {"update"},
        "resume_tokens": {"delete"},
        "consultant_access_log": {"insert"},
    }


@on_sqlite
def test_who_erases_a_person_leaves_the_access_log_alone(may, connected):
    allowed = may(Role.ERASURE)
    assert allowed["consultant_access_log"] == {"insert"}
    assert "schema_history" not in allowed
    assert {table for table, writes in allowed.items() if "insert" in writes} == {
        "consultant_access_log"
    }
    assert "delete" not in allowed["users"]
    for change in ("user_role = 'admin'", "created_at = ''"):
        assert not is_allowed(connected(Role.ERASURE), f"UPDATE users SET {change}")
    change = attempt("reader_activities", "content_title", "update")
    assert not is_allowed(connected(Role.ERASURE), change)


@on_sqlite
def test_who_mends_the_rollups_can_change_nothing_else(may, connected):
    assert may(Role.MAINTENANCE) == {
        "reader_profiles": {"update"},
        "reader_content_progress": {"insert", "delete"},
        "activity_counts": {"insert", "update", "delete"},
        "consultant_access_log": {"insert"},
    }
    for column, allowed in (("total_sessions", True), ("reading_level", False)):
        change = attempt("reader_profiles", column, "update")
        assert is_allowed(connected(Role.MAINTENANCE), change) == allowed
    for secret in ("password_hash FROM users", "* FROM staff_sessions", "* FROM resume_tokens"):
        assert not is_allowed(connected(Role.MAINTENANCE), f"SELECT {secret}")


@on_sqlite
def test_the_ingest_service_can_change_neither_accounts_nor_the_past(may):
    allowed = may(Role.INGEST)
    assert "schema_history" not in allowed
    for history in ("consultant_access_log", "reader_activities"):
        assert (history, allowed[history]) == (history, {"insert"})
    assert {table for table, writes in allowed.items() if "delete" in writes} == {
        "activity_receipts",
        "failed_logins",
        "online_counts",
        "resume_tokens",
    }


@on_sqlite
def test_the_ingest_service_can_change_a_password_and_nothing_else_of_an_account(connected, db):
    columns = [column.name for column in db.get_columns("users")]
    ingest = connected(Role.INGEST)
    assert [
        name for name in columns if is_allowed(ingest, f"UPDATE users SET {name} = {name}")
    ] == ["password_hash", "updated_at", "password_changed_at"]


@on_sqlite
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE notes (text)",
        "CREATE TEMP TABLE notes (text)",
        "CREATE VIEW secrets AS SELECT password_hash FROM users",
        "DROP TABLE users",
        "DROP TRIGGER consultant_access_log_keeps_values",
        "ALTER TABLE users ADD COLUMN note",
        "INSERT INTO sqlite_master DEFAULT VALUES",
        "DELETE FROM sqlite_sequence",
        "ATTACH ':memory:' AS copy",
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "PRAGMA foreign_keys = 0",
        "PRAGMA synchronous = OFF",
        "PRAGMA main.journal_mode = DELETE",
        "PRAGMA ignore_check_constraints = 1",
        "SELECT load_extension('/tmp/evil.so')",
        "REINDEX",
    ],
)
def test_nobody_gets_around_the_rights(sql, connected):
    assert [role for role in LIMITED if is_allowed(connected(role), sql)] == []


@on_sqlite
@pytest.mark.parametrize("role", LIMITED)
def test_nobody_can_take_the_whole_database_away(role, connected, tmp_path):
    with pytest.raises(peewee.DatabaseError):
        connected(role).execute_sql(f"VACUUM INTO '{tmp_path}/copy.db'")
    assert not (tmp_path / "copy.db").exists()


@on_sqlite
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT password_hash FROM users",
        "SELECT * FROM users",
        "SELECT id FROM users WHERE password_hash LIKE '$2b$04$a%'",
        "SELECT (SELECT u.password_hash FROM users u LIMIT 1)",
        "SELECT id FROM users ORDER BY password_hash",
        "WITH u AS (SELECT * FROM users) SELECT password_hash FROM u",
        "SELECT session_token FROM reader_sessions",
        "SELECT * FROM staff_sessions",
        "SELECT * FROM failed_logins",
        "SELECT * FROM resume_tokens",
        "SELECT * FROM activity_receipts",
    ],
)
def test_the_console_cannot_read_what_would_let_it_in_as_somebody_else(sql, connected):
    console = [Role.CONSOLE, Role.ACCESS_LOG]
    assert [role for role in console if is_allowed(connected(role), sql)] == []


@on_sqlite
def test_a_sign_in_reads_accounts_and_of_readers_no_more_than_their_addresses(connected, db):
    sign_in = connected(Role.SIGN_IN)
    readable = {
        table: {
            column.name
            for column in db.get_columns(table)
            if is_allowed(sign_in, f"SELECT {column.name} FROM {table}")
        }
        for table in db.get_tables()
        if not is_allowed(sign_in, f"SELECT * FROM {table}")
    }
    assert set(db.get_tables()) - readable.keys() - {"sqlite_sequence"} == {
        "users",
        "failed_logins",
        "schema_history",
    }
    assert {table: columns for table, columns in readable.items() if columns} == {
        "reader_sessions": {"user_id", "ip_address"},
        "staff_sessions": {"user_id", "ip_address"},
        "consultant_access_log": {
            *("id", "consultant_user_id", "action_type", "ip_address", "prev_hash", "row_hash")
        },
    }


@on_sqlite
def test_the_log_connection_reads_no_readers_data(connected, db):
    readable = {
        table
        for table in db.get_tables()
        if is_allowed(connected(Role.ACCESS_LOG), f"SELECT count(*) FROM {table}")
    }
    assert readable == {"consultant_access_log", "users", "schema_history"}


# Both -------------------------------------------------------------------------------------------


def test_each_role_can_do_its_own_work(connected, cast, clock):
    authenticated = users.authenticate(
        connected(Role.SIGN_IN), "cara@example.org", "correct horse battery", cost=4
    )
    look = Look(authenticated.id, Action.VIEWED_READER_PROFILE, cast.ann.id)
    permit = access_log.permit_look(connected(Role.ACCESS_LOG), look, clock())
    console = connected(Role.CONSOLE)
    assert readers.account(console, permit).full_name == "Ann Archer"
    assert overview.online_readers(console, clock()) == ()
    access_log.append(connected(Role.ADMIN), Look(cast.dora.id, Action.LISTED_USERS), clock())
    assert len(users.list_users(connected(Role.ADMIN))) == 4


# PostgreSQL, until there are GRANTs: who reads gets transactions that cannot write ----------------


@on_postgresql
def test_who_only_looks_at_postgresql_cannot_write(connected, db):
    for table in db.get_tables():
        column = db.get_columns(table)[0].name
        for write in WRITES:
            with pytest.raises(ReadwatchError) as refusal, engine_errors():
                connected(Role.CONSOLE).execute_sql(attempt(table, column, write))
            assert refusal.value.kind is ErrorKind.MISCONFIGURED
            connected(Role.CONSOLE).rollback()
