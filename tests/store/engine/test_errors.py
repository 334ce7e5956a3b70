"""What the engines say, as sentences for people, and without the values of a statement."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import peewee
import psycopg
import pytest
from postgres import Server

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store.engine import connections, postgresql, sqlite
from readwatch.store.engine.connections import Database, connection
from readwatch.store.engine.errors import CONNECTION_LOST, engine_errors, kind_and_reason
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.statements import Statement

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@pytest.fixture
def refusal_of(opened) -> Callable[..., ReadwatchError]:
    """What a person is told who opens this database and asks it something."""

    def refusal_of(url: str, role: Role = Role.CONSOLE, sql: str = "SELECT 1") -> ReadwatchError:
        with pytest.raises(ReadwatchError) as refusal:
            ask(opened, url, role, sql)
        return refusal.value

    return refusal_of


def ask(opened, url: str, role: Role, sql: str) -> None:
    with connection(opened(url, role)) as db:
        db.execute_sql(sql)


def test_a_database_without_tables_says_what_to_run(refusal_of, empty_url):
    refusal = refusal_of(empty_url, Role.OWNER, "SELECT * FROM users")
    assert refusal.kind is ErrorKind.MISCONFIGURED
    assert "readwatch init" in refusal.message


def test_no_value_of_a_failing_statement_is_repeated(db, cast):
    add = Statement(
        "INSERT INTO users (email, password_hash, user_role, full_name) "
        "VALUES (:email, :password_hash, :user_role, 'Ann Again')"
    )
    for email, role in (("ann@example.org", "reader"), ("eve@example.org", "queen")):
        with pytest.raises(peewee.IntegrityError) as failure, engine_errors():
            add(db, email=email, password_hash="$2b$secret", user_role=role)
        said = f"{failure.value} {failure.value.__dict__}"
        assert not [word for word in (email, "$2b$", "queen", "Again") if word in said]
        if not connections.is_sqlite(db):
            db.rollback()


# SQLite -----------------------------------------------------------------------------------------


@on_sqlite
def test_a_locked_sqlite_is_busy(refusal_of, connected, url, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.01)
    with connected(Role.OWNER).atomic():
        refusal = refusal_of(url, Role.INGEST, "BEGIN IMMEDIATE")
    assert (refusal.kind, "busy" in refusal.message) == (ErrorKind.UNAVAILABLE, True)


@pytest.mark.parametrize("role", Role)
def test_a_file_that_is_no_database_is_called_that(refusal_of, role, tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ann, " * 500)
    refusal = refusal_of(f"sqlite:///{path}", role)
    assert (refusal.kind, refusal.message) == (
        ErrorKind.MISCONFIGURED,
        "that file is not a SQLite database",
    )


@pytest.mark.parametrize("name", ["nothing.db", "no/such/folder.db"])
def test_a_missing_sqlite_file_is_reported_and_not_created(refusal_of, name, tmp_path):
    refusal = refusal_of(f"sqlite:///{tmp_path / name}")
    assert refusal.kind is ErrorKind.MISCONFIGURED
    assert str(tmp_path) in refusal.message
    assert "readwatch init" in refusal.message
    assert list(tmp_path.iterdir()) == []


@on_sqlite
def test_a_damaged_sqlite_file_is_reported(refusal_of, url):
    path = sqlite.sqlite_path(url)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    refusal = refusal_of(url, sql="SELECT email FROM users")
    assert (refusal.kind, "damaged" in refusal.message) == (ErrorKind.UNAVAILABLE, True)


# PostgreSQL -------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["localhost:1/readwatch", "/readwatch?host=/no/such/folder"])
def test_a_postgresql_that_does_not_run_cannot_be_reached(refusal_of, place):
    refusal = refusal_of(f"postgresql://{place}")
    assert (refusal.kind, "is it running?" in refusal.message) == (ErrorKind.UNAVAILABLE, True)


@pytest.mark.postgresql
def test_a_missing_postgresql_database_has_an_error_of_its_own(
    refusal_of, postgresql_server: Server
):
    refusal = refusal_of(postgresql_server.url("no_such_database"))
    assert refusal.kind is ErrorKind.MISCONFIGURED
    assert "createdb" in refusal.message


@pytest.mark.postgresql
def test_the_reason_of_a_refused_connection_is_not_that_it_was_lost(postgresql_server: Server):
    with pytest.raises(psycopg.OperationalError) as refusal:
        psycopg.connect(postgresql_server.url("no_such_database"))
    kind, reason = kind_and_reason(refusal.value)
    assert (kind, "createdb" in reason) == (ErrorKind.MISCONFIGURED, True)


@on_postgresql
def test_an_unknown_postgresql_user_has_an_error_of_its_own(refusal_of, url):
    parts = psycopg.conninfo.conninfo_to_dict(url)
    refusal = refusal_of(url.replace(f"user={parts['user']}", "user=nobody_here"))
    assert refusal.kind is ErrorKind.MISCONFIGURED
    assert "user or password" in refusal.message


@on_postgresql
def test_an_unknown_postgresql_option_is_reported(refusal_of, url):
    refusal = refusal_of(f"{url}&no_such_option=1")
    assert refusal.kind is ErrorKind.MISCONFIGURED
    assert "option" in refusal.message


@on_postgresql
def test_a_lost_connection_is_reported_once_and_the_next_use_opens_a_new_one(
    connected, opened, url
):
    def lose(db: Database) -> None:
        with connection(db):
            (backend,) = db.execute_sql("SELECT pg_backend_pid()").fetchone()
            connected(Role.OWNER).execute_sql("SELECT pg_terminate_backend(%s)", (backend,))
            db.execute_sql("SELECT 1")

    db = opened(url, Role.INGEST)
    with pytest.raises(ReadwatchError) as refusal:
        lose(db)
    assert (refusal.value.kind, refusal.value.message) == (ErrorKind.UNAVAILABLE, CONNECTION_LOST)
    with connection(db):
        assert db.execute_sql("SELECT 1").fetchone() == (1,)


@on_postgresql
def test_a_pool_that_stays_empty_is_busy(opened, url, monkeypatch):
    monkeypatch.setattr(postgresql, "POOL_SIZE", 1)
    monkeypatch.setattr(postgresql, "BUSY_TIMEOUT_SECONDS", 0.01)
    db = opened(f"{url}&connect_timeout=5", Role.CONSOLE)

    def borrow() -> None:
        with connection(db):
            pass

    with connection(db), ThreadPoolExecutor() as another, pytest.raises(ReadwatchError) as refusal:
        another.submit(borrow).result()
    assert (refusal.value.kind, refusal.value.message) == (
        ErrorKind.UNAVAILABLE,
        "the database is busy; try again",
    )
