"""Fixtures of all tests: a clock that stands still, two engines, and the cast.

Ann and Ben are readers, Cara is a consultant, Dora is the admin.
"""

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import memory
import pytest
from copies import PostgreSQLCopies, SQLiteCopies
from hypothesis import given, settings, strategies
from postgres import Server, drop_database, new_database, server

from readwatch.domain.users import User, UserRole
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.passwords import hash_password
from readwatch.store.identity.users import NewUser, add_user

COST = 4
PASSWORD = "correct horse battery"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


memory.use_for_temporary_files()

# No test may fail because the machine is busy. Slow properties have fewer examples of their own.
settings.register_profile("readwatch", deadline=None)
settings.load_profile("readwatch")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-postgresql",
        action="store_true",
        help="leave out the tests that need PostgreSQL, and say so",
    )
    parser.addoption(
        "--update-snapshots",
        action="store_true",
        help="take what the console paints now for right: look at the differences before a commit",
    )


def pytest_collection_finish() -> None:
    """Leave modules and tests out of garbage collections, which would take a tenth of a run.

    Hypothesis looks once, before the first example, for the object that refers to its random
    generator, and the collector does not show it any more.
    """
    _draw_once()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@settings(max_examples=1, database=None)
@given(strategies.none())
def _draw_once(_: None) -> None:
    """Let Hypothesis draw an example."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.getoption("--no-postgresql"):
        terminalreporter.section("NOT TESTED ON POSTGRESQL (--no-postgresql)", sep="!", red=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--no-postgresql"):
        left_out = [item for item in items if "postgresql" in item.keywords]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests do not read the settings of the user who runs them."""
    for name in [name for name in os.environ if name.startswith("READWATCH_")]:
        if not name.startswith("READWATCH_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)


@pytest.fixture(autouse=True, scope="session")
def signals_end_what_the_tests_start() -> Iterator[None]:
    """SIGHUP and SIGINT end the processes that a test starts, also if the tests run under nohup or
    as a background job, for which the shell ignores them."""
    ignored = [
        number
        for number in (signal.SIGHUP, signal.SIGINT)
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, lambda *_: None)  # which no process inherits
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@dataclass
class StillClock:
    """A clock that moves only when a test moves it."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **duration: float) -> datetime:
        self.moment += timedelta(**duration)
        return self.moment


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """`zone(name)` sets the time zone of the machine."""
    before = os.environ.get("TZ")

    def zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield zone
    monkeypatch.setenv("TZ", before) if before else monkeypatch.delenv("TZ", raising=False)
    time.tzset()


# The engines ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: Server) -> Iterator[str]:
    name = new_database(postgresql_server)
    db = open_database(postgresql_server.url(name), Role.OWNER)
    with connection(db):  # without the roles, because each copy has its own roles
        migrations.upgrade(db, migrations.available_migrations(db))
    close_all(db)
    yield name
    drop_database(postgresql_server, name)


@pytest.fixture(scope="session")
def postgresql_copies(postgresql_server: Server, password_hash: str) -> Iterator[PostgreSQLCopies]:
    copies = PostgreSQLCopies(postgresql_server, partial(add_cast, password_hash=password_hash))
    yield copies
    copies.close()


@pytest.fixture(scope="session")
def sqlite_copies(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> SQLiteCopies:
    folder = tmp_path_factory.mktemp("template")
    return SQLiteCopies(folder, partial(add_cast, password_hash=password_hash))


@pytest.fixture(scope="session")
def sqlite_template(sqlite_copies: SQLiteCopies) -> Path:
    return sqlite_copies.empty


ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]

on_both_engines = pytest.mark.parametrize("engine", ENGINES, indirect=True)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    engine: str = request.param
    return engine


@pytest.fixture
def empty_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that does not exist."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'readwatch.db'}"
        return
    running: Server = request.getfixturevalue("postgresql_server")
    name = new_database(running)
    yield running.url(name)
    drop_database(running, name)


@pytest.fixture
def copies(engine: str, request: pytest.FixtureRequest) -> SQLiteCopies | PostgreSQLCopies:
    copies: SQLiteCopies | PostgreSQLCopies = request.getfixturevalue(f"{engine}_copies")
    return copies


@pytest.fixture
def url(
    copies: SQLiteCopies | PostgreSQLCopies, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """A database with the schema and, if the test uses the cast, the cast."""
    with_cast = "cast" in request.fixturenames
    if isinstance(copies, SQLiteCopies):
        yield copies.copy_to(tmp_path / "readwatch.db", with_cast=with_cast)
        return
    yield copies.make(with_cast=with_cast)
    copies.drop()


@dataclass
class Connections:
    """Databases by role, opened at the first use."""

    url: str
    opened: dict[Role, Database] = field(default_factory=dict)

    def __call__(self, role: Role) -> Database:
        if role not in self.opened:
            self.opened[role] = open_database(self.url, role)
            self.opened[role].connect()
        return self.opened[role]

    def close(self) -> None:
        for db in self.opened.values():
            if not db.is_closed():
                db.close()
            if hasattr(db, "close_all"):
                db.close_all()


@pytest.fixture
def connected(url: str) -> Iterator[Connections]:
    connections = Connections(url)
    yield connections
    connections.close()


@pytest.fixture
def db(connected: Connections) -> Database:
    """The database with the role of the owner, to prepare and to check tests."""
    return connected(Role.OWNER)


# The cast ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD, COST)


@dataclass(frozen=True)
class Cast:
    ann: User
    ben: User
    cara: User
    dora: User


@pytest.fixture
def cast(url: str, copies: SQLiteCopies | PostgreSQLCopies) -> Cast:
    """Ann and Ben are readers, Cara is a consultant, Dora is an admin."""
    assert isinstance(copies.cast, Cast)
    return copies.cast


def add_cast(url: str, password_hash: str) -> Cast:
    """Add the cast to a database."""
    db = open_database(url, Role.OWNER)
    with connection(db):
        people = {
            name.split()[0].lower(): add_user(
                db,
                NewUser(
                    email=f"{name.split()[0].lower()}@example.org",
                    full_name=name,
                    user_role=role,
                    password_hash=password_hash,
                ),
                NOON - timedelta(days=30),
            )
            for name, role in (
                ("Ann Archer", UserRole.READER),
                ("Ben Baker", UserRole.READER),
                ("Cara Cook", UserRole.CONSULTANT),
                ("Dora Dyer", UserRole.ADMIN),
            )
        }
    close_all(db)
    return Cast(**people)
