"""The table of rights on PostgreSQL: who makes the roles, who acts as them, what is told."""

import psycopg
import pytest
from listed import everybody
from postgres import drop_database, new_database, new_login

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, connection, driver_connection
from readwatch.store.engine.errors import engine_errors
from readwatch.store.engine.grants import (
    grant_program,
    grant_statements,
    role_name,
    unenforced_privileges,
)
from readwatch.store.engine.privileges import LIMITED_ROLES, PROGRAMS, Role

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("engine", ["postgresql"], indirect=True),
]


def user(db: Database) -> str:
    with connection(db):
        return db.execute_sql("SELECT current_user").fetchone()[0]


@pytest.fixture
def owned_url(empty_url):
    """`owned_url(attributes)` is an empty database of somebody who is no superuser."""

    def owned_url(attributes: str = "") -> str:
        url = new_login(empty_url, "owner", attributes=attributes)
        database = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        with psycopg.connect(empty_url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {database} OWNER TO {database}_owner")
            connection.execute("ALTER SCHEMA public OWNER TO pg_database_owner")
        return url

    return owned_url


# Acting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", LIMITED_ROLES)
def test_each_connection_acts_as_its_role_also_of_a_login_that_may_do_all(role, connected, db):
    assert user(connected(role)) == role_name(db.database, role)
    connected(role).execute_sql("RESET search_path")
    with (
        pytest.raises(ReadwatchError, match=r"PostgreSQL does not|cannot be written"),
        engine_errors(),
    ):
        connected(role).execute_sql("TRUNCATE users")


@pytest.mark.parametrize("face", PROGRAMS)
def test_a_login_of_a_face_acts_as_its_roles_and_as_no_other(face, url, db, opened):
    its_own = new_login(url, "person")
    with db.atomic():
        grant_program(db, program=face, login=f"{db.database}_person")
    for role in LIMITED_ROLES:
        if role in PROGRAMS[face]:
            assert user(opened(its_own, role)) == role_name(db.database, role)
            continue
        with pytest.raises(ReadwatchError, match="readwatch db grant") as refusal:
            user(opened(its_own, role))
        assert refusal.value.kind is ErrorKind.MISCONFIGURED


def test_the_members_of_one_database_have_no_rights_in_another(
    url, db, opened, postgresql_server, postgresql_template
):
    new_login(url, "person", role_name(db.database, Role.CONSOLE))
    other = new_database(postgresql_server, postgresql_template)
    try:
        migrations.create_or_upgrade(postgresql_server.url(other))
        there = new_login(postgresql_server.url(other), "x").replace(
            f"user={other}_x", f"user={db.database}_person"
        )
        with (
            psycopg.connect(there) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("SELECT id FROM users")
        with pytest.raises(ReadwatchError, match="readwatch db grant console"):
            user(opened(there, Role.CONSOLE))
    finally:
        drop_database(postgresql_server, other)


# Made by init -----------------------------------------------------------------------------------


def test_an_owner_who_may_make_roles_needs_nobody_else(owned_url, opened):
    url = owned_url("CREATEROLE")
    migrations.create_or_upgrade(url)
    assert migrations.unenforced_privileges(url) == ()
    for role in LIMITED_ROLES:
        db = opened(url, role)
        assert user(db) == role_name(db.database, role)


def test_without_the_privilege_to_create_roles_it_works_and_reports_the_missing_ones(
    owned_url, empty_url, opened
):
    url = owned_url()
    migrations.create_or_upgrade(url)
    assert len(migrations.unenforced_privileges(url)) == len(LIMITED_ROLES)
    assert user(opened(url, Role.CONSOLE)).endswith("_owner")
    with connection(opened(url, Role.CONSOLE)) as db:
        assert everybody(db) == ()
        with pytest.raises(ReadwatchError, match="cannot be written"), engine_errors():
            db.execute_sql("DELETE FROM users")

    with connection(opened(url, Role.OWNER)) as db:
        sql = grant_statements(db)
    with psycopg.connect(empty_url) as administrator:
        for statement in sql:
            administrator.execute(statement)

    assert migrations.unenforced_privileges(url) == ()
    assert migrations.create_or_upgrade(url) == ()
    assert user(opened(url, Role.CONSOLE)).endswith("_console")


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("GRANT SELECT ON users TO {console}", "other privileges than it should on users"),
        ("GRANT UPDATE (email) ON users TO PUBLIC", "other privileges than it should on users"),
        ("GRANT TRUNCATE ON reader_activities TO {console}", "reader_activities"),
        ("GRANT INSERT (minute) ON activity_counts TO {console}", "activity_counts"),
        ("GRANT USAGE ON SEQUENCE users_id_seq TO {console}", "users"),
        ("GRANT SELECT ON SEQUENCE users_id_seq TO {console}", "users"),
        ("GRANT UPDATE ON access_log_counter TO {console}", "access_log_counter"),
        (
            "GRANT EXECUTE ON FUNCTION number_access_log_entry() TO PUBLIC",
            "more than work with tables",
        ),
        ("REVOKE SELECT ON reader_profiles FROM {console}", "reader_profiles"),
        ("GRANT TEMPORARY ON DATABASE {database} TO PUBLIC", "temporary tables"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "more than work with tables"),
        ("REVOKE USAGE ON SCHEMA public FROM {console}, PUBLIC", "cannot reach the tables"),
        ("ALTER ROLE {console} RENAME TO {console}_before", "there is no role"),
    ],
)
def test_changed_privileges_are_reported_and_init_fixes_them(tampering, told, db, url):
    assert unenforced_privileges(db) == ()
    console = role_name(db.database, Role.CONSOLE)
    driver_connection(db).execute(tampering.format(console=console, database=db.database))
    assert [sentence for sentence in unenforced_privileges(db) if told in sentence]
    migrations.create_or_upgrade(url)
    assert unenforced_privileges(db) == ()


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("ALTER ROLE {console} LOGIN", "is a login"),
        ("ALTER ROLE {console} CREATEDB", "more than work with tables"),
        ("GRANT pg_read_all_data TO {console}", "other privileges than it should"),
    ],
)
def test_privileges_that_init_cannot_fix_are_reported(tampering, told, db, url):
    console = role_name(db.database, Role.CONSOLE)
    driver_connection(db).execute(tampering.format(console=console))
    migrations.create_or_upgrade(url)
    assert [sentence for sentence in migrations.unenforced_privileges(url) if told in sentence]


@pytest.mark.usefixtures("engine")
def test_a_database_name_that_is_too_long_for_roles_is_reported(postgresql_server):
    name = f"{new_database(postgresql_server)}_{'x' * 30}"
    short = name[:-31]
    with psycopg.connect(postgresql_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {short} RENAME TO {name}")
    try:
        url = postgresql_server.url(name)
        migrations.create_or_upgrade(url)
        assert "no room" in migrations.unenforced_privileges(url)[0]
    finally:
        drop_database(postgresql_server, name)


# Logins -----------------------------------------------------------------------------------------


def test_only_a_login_that_there_is_can_be_let_in(db):
    with pytest.raises(ReadwatchError, match="createuser"):
        grant_program(db, program="console", login="nobody_here")


@pytest.mark.parametrize("role", LIMITED_ROLES)
def test_a_login_named_like_a_role_needs_another_name(db, role):
    name = role_name(db.database, role)
    with pytest.raises(ReadwatchError, match=f"{name} is the name of a role of readwatch"):
        grant_program(db, program="ingest", login=name)


def test_a_login_that_a_role_is_a_member_of_cannot_be_granted_the_role(db, url):
    new_login(url, "person")
    ingest, login = role_name(db.database, Role.INGEST), f"{db.database}_person"
    db.execute_sql(f"GRANT {login} TO {ingest}")
    with pytest.raises(ReadwatchError, match=f"{ingest} is itself a member of {login}"):
        grant_program(db, program="ingest", login=login)


def test_without_the_privilege_to_grant_the_error_says_what_to_run(owned_url, opened):
    url = owned_url()
    migrations.create_or_upgrade(url)
    with (
        connection(opened(url, Role.OWNER)) as db,
        pytest.raises(ReadwatchError, match="readwatch init"),
    ):
        grant_program(db, program="console", login=f"{db.database}_owner")
