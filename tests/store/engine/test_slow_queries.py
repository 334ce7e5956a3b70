"""A statement that takes long is logged with its plan, without values and without a delay."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from threading import Event
from time import monotonic

import peewee
import pytest

import readwatch.store
from readwatch.domain.clock import Clock
from readwatch.domain.slow_queries import SlowQuery
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.database import DEFAULTS, EngineSettings
from readwatch.store.engine.models import Users
from readwatch.store.engine.plans import query_plan
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.slow_queries import MAX_A_MINUTE, SlowQueryLog
from readwatch.store.engine.sqlite import SQLite
from readwatch.store.engine.statements import Statement

SLOW = Statement(
    """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
    SELECT count(*) AS found, :name AS name FROM n
    """,
    postgresql="SELECT 1 AS found, CAST(:name AS text) AS name FROM pg_sleep(0.05)",
)
BY_EMAIL = Statement("SELECT id, full_name FROM users WHERE email = :email")
BY_ROLE = Statement("SELECT id FROM users WHERE user_role = :role ORDER BY id")
RENAME = Statement("UPDATE users SET is_active = TRUE WHERE email = :email")

Watch = Callable[..., tuple[Database, SlowQueryLog]]


@pytest.fixture
def reported() -> list[SlowQuery]:
    return []


@pytest.fixture
def watch(url: str, reported: list[SlowQuery], clock: Clock) -> Iterator[Watch]:
    """`watch(role)` opens a database whose slow statements are reported, by default all."""
    opened: list[tuple[Database, SlowQueryLog]] = []

    def watch(
        role: Role = Role.OWNER,
        *,
        slow_seconds: float = 0.0,
        uptime: Callable[[], float] = monotonic,
    ) -> tuple[Database, SlowQueryLog]:
        log = SlowQueryLog("test", reported.append, clock, uptime)
        settings = EngineSettings(slow_seconds=slow_seconds, report_slow=log.report)
        opened.append((open_database(url, role, settings), log))
        return opened[-1]

    yield watch
    for db, log in opened:
        log.close()
        close_all(db)


@pytest.mark.parametrize(("slow_seconds", "reports"), [(0.02, 1), (3600, 0)])
def test_only_a_statement_that_takes_longer_is_reported(
    watch, reported, cast, slow_seconds, reports
) -> None:
    db, log = watch(slow_seconds=slow_seconds)
    with connection(db):
        BY_EMAIL.one_or_none(db, email=cast.ann.email)
        SLOW.one_or_none(db, name="Ann Archer")
    log.close()

    # On a busy machine any statement may take long.
    assert all(query.milliseconds >= 20 for query in reported)
    slow = [query for query in reported if "pg_sleep" in query.sql or "RECURSIVE" in query.sql]
    assert [query.rows for query in slow] == [1] * reports


def test_a_report_has_one_line_of_sql_and_the_rows_but_no_value(watch, reported, cast) -> None:
    db, log = watch()
    with connection(db):
        BY_ROLE.all(db, role="reader")
        BY_EMAIL.one_or_none(db, email=cast.ann.email)
        BY_EMAIL.one_or_none(db, email="nobody@example.org")
        RENAME(db, email=cast.ann.email)
    log.close()

    found = [(query.sql.split(" WHERE ")[0], query.rows) for query in reported[:4]]
    assert found == [
        ("SELECT id FROM users", 2),
        ("SELECT id, full_name FROM users", 1),
        ("SELECT id, full_name FROM users", 0),
        ("UPDATE users SET is_active = TRUE", 1),
    ]
    for query in reported:
        assert "\n" not in query.sentence
        assert cast.ann.email not in query.sentence
        assert "nobody" not in query.sentence


def test_the_plan_is_taken_once_for_each_text_with_the_privileges_of_the_role(
    watch, reported
) -> None:
    db, log = watch(Role.CONSOLE)
    with connection(db):
        for email in ("a@example.org", "b@example.org"):
            BY_EMAIL.one_or_none(db, email=email)
        BY_ROLE.all(db, role="reader")
    log.close()

    plans = [query.plan for query in reported if "FROM users" in query.sql]
    assert ["users" in (plan or "") for plan in plans] == [True, False, True]


def test_no_connection_stays_open_for_plans(watch, reported) -> None:
    db, log = watch(Role.CONSOLE)
    with connection(db):
        BY_ROLE.all(db, role="reader")
        log.close()
        assert any(query.plan for query in reported)
        if isinstance(db, SQLite):
            assert len(db._open_connections) == 1
        else:
            assert (len(db._in_use), len(db._connections)) == (1, 0)


def test_a_query_of_a_model_is_reported_too(watch, reported, cast) -> None:
    db, log = watch(Role.ADMIN)
    with connection(db):
        found = Users.select(Users.id).where(Users.email == cast.dora.email).tuples().execute(db)
        assert list(found) == [(cast.dora.id,)]
    log.close()

    query = next(query for query in reported if 'FROM "users"' in query.sql)
    assert "t1" in (query.plan or ""), "the alias of the table"
    assert cast.dora.email not in query.sql


def test_a_statement_that_fails_is_reported_with_its_time(watch, reported) -> None:
    db, log = watch()
    with connection(db), pytest.raises(peewee.PeeweeException):
        Statement("SELECT no_such_column FROM users").all(db)
    with connection(db), pytest.raises(peewee.PeeweeException):
        Statement("SELECT no_such_column FROM users").one_or_none(db)
    log.close()

    assert [query.sql for query in reported] == ["SELECT no_such_column FROM users"] * 2
    assert [query.rows for query in reported] == [None, None]
    assert (reported[0].plan or "").startswith("not known")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_wait_for_another_program_that_writes_is_reported(watch, reported, db) -> None:
    other, log = watch(Role.INGEST, slow_seconds=0.02)
    with db.atomic(), connection(other):
        other.connection().set_busy_timeout(50)
        with pytest.raises(peewee.OperationalError), other.atomic():
            pass
    log.close()

    assert [query.sql for query in reported] == ["BEGIN"]


def test_more_reports_than_a_minute_may_have_are_counted_and_told_in_the_next(
    watch, reported
) -> None:
    seconds = [0.0]
    db, log = watch(uptime=lambda: seconds[0])
    with connection(db):
        for _ in range(MAX_A_MINUTE + 7):
            BY_ROLE.all(db, role="reader")
        seconds[0] = 61.0
        BY_ROLE.all(db, role="reader")
        BY_ROLE.all(db, role="reader")
    log.close()

    assert [query.left_out for query in reported] == [0] * MAX_A_MINUTE + [7, 0]


def test_a_log_that_hangs_or_fails_delays_and_breaks_no_statement(url, clock) -> None:
    hang, failures = Event(), []

    def write(query: SlowQuery) -> None:
        assert hang.wait(30)
        failures.append(query)
        raise OSError

    log = SlowQueryLog("test", write, clock)
    db = open_database(url, Role.INGEST, log.watched(DEFAULTS, 1))
    db.slow_seconds = 0.0
    with connection(db):
        assert BY_ROLE.all(db, role="nothing") == []
        assert BY_ROLE.all(db, role="nothing") == []
    hang.set()
    log.close()
    close_all(db)
    assert len(failures) == 2, "the thread goes on after a failure"


def test_nothing_is_watched_if_the_limit_is_zero(url, clock, reported) -> None:
    log = SlowQueryLog("test", reported.append, clock)
    db = open_database(url, Role.OWNER, log.watched(DEFAULTS, 0))
    with connection(db):
        SLOW.one_or_none(db, name="x")
    log.close()
    close_all(db)
    assert reported == []


def every_statement() -> Iterator[Statement | BulkStatement]:
    """Yield the statements of the programs: those of a module, without those of `engine`."""
    for part in ("audit", "identity", "lifecycle", "lists", "recording"):
        folder = f"{readwatch.store.__path__[0]}/{part}"
        for name in [module.name for module in pkgutil.iter_modules([folder])]:
            module = importlib.import_module(f"readwatch.store.{part}.{name}")
            for value in vars(module).values():
                if isinstance(value, Statement | BulkStatement):
                    yield value


def test_each_statement_of_the_programs_has_a_plan_on_its_engine(db) -> None:
    texts = {" ".join(statement.text(db).split()) for statement in every_statement()}
    without = {"PRAGMA", "SET", "SHOW", "SAVEPOINT", "ROLLBACK", "RELEASE", "DEALLOCATE"}
    foreign = ("sqlite_", "pragma_", "pg_", "dbstat")
    explained = [
        sql
        for sql in texts
        if sql.split()[0] not in without and not any(word in sql for word in foreign)
    ]
    assert len(explained) > 80
    for sql in explained:
        plan = query_plan(db, sql)
        assert plan or sql.lower().startswith("insert"), sql


def test_a_plan_changes_nothing(db, cast) -> None:
    before = db.execute_sql("SELECT count(*) FROM users").fetchone()[0]
    statement = Statement("DELETE FROM users WHERE user_role = :role")
    assert query_plan(db, statement.text(db))
    assert db.execute_sql("SELECT count(*) FROM users").fetchone()[0] == before
