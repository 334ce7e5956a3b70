"""Connections: what a URL may say, which SQLite is safe, how moments are kept."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store.engine.connections import (
    close_all,
    connection,
    driver_connection,
    is_sqlite,
    open_database,
    query_interrupter,
    read_snapshot,
    work_clock,
)
from readwatch.store.engine.database import EngineSettings
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import SQLite, refuse_affected_sqlite, sqlite_path
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, from_db_time_or_none, to_db_time
from readwatch.store.identity.users import get_user

moments = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zones
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - the same
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=9))]),
)


# URLs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///readwatch.db", "readwatch.db"),
        ("sqlite:////var/lib/readwatch/readwatch.db", "/var/lib/readwatch/readwatch.db"),
        ("sqlite:///with%20space.db", "with space.db"),
        ("sqlite:///what?.db", "what?.db"),
    ],
)
def test_a_sqlite_url_names_a_file(url, path):
    assert sqlite_path(url) == Path(path)


def test_a_tilde_in_a_sqlite_url_is_the_home_folder(tmp_path):
    assert sqlite_path("sqlite:///~/readwatch.db") == tmp_path / "readwatch.db"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "readwatch.db",
        "/var/lib/readwatch.db",
        "mysql://ann:secret@localhost/readwatch",
        "sqlite:readwatch.db",
        "sqlite://readwatch.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "postgresql://ann:secret@localhost",
        "postgresql://ann:secret@localhost/",
        "postgresql://ann:secret@localhost:port/readwatch",
        "postgresql://ann:secret@localhost:99999/readwatch",
        "postgresql://ann:secret@[::1/readwatch",
    ],
)
def test_a_url_that_names_no_database_is_refused_without_repeating_the_password(url):
    with pytest.raises(ReadwatchError) as refusal:
        open_database(url, Role.OWNER)
    assert refusal.value.kind is ErrorKind.MISCONFIGURED
    assert "secret" not in refusal.value.message


# Versions of SQLite -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "version", [(3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 50, 6), (3, 51, 2), (3, 45, 9)], ids=str
)
def test_a_sqlite_that_can_lose_commits_is_refused(version):
    with pytest.raises(ReadwatchError, match="pip install --upgrade apsw"):
        refuse_affected_sqlite(version)


@pytest.mark.parametrize(
    "version", [(3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 54, 0), (3, 54, 1), (4, 0, 0)], ids=str
)
def test_a_fixed_sqlite_is_accepted(version):
    refuse_affected_sqlite(version)


# Moments ----------------------------------------------------------------------------------------


@given(moments)
def test_a_moment_comes_back_from_its_stamp_to_the_millisecond(kept):
    milliseconds = kept.microsecond // 1000 * 1000
    assert from_db_time(to_db_time(kept)) == kept.replace(microsecond=milliseconds)


@given(moments, moments)
def test_stamps_sort_as_the_moments_do(one, other):
    assert (to_db_time(one) < to_db_time(other)) == (
        from_db_time(to_db_time(one)) < from_db_time(to_db_time(other))
    )
    assert len(to_db_time(one)) == len("2026-11-22 12:00:00.000")


def test_a_naive_datetime_gets_no_stamp():
    with pytest.raises(ValueError, match="time zone"):
        to_db_time(datetime(2026, 11, 22))  # noqa: DTZ001 - the point of the test


@pytest.fixture
def in_tokyo(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_moment_that_plain_sql_wrote_is_in_utc_wherever_the_machine_is(in_tokyo):
    assert from_db_time("2026-11-22 12:00:00") == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert from_db_time_or_none(None) is None


def test_both_engines_keep_the_same_milliseconds(db, clock, join):
    clock.moment = datetime(2026, 11, 22, 13, 0, 0, 123_987, tzinfo=timezone(timedelta(hours=1)))
    eve = join("Eve Early")
    created_at = get_user(db, eve.id).created_at
    assert created_at == datetime(2026, 11, 22, 12, 0, 0, 123_000, tzinfo=UTC)
    assert created_at.tzinfo is UTC


# Loans ------------------------------------------------------------------------------------------


def test_queries_of_one_moment_see_nothing_that_comes_meanwhile(connected, cast, join):
    count = Statement("SELECT count(*) FROM users")
    console = connected(Role.CONSOLE)
    with read_snapshot(console):
        assert count(console).fetchone() == (4,)
        join("Eve Early")
        assert count(console).fetchone() == (4,)
    assert count(console).fetchone() == (5,)


def test_a_loan_inside_a_loan_leaves_the_outer_one_its_connection(opened, url):
    db = opened(url, Role.INGEST)
    with connection(db):
        with connection(db):
            pass
        assert db.execute_sql("SELECT 1").fetchone() == (1,)


@pytest.mark.postgresql
@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_connection_that_the_pool_gives_up_is_closed(opened, url, monkeypatch):
    db = opened(url, Role.CONSOLE)
    with connection(db):
        first = driver_connection(db)
    # As when the server hears only then that an earlier query is to be cancelled.
    monkeypatch.setattr(db._adapter, "is_connection_closed", lambda _: True)
    with connection(db):
        assert driver_connection(db) is not first
    assert first.closed


def test_another_thread_can_put_an_end_to_a_statement_that_has_none(opened, url):
    db = opened(url, Role.OWNER)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT count(*) FROM n"
    borrowed: SimpleQueue[Callable[[], None]] = SimpleQueue()
    refusals: SimpleQueue[ReadwatchError] = SimpleQueue()

    def ask():
        try:
            with connection(db):
                borrowed.put(query_interrupter(db))
                db.execute_sql(endless).fetchone()
        except ReadwatchError as error:
            refusals.put(error)

    asking = Thread(target=ask)
    asking.start()
    interrupt = borrowed.get()
    while asking.is_alive():
        interrupt()  # again and again: the statement may not have begun yet
        asking.join(0.01)
    assert refusals.get_nowait().kind is ErrorKind.UNAVAILABLE


def test_to_wait_is_no_work_of_sqlite_and_all_that_is_seen_of_a_servers(db):
    clock = work_clock(db)
    begun_at = clock()
    time.sleep(0.05)
    worked = clock() - begun_at
    assert worked < 0.05 if is_sqlite(db) else worked >= 0.05


def test_to_interrupt_nothing_does_no_harm(opened, url):
    db = opened(url, Role.CONSOLE)
    with connection(db):
        interrupt = query_interrupter(db)
        interrupt()
        assert db.execute_sql("SELECT 1").fetchone() == (1,)
    close_all(db)
    interrupt()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("role", [Role.INGEST, Role.ADMIN, Role.ACCESS_LOG])
def test_what_sqlite_acknowledges_is_on_disk_and_refers_to_what_exists(connected, role):
    settings = {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}
    driver = driver_connection(connected(role))
    assert {name: driver.pragma(name) for name in settings} == settings


def test_settings_of_connections_reach_the_engine(url, opened) -> None:
    settings = EngineSettings(busy_seconds=7, cache_mib=9, pool_size=3, statement_seconds=4)
    db = opened(url, Role.CONSOLE, settings)
    with connection(db):
        if isinstance(db, SQLite):
            assert driver_connection(db).pragma("busy_timeout") == 7000
            assert driver_connection(db).pragma("cache_size") == -9 * 1024
        else:
            assert db.execute_sql("SHOW statement_timeout").fetchone()[0] == "4s"
            assert db._max_connections == 3


def test_without_settings_a_connection_has_the_defaults(url, opened) -> None:
    db = opened(url, Role.CONSOLE)
    with connection(db):
        if isinstance(db, SQLite):
            assert driver_connection(db).pragma("busy_timeout") == 5000
            assert driver_connection(db).pragma("cache_size") == -4 * 1024
        else:
            assert db.execute_sql("SHOW statement_timeout").fetchone()[0] == "10s"
            assert db._max_connections == 20
