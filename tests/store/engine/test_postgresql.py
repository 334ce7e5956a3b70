"""PostgreSQL: what a URL may say, sessions of one's own, and servers that do not answer."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from postgres import Server, new_login, standby
from proxy import Proxy, proxy_to

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store.engine import migrations, postgresql
from readwatch.store.engine.connections import Database, connection, driver_connection
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.privileges import PROGRAMS, Role
from readwatch.store.engine.statements import Statement

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("engine", ["postgresql"], indirect=True),
]

SERVICES = [*PROGRAMS["ingest"], *PROGRAMS["console"]]


def setting(db: Database, name: str) -> str:
    """Return the value of a setting in a session of this database."""
    with connection(db):
        return db.execute_sql(f"SHOW {name}").fetchone()[0]


def refusal_of(db: Database) -> ReadwatchError:
    with pytest.raises(ReadwatchError) as refusal, connection(db):
        db.execute_sql("SELECT 1")
    return refusal.value


def name_of(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


@pytest.fixture
def proxy(postgresql_server: Server) -> Iterator[Proxy]:
    with proxy_to(postgresql_server) as proxy:
        yield proxy


# Sessions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_a_session_has_utc_and_its_role_whatever_the_server_and_the_environment_prefer(
    url, db, opened, monkeypatch, role
):
    db.execute_sql(f'ALTER DATABASE "{db.database}" SET timezone = "Europe/Vienna"')
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    session = opened(f"{url}&options=-c%20timezone%3DAsia/Tokyo", role)
    assert setting(session, "timezone") == "UTC"
    assert setting(session, "client_encoding") == "UTF8"
    assert setting(session, "default_transaction_read_only") == (
        "on" if role is Role.CONSOLE else "off"
    )


@pytest.mark.parametrize("role", Role)
def test_a_pooler_that_drops_the_options_of_a_session_is_refused(
    url, db, opened, postgresql_server, role
):
    with proxy_to(postgresql_server, drops_options=True) as pooler:
        refusal = refusal_of(opened(pooler.url(db.database), role))
    assert refusal.kind is ErrorKind.MISCONFIGURED
    assert "PgBouncer" in refusal.message
    assert "connect to PostgreSQL directly" in refusal.message


def test_nothing_of_a_poolers_session_is_changed_because_others_use_it_too(url):
    names = ("timezone", "default_transaction_read_only", "role", "search_path")
    with psycopg.connect(url, autocommit=True, options="-c timezone=Asia/Tokyo") as lent:
        with pytest.raises(ReadwatchError, match="PgBouncer"):
            postgresql.begin_session(lent, Role.CONSOLE)
        shown = [value for name in names for (value,) in lent.execute(f"SHOW {name}")]
    assert shown == ["Asia/Tokyo", "off", "none", '"$user", public']


def test_a_proxy_that_passes_everything_on_is_none(url, db, opened, proxy):
    assert setting(opened(proxy.url(db.database), Role.CONSOLE), "timezone") == "UTC"


def test_what_another_pooler_says_about_options_is_understood(opened, url, monkeypatch):
    def refuse(**_settings):
        raise psycopg.OperationalError("FATAL:  unsupported startup parameter: options")

    monkeypatch.setattr(postgresql._Connection, "connect", refuse)
    assert "PgBouncer" in refusal_of(opened(url, Role.INGEST)).message


@pytest.mark.usefixtures("engine")
def test_a_standby_is_refused_to_the_programs_that_always_write(opened):
    with standby() as server:
        for role in SERVICES:
            refusal = refusal_of(opened(server.url("postgres"), role))
            assert refusal.kind is ErrorKind.MISCONFIGURED
            assert "a standby of PostgreSQL" in refusal.message
            assert "target_session_attrs=read-write" in refusal.message
        assert setting(opened(server.url("postgres"), Role.MAINTENANCE), "in_hot_standby") == "on"


# URLs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attributes", ["", "&target_session_attrs=read-write"])
@pytest.mark.parametrize("role", [Role.INGEST, Role.CONSOLE])
def test_a_url_can_name_several_hosts(db, opened, proxy, role, attributes):
    url = proxy.url(db.database, other_hosts="127.0.0.1:1,") + attributes
    assert setting(opened(url, role), "timezone") == "UTC"


def test_a_url_can_name_several_hosts_in_its_options(url, opened):
    parts = psycopg.conninfo.conninfo_to_dict(url)
    several = url.replace(f"port={parts['port']}", f"port=1,{parts['port']}").replace(
        f"host={parts['host']}", f"host=/nowhere,{parts['host']}"
    )
    assert several != url
    assert setting(opened(several, Role.CONSOLE), "timezone") == "UTC"


@pytest.mark.parametrize("role", Role)
def test_the_options_of_the_url_have_priority_over_the_time_limits(url, opened, role):
    options = "-c%20statement_timeout%3D7s%20-c%20lock_timeout%3D3s"
    session = opened(f"{url}&options={options}", role)
    assert setting(session, "statement_timeout") == "7s"
    assert setting(session, "lock_timeout") == "3s"
    with connection(session):
        assert driver_connection(session).answer_seconds == 7.5


@pytest.mark.parametrize(
    ("role", "statement", "idle"),
    [
        (Role.OWNER, "0", "1min"),
        (Role.ADMIN, "1min", "1min"),
        (Role.INGEST, "10s", "5s"),
        (Role.CONSOLE, "10s", "1min"),
        (Role.LOGIN, "5s", "5s"),
        (Role.ACCESS_LOG, "5s", "5s"),
    ],
)
def test_each_role_has_its_time_limits_and_the_owner_of_the_schema_has_none(
    url, opened, role, statement, idle
):
    session = opened(url, role)
    assert setting(session, "statement_timeout") == statement
    assert setting(session, "idle_in_transaction_session_timeout") == idle
    with connection(session):
        limit = driver_connection(session).answer_seconds
    assert (limit is None) == (role is Role.OWNER)


# Servers and programs that are frozen -----------------------------------------------------------


def test_a_server_that_does_not_answer_ends_the_wait(db, opened, proxy, cast):
    url = f"{proxy.url(db.database)}&options=-c%20statement_timeout%3D100ms"
    session = opened(url, Role.INGEST)
    assert setting(session, "statement_timeout") == "100ms"
    proxy.freeze()
    refusal = refusal_of(session)
    assert refusal.kind is ErrorKind.UNAVAILABLE
    assert refusal.message == "the database does not answer; try again"
    proxy.thaw()
    assert setting(session, "statement_timeout") == "100ms"


def test_a_transaction_that_gets_no_answer_is_over(db, opened, proxy, cast):
    session = opened(
        f"{proxy.url(db.database)}&options=-c%20statement_timeout%3D100ms", Role.INGEST
    )

    def count_twice() -> None:
        with connection(session), session.atomic():
            COUNT(session)
            proxy.freeze()
            COUNT(session)

    with pytest.raises(ReadwatchError, match=r"the connection|does not answer|be reached"):
        count_twice()
    proxy.thaw()
    with connection(session), session.atomic():
        COUNT(session)


def test_after_an_attempt_to_connect_without_an_answer_the_next_ones_are_refused_at_once(
    db, opened, proxy, monkeypatch
):
    monkeypatch.setattr(postgresql, "RECONNECT_SECONDS", 600)
    session = opened(f"{proxy.url(db.database)}&connect_timeout=2", Role.INGEST)
    proxy.freeze()
    assert refusal_of(session).kind is ErrorKind.UNAVAILABLE
    assert proxy.connections == 1
    assert "does not answer" in refusal_of(session).message
    assert proxy.connections == 1

    proxy.thaw()
    session._reconnect_at = 0.0  # as when the time is over
    assert setting(session, "timezone") == "UTC"


LOCK = """
from readwatch.store.engine import postgresql
from readwatch.store.engine.connections import connection, open_database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.privileges import Role
postgresql.IDLE_SECONDS_OF_WRITERS = 1
db = open_database(sys.argv[1], Role.INGEST)
with connection(db), db.atomic():
    acquire_lock(db, Lock.ROLLUPS)
    print("locked", flush=True)
    sys.stdin.readline()
"""


def test_a_program_that_is_frozen_with_the_lock_holds_up_others_only_for_a_moment(url, opened):
    command = [sys.executable, "-c", f"import sys{LOCK}", url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as frozen:
        try:
            assert frozen.stdout
            assert frozen.stdout.readline() == b"locked\n"
            frozen.send_signal(signal.SIGSTOP)
            with connection(opened(url, Role.INGEST)) as db, db.atomic():
                acquire_lock(db, Lock.ROLLUPS)
        finally:
            frozen.kill()


# Loans ------------------------------------------------------------------------------------------

COUNT = Statement("SELECT count(*) FROM users")


def test_a_loan_costs_no_query(db, opened, proxy):
    session = opened(proxy.url(db.database), Role.INGEST)
    with connection(session):
        COUNT(session)
    before = proxy.sent_by_program
    for _ in range(3):
        with connection(session):
            COUNT(session)
    assert proxy.sent_by_program - before == 3


@pytest.mark.parametrize("role", [Role.INGEST, Role.CONSOLE])
def test_a_connection_that_the_server_has_closed_is_not_lent(db, url, opened, role):
    session = opened(url, role)
    with connection(session):
        pid = driver_connection(session).info.backend_pid
    db.execute_sql("SELECT pg_terminate_backend(%s, 10000)", (pid,))
    with connection(session):
        assert driver_connection(session).info.backend_pid != pid
        COUNT(session)


# Logins -----------------------------------------------------------------------------------------


def test_a_login_with_a_password_and_other_characters_in_the_url_is_understood(url, opened):
    its_own = new_login(url, "cara", f"{name_of(url)}_console")
    assert setting(opened(its_own, Role.CONSOLE), "timezone") == "UTC"


def test_a_database_of_several_hosts_is_current(db, proxy, opened):
    url = proxy.url(db.database, other_hosts="127.0.0.1:1,")
    with connection(opened(url, Role.INGEST)) as session:
        migrations.require_current(session)
