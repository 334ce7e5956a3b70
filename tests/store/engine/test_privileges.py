"""What each role may do: each thing is really tried, on both engines, and the engine answers."""

from typing import Any

import apsw
import peewee
import pytest
from listed import everybody
from permits import ROW_ACCESS
from postgres import new_login

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.store import reader_data
from readwatch.store.audit import log as audit_log
from readwatch.store.engine.connections import Database, driver_connection, is_sqlite
from readwatch.store.engine.privileges import (
    LIMITED_ROLES,
    PROGRAMS,
    TABLES,
    Privileges,
    Role,
    privileges_on,
)
from readwatch.store.identity import users
from readwatch.store.lists import online

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

REFUSED = (
    *("AuthError", "not authorized", "prohibited", "may not be modified"),
    "InsufficientPrivilege",
)


def is_allowed(db: Database, sql: str) -> bool:
    """Tell whether the engine does this; that a row is incomplete it says later."""
    try:
        db.execute_sql(sql)
    except peewee.IntegrityError:
        return True
    except peewee.DatabaseError as refusal:
        said = f"{type(refusal.__context__).__name__} {refusal}"
        if any(word in said for word in REFUSED):
            return False
        raise
    return True


def may(db: Database, table: str, columns: list[str]) -> tuple[object, ...]:
    """All that is allowed with a table, found by trying."""
    return (
        [name for name in columns if is_allowed(db, f"SELECT {name} FROM {table} LIMIT 1")],
        is_allowed(db, f"INSERT INTO {table} DEFAULT VALUES"),
        [name for name in columns if is_allowed(db, f"UPDATE {table} SET {name} = NULL WHERE 1=0")],
        is_allowed(db, f"DELETE FROM {table} WHERE 1=0"),
    )


def ought(on: Privileges, columns: list[str]) -> tuple[object, ...]:
    """The same, as the table of rights has it."""
    return (
        [name for name in columns if name in on.read],
        bool(on.append),
        [name for name in columns if name in on.change],
        on.delete,
    )


@pytest.fixture
def columns(db) -> dict[str, list[str]]:
    return {
        table: [column.name for column in db.get_columns(table)]
        for table in db.get_tables()
        if table != "sqlite_sequence"
    }


@pytest.fixture
def limited(url, connected, opened):
    """`limited(role)` can be used for one role alone: on PostgreSQL by a login of its own."""

    def limited(role: Role) -> Database:
        if is_sqlite(connected(Role.OWNER)):
            return connected(role)
        name = connected(Role.OWNER).database
        db = opened(new_login(url, f"login_{role}", f"{name}_{role}"), role)
        db.connect()
        db.execute_sql("SET default_transaction_read_only = off")  # which protects nobody
        return db

    return limited


# Both -------------------------------------------------------------------------------------------


def test_each_table_has_a_rule_and_each_role_is_of_one_face(columns, engine):
    # SQLite counts the entries of the access log in a table of its own.
    assert set(TABLES) - set(columns) == ({"access_log_counter"} if engine == "sqlite" else set())
    assert set(columns) <= set(TABLES)
    assert sorted(role for roles in PROGRAMS.values() for role in roles) == sorted(LIMITED_ROLES)
    assert set(LIMITED_ROLES) == set(Role) - {Role.OWNER}


@pytest.mark.parametrize("role", LIMITED_ROLES)
def test_a_role_may_do_what_the_table_says_and_nothing_else(role, limited, columns):
    db = limited(role)
    for table, names in columns.items():
        assert (table, may(db, table, names)) == (table, ought(privileges_on(role, table), names))
        counts = is_allowed(db, f"SELECT count(*) FROM {table}")
        assert (table, counts) == (table, bool(privileges_on(role, table).read))


def test_the_owner_may_do_everything_but_change_the_access_log(db, columns):
    for table, names in columns.items():
        assert (table, may(db, table, names)) == (table, (names, True, names, True))


def test_each_role_can_do_its_own_work(connected, cast, clock):
    authenticated = users.authenticate(
        connected(Role.LOGIN), "cara@example.org", "correct horse battery", cost=4
    )
    look = AuditEvent(authenticated.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id)
    permit = audit_log.log_access(connected(Role.ACCESS_LOG), look, clock())
    console = connected(Role.CONSOLE)
    assert reader_data.account(console, permit).full_name == "Ann Archer"
    assert online.online_readers(console, ROW_ACCESS, [cast.ann.id], clock()) == ()
    audit_log.log_event(
        connected(Role.ADMIN), AuditEvent(cast.dora.id, AuditAction.LISTED_USERS), clock()
    )
    assert len(everybody(connected(Role.ADMIN))) == 4


@pytest.mark.parametrize(
    ("role", "table", "never"),
    [
        (Role.CONSOLE, "users", "r: password_hash"),
        (Role.CONSOLE, "reader_sessions", "r: session_token"),
        (Role.CONSOLE, "staff_sessions", "r"),
        (Role.CONSOLE, "resume_tokens", "r"),
        (Role.CONSOLE, "consultant_access_log", "a"),
        (Role.ACCESS_LOG, "reader_activities", "r"),
        (Role.ACCESS_LOG, "consultant_access_log", "r: target_user_id"),
        (Role.LOGIN, "reader_activities", "r"),
        (Role.INGEST, "reader_activities", "cd"),
        (Role.INGEST, "users", "ad"),
        (Role.ADMIN, "reader_activities", "acd"),
        (Role.MAINTENANCE, "reader_activities", "acd"),
    ],
)
def test_the_table_keeps_what_is_promised(role, table, never):
    on, (acts, _, column) = privileges_on(role, table), never.partition(": ")
    for act in acts:
        some: Any = {"r": on.read, "a": on.append, "c": on.change, "d": on.delete}[act]
        assert not (column in some if column else some)


@pytest.mark.parametrize("role", LIMITED_ROLES)
@pytest.mark.parametrize(
    "table", ["consultant_access_log", "access_log_counter", "access_log_cuts", "schema_history"]
)
def test_nobody_changes_the_access_log_its_counter_or_the_history_of_the_schema(role, table):
    purges = role is Role.PURGE
    assert not privileges_on(role, table).change
    assert privileges_on(role, table).delete == (purges and table == "consultant_access_log")
    appends = bool(privileges_on(role, table).append)
    assert table == "consultant_access_log" or appends == (purges and table == "access_log_cuts")


def test_who_purges_deletes_no_entry_that_is_not_before_a_cut(limited, connected, cast, clock):
    events = (AuditEvent(cast.dora.id, AuditAction.LISTED_USERS, details=d) for d in "abc")
    for event in events:
        audit_log.log_event(connected(Role.ADMIN), event, clock())
    db = limited(Role.PURGE)
    for sql in (
        "DELETE FROM consultant_access_log",
        "DELETE FROM consultant_access_log WHERE id = 1",
        "INSERT INTO access_log_cuts (last_id, entries, row_hash, entry_id, cut_at)"
        " SELECT id, 1, row_hash, 3, created_at FROM consultant_access_log WHERE id = 1",
    ):
        with pytest.raises(peewee.DatabaseError, match="access log"):
            db.execute_sql(sql)
    assert db.execute_sql("SELECT count(*) FROM consultant_access_log").fetchone() == (3,)


@on_postgresql
def test_no_cut_in_a_schema_of_somebody_else_lets_entries_go(limited, connected, cast, clock):
    owner = connected(Role.OWNER)
    audit_log.log_event(owner, AuditEvent(cast.dora.id, AuditAction.LISTED_USERS), clock())
    owner.execute_sql("CREATE SCHEMA spy CREATE TABLE access_log_cuts (last_id int)")
    owner.execute_sql("INSERT INTO spy.access_log_cuts VALUES (100)")
    owner.execute_sql("GRANT USAGE ON SCHEMA spy TO PUBLIC")
    owner.execute_sql("GRANT ALL ON spy.access_log_cuts TO PUBLIC")
    db = limited(Role.PURGE)
    db.execute_sql("SET search_path = spy, public")
    with pytest.raises(peewee.DatabaseError, match="append-only"):
        db.execute_sql("DELETE FROM consultant_access_log")


# SQLite -----------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE notes (text)",
        "CREATE TEMP TABLE notes (text)",
        "CREATE TEMP VIEW secrets AS SELECT password_hash FROM users",
        "CREATE TEMP TRIGGER spy AFTER INSERT ON users BEGIN SELECT 1; END",
        "CREATE TRIGGER spy AFTER INSERT ON users BEGIN SELECT 1; END",
        "CREATE INDEX spy ON users (password_hash)",
        "CREATE VIRTUAL TABLE pages USING dbstat",
        "CREATE VIEW secrets AS SELECT password_hash FROM users",
        "DROP TABLE users",
        "DROP TRIGGER consultant_access_log_keeps_values",
        "ALTER TABLE users ADD COLUMN note",
        "INSERT INTO sqlite_master DEFAULT VALUES",
        "DELETE FROM sqlite_sequence",
        "UPDATE sqlite_master SET sql = ''",
        "ATTACH ':memory:' AS copy",
        "DETACH main",
        "VACUUM",
        "ANALYZE",
        "PRAGMA main.writable_schema = 1",
        "PRAGMA recursive_triggers = 1",
        "PRAGMA trusted_schema = 1",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA temp_store_directory = '/tmp'",
        "PRAGMA optimize",
        "PRAGMA user_version = 1",
        "SELECT * FROM pragma_table_info('users')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT randomblob(1)",
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
def test_nobody_gets_around_the_rights_on_sqlite(sql, connected):
    assert [role for role in LIMITED_ROLES if is_allowed(connected(role), sql)] == []


@on_sqlite
@pytest.mark.parametrize("act", ["DELETE FROM users", "PRAGMA user_version = 1"])
def test_the_console_writes_nothing_even_without_its_gatekeeper(act, connected, cast):
    connection = driver_connection(connected(Role.CONSOLE))
    connection.authorizer = None
    connection.execute("PRAGMA query_only = 0; PRAGMA writable_schema = 1")
    with pytest.raises(apsw.ReadOnlyError):
        connection.execute(act)


@on_sqlite
@pytest.mark.parametrize("role", LIMITED_ROLES)
def test_nobody_edits_the_schema_even_without_the_gatekeeper(role, connected):
    connection = driver_connection(connected(role))
    connection.authorizer = None
    connection.execute("PRAGMA writable_schema = 1")
    with pytest.raises(apsw.SQLError, match="may not be modified"):
        connection.execute("UPDATE sqlite_master SET sql = ''")


@on_sqlite
@pytest.mark.parametrize("role", LIMITED_ROLES)
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
        "SELECT PASSWORD_HASH FROM USERS",
        "SELECT max(password_hash) OVER () FROM users",
        "SELECT 1 FROM users GROUP BY password_hash",
        "SELECT * FROM users NATURAL JOIN (SELECT 1 AS password_hash)",
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
@pytest.mark.parametrize(
    "role", [role for role in LIMITED_ROLES if privileges_on(role, "consultant_access_log").append]
)
def test_an_entry_of_the_log_cannot_be_replaced(role, connected, cast, clock):
    audit_log.log_event(
        connected(Role.ADMIN), AuditEvent(cast.dora.id, AuditAction.LISTED_USERS), clock()
    )
    with pytest.raises(peewee.IntegrityError, match="append-only"):
        connected(role).execute_sql(
            "INSERT OR REPLACE INTO consultant_access_log"
            " (id, consultant_user_id, action_type, prev_hash, row_hash) VALUES (1, 1, '', '', '')"
        )


# PostgreSQL -------------------------------------------------------------------------------------


@on_postgresql
@pytest.mark.parametrize(
    "escape", ["SELECT 1", "RESET ROLE", "SET ROLE NONE", "RESET ALL", "DISCARD ALL"]
)
def test_nobody_gets_around_the_rights_on_postgresql(escape, limited, tmp_path):
    acts = [
        "CREATE TABLE notes (text text)",
        "CREATE TEMP TABLE users (password_hash text)",
        "CREATE TEMP VIEW spy AS SELECT 1",
        "CREATE VIEW spy AS SELECT 1",
        "CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
        "CREATE SCHEMA spy",
        "DROP EXTENSION plpgsql CASCADE",
        "CREATE ROLE spy",
        "CREATE TRIGGER spy BEFORE INSERT ON consultant_access_log"
        " FOR EACH ROW EXECUTE FUNCTION refuse_access_log_change()",
        "DROP TABLE users",
        "DROP TRIGGER consultant_access_log_keeps_values ON consultant_access_log",
        "ALTER TABLE consultant_access_log DISABLE TRIGGER ALL",
        "ALTER TABLE users ADD COLUMN note text",
        "SET session_replication_role = replica",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "SELECT * FROM pg_authid",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT setval('reader_activities_id_seq', 1)",
        "UPDATE access_log_counter SET last_id = 9",
        "INSERT INTO access_log_counter (entries, last_id) VALUES (9, 9)",
        "INSERT INTO consultant_access_log (id) VALUES (9)",
        "COPY users TO PROGRAM 'cat'",
        f"COPY (SELECT 1) TO '{tmp_path}/copy'",
        *(f"TRUNCATE {table} CASCADE" for table in TABLES),
    ]
    for role in LIMITED_ROLES:
        db = limited(role)
        db.execute_sql(escape)
        db.execute_sql("SET default_transaction_read_only = off")
        assert (role, [act for act in acts if is_allowed(db, act)]) == (role, [])


@on_postgresql
def test_no_program_numbers_an_entry_by_another_counter(limited, connected, cast, clock):
    owner = connected(Role.OWNER)
    owner.execute_sql(
        "CREATE SCHEMA spy CREATE TABLE access_log_counter (entries int, last_id int)"
    )
    owner.execute_sql("INSERT INTO spy.access_log_counter VALUES (100, 100)")
    owner.execute_sql("GRANT USAGE ON SCHEMA spy TO PUBLIC")
    owner.execute_sql("GRANT ALL ON spy.access_log_counter TO PUBLIC")
    db = limited(Role.ACCESS_LOG)
    db.execute_sql("SET search_path = spy, public")
    event = AuditEvent(cast.dora.id, AuditAction.LISTED_USERS)
    assert [audit_log.log_event(db, event, clock()) for _ in range(2)] == [1, 2]
    assert db.execute_sql("SHOW search_path").fetchone() == ("spy, public",)
    assert owner.execute_sql("SELECT * FROM spy.access_log_counter").fetchall() == [(100, 100)]
    counter = owner.execute_sql("SELECT entries, last_id FROM public.access_log_counter")
    assert counter.fetchall() == [(2, 2)]


@on_postgresql
@pytest.mark.parametrize("role", LIMITED_ROLES)
def test_nobody_lets_the_owner_count_in_a_table_of_somebody_else(role, limited, connected):
    owner, db = connected(Role.OWNER), limited(role)
    owner.execute_sql(f'CREATE SCHEMA mine AUTHORIZATION "{owner.database}_{role}"')
    db.execute_sql("CREATE TABLE mine.consultant_access_log (id int)")
    with pytest.raises(peewee.DatabaseError, match="permission denied for function"):
        db.execute_sql(
            "CREATE TRIGGER spy BEFORE INSERT ON mine.consultant_access_log"
            " FOR EACH ROW EXECUTE FUNCTION public.number_access_log_entry()"
        )


@on_postgresql
def test_the_owner_cannot_empty_the_access_log(db, cast):
    for table in ("consultant_access_log", "users CASCADE"):
        with pytest.raises(peewee.DatabaseError, match="append-only"):
            db.execute_sql(f"TRUNCATE {table}")
