"""When the database is away: said at once, the last picture stays, and it comes back by itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from conftest import ENGINES, NOON, PASSWORD, Cast, StillClock
from copies import put_in_place_of
from postgres import Server, connect
from reading_app import AccessLog, ReadingApp
from tui.console_pilot import LARGE, TIMEOUT_SECONDS, OpenConsole, console_pilot

from readwatch.domain.clock import uptime
from readwatch.monitor import refresh_policy
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.engine import sqlite
from readwatch.store.engine.connections import Database, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.tui.app import Console


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Both: here the console does what each of them has its own way for."""
    return request.param


SINCE_NOON = f"since {NOON.astimezone():%H:%M:%S}: "


@contextmanager
def mislaid_table(db: Database) -> Iterator[None]:
    """What the console meets then is an error of each of its queries, on both engines."""
    db.execute_sql("ALTER TABLE users RENAME TO mislaid")
    yield
    db.execute_sql("ALTER TABLE mislaid RENAME TO users")


@contextmanager
def server_away(db: Database, server: Server) -> Iterator[None]:
    """All others are cut off, and nobody is let in."""
    name = db.execute_sql("SELECT current_database()").fetchone()[0]
    with connect(server.parameters) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        db.execute_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        yield
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def await_workers() -> None:
    for thread in threading.enumerate():
        if thread.name == "monitor":
            thread.join(TIMEOUT_SECONDS)
            assert not thread.is_alive()


async def test_a_loss_is_said_with_since_when_and_why_and_ends_by_itself(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, db: Database, clock: StillClock
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        with mislaid_table(db):
            await pilot.sees("● OFFLINE", f"{SINCE_NOON}this database has no readwatch schema")
            clock.advance(seconds=40)
            await pilot.sees("● OFFLINE, 40 s", SINCE_NOON)
            assert "Dracula" in pilot.cursor
        ben.reads("Faust")
        await pilot.sees("● LIVE", "Ann", "Ben", "2 online")
        assert "since" not in pilot.screen


async def test_rows_of_a_filter_that_are_concealed_are_not_in_the_pane_beside_the_list_either(
    open_console: OpenConsole, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    async with open_console(size=LARGE) as pilot:
        await pilot.filters("ann")
        await pilot.sees("30 min before", "Dracula")
        await pilot.presses("2")
        await pilot.sees("Time")
        with mislaid_table(db):
            await pilot.sees("● OFFLINE")
            await pilot.presses("1")
            await pilot.loses("Time")
            await pilot.presses("j", "home")
            await pilot.sees("● OFFLINE", "State")
            assert "Dracula" not in pilot.screen


async def test_an_open_page_keeps_its_snapshot_too(
    open_console: OpenConsole, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org", "● LIVE")
        with mislaid_table(db):
            await pilot.sees("● OFFLINE", "ann@example.org", "Dracula")
        ann.reads("Faust")
        await pilot.sees("● LIVE", "ann@example.org", "Faust")


async def test_a_lost_connection_is_reported_in_every_list(
    open_console: OpenConsole, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        with mislaid_table(db):
            await pilot.sees("● OFFLINE")
            await pilot.presses("3")
            await pilot.sees("Titles", "loading …", "● OFFLINE")
        await pilot.sees("Titles", "Ann", "● LIVE")


async def test_the_rows_of_a_filter_stay_hidden_when_the_filter_is_cleared_during_a_loss(
    open_console: OpenConsole, ann: ReadingApp, db: Database, clock: StillClock
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.filters("dracula")
        await pilot.sees("1 match")
        with mislaid_table(db):
            await pilot.presses("3")
            await pilot.sees("Titles", "● OFFLINE")
            await pilot.presses("1")
            await pilot.sees("dracula", "● OFFLINE")
            await pilot.presses("escape")
            await pilot.loses("dracula")
            clock.advance(seconds=40)
            await pilot.sees("● OFFLINE, 40 s")
            assert "Dracula" not in pilot.screen
        await pilot.sees("Dracula", "● LIVE")


async def test_a_reader_who_is_opened_during_a_loss_appears_after_it_or_not_at_all(
    open_console: OpenConsole, ann: ReadingApp, db: Database, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        with mislaid_table(db):
            await pilot.sees("● OFFLINE")
            await pilot.presses("enter")
            await pilot.until(lambda: access_log() or "is not shown" in pilot.screen)
            await pilot.sees("● OFFLINE", "since")
            assert "Dracula" not in pilot.screen
        if access_log():
            await pilot.sees("ann@example.org", "● LIVE")
        else:
            await pilot.sees("is not shown")


async def test_q_leaves_during_a_loss(open_console: OpenConsole, db: Database) -> None:
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        with mislaid_table(db):
            await pilot.sees("● OFFLINE")
            await pilot.presses("q")
            await pilot.until(lambda: not pilot.app.is_running)


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_console_that_starts_before_the_database_waits_for_it(
    open_console: OpenConsole, cast: Cast, url: str
) -> None:
    file = sqlite_path(url)
    away = file.rename(file.with_suffix(".away"))
    async with open_console() as pilot:
        await pilot.sees("● OFFLINE", "there is no database at")
        away.rename(file)
        await pilot.sees("● LIVE", "nobody is online")


async def test_a_database_that_is_newer_than_the_program_says_so_under_the_last_snapshot(
    open_console: OpenConsole, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        db.execute_sql(
            "INSERT INTO schema_history (number, name, checksum) VALUES (999, 'later', 'x')"
        )
        await pilot.sees("● OFFLINE", f"{SINCE_NOON}upgrade readwatch: the database has schema 999")
        ann.reads("Faust")
        assert "Dracula" in pilot.cursor
        db.execute_sql("DELETE FROM schema_history WHERE number = 999")
        await pilot.sees("● LIVE", "Faust")


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_file_in_the_place_of_the_first_is_what_is_shown(
    open_console: OpenConsole,
    ann: ReadingApp,
    db: Database,
    url: str,
    access_log: AccessLog,
    tmp_path: Path,
) -> None:
    ann.reads("Dracula")
    db.execute_sql(f"VACUUM INTO '{tmp_path / 'backup'}'")
    ann.reads("Faust")
    async with open_console() as pilot:
        await pilot.sees("Faust", "● LIVE")
        put_in_place_of(sqlite_path(url), tmp_path / "backup")
        await pilot.sees("Dracula", "● LIVE")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
    assert access_log() == []
    db.close()
    db.connect()
    assert [entry.whom for entry in access_log()] == [ann.user.id]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_who_logged_in_to_one_database_is_nobody_in_another(
    open_console: OpenConsole, ann: ReadingApp, db: Database, url: str, tmp_path: Path
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        db.execute_sql(f"VACUUM INTO '{tmp_path / 'other'}'")
        other = open_database(f"sqlite:///{tmp_path / 'other'}", Role.OWNER)
        with other.connection_context():
            other.execute_sql("UPDATE users SET created_at = '2020-02-02 02:02:02.222'")
            other.execute_sql("PRAGMA journal_mode = delete").fetchall()
        put_in_place_of(sqlite_path(url), tmp_path / "other")
        await pilot.sees("this is another database; log in again", "Password")
        assert "Ann" not in pilot.screen


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_nobody_can_login_before_there_is_a_database(
    open_console: OpenConsole, cast: Cast, url: str
) -> None:
    file = sqlite_path(url)
    away = file.rename(file.with_suffix(".away"))
    async with open_console(logged_in=False) as pilot:
        await pilot.logs_in(cast.cara.email, PASSWORD)
        await pilot.sees("there is no database at")
        away.rename(file)
        await pilot.types(PASSWORD)
        await pilot.presses("enter")
        await pilot.sees("● LIVE")


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_file_that_another_program_keeps_to_itself_is_a_loss(
    open_console: OpenConsole, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.1)
    db.execute_sql("PRAGMA locking_mode = EXCLUSIVE")
    db.execute_sql("UPDATE users SET full_name = full_name")
    async with open_console() as pilot:
        await pilot.sees("● OFFLINE", "the database is busy; try again")
        db.close()
        await pilot.sees("● LIVE", "nobody is online")


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_file_that_is_no_database_is_named_so(
    open_console: OpenConsole, cast: Cast, url: str
) -> None:
    Path(sqlite_path(url)).write_text("Dear diary" * 1000)
    async with open_console() as pilot:
        await pilot.sees("● OFFLINE", "that file is not a SQLite database")


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_fault_that_nobody_foresaw_is_seen_and_the_console_goes_on(
    url: str, cast: Cast, ann: ReadingApp, clock: StillClock
) -> None:
    ann.reads("Dracula")
    file, calls = sqlite_path(url), count()
    away = file.rename(file.with_suffix(".away"))

    def clock_with_a_fault() -> datetime:
        is_asked_for_a_loss = threading.current_thread().name == "monitor" and not file.exists()
        if is_asked_for_a_loss and next(calls) % 2 == 0:  # of the fault that follows it tells since
            raise OverflowError("Dear diary")
        return clock()

    console = Console(ConsoleSettings(url), consultant=cast.cara, clock=clock_with_a_fault)
    async with console_pilot(console) as cara:
        # The clock is asked outside of what is done with the database: since when that is away.
        await cara.sees("● OFFLINE", "internal error: OverflowError")
        assert "diary" not in cara.screen
        away.rename(file)
        await cara.sees("● LIVE", "Dracula")


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_laptop_that_wakes_up_has_a_snapshot_at_once(
    open_console: OpenConsole, cast: Cast, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = 0
    monkeypatch.setattr(refresh_policy, "uptime", lambda: uptime() + slept)
    monkeypatch.setattr(refresh_policy, "REFRESH_SECONDS", 3600)
    async with open_console(refresh=timedelta(hours=1)) as pilot:
        await pilot.sees("● LIVE")
        clock.advance(hours=8)
        await pilot.sees("● STALE, 8 h")
        slept = 8 * 3600
        await pilot.sees("● LIVE")


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def test_a_server_that_hangs_up_and_lets_nobody_in_is_a_loss(
    open_console: OpenConsole,
    ann: ReadingApp,
    ben: ReadingApp,
    db: Database,
    postgresql_server: Server,
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        with server_away(db, postgresql_server):
            await pilot.sees("● OFFLINE", "the database cannot be reached", "Ann")
        ben.reads("Faust")
        await pilot.sees("● LIVE", "Ben")


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def test_a_query_that_hangs_makes_the_snapshot_stale_and_q_ends_both(
    open_console: OpenConsole, ann: ReadingApp, db: Database, clock: StillClock
) -> None:
    ann.reads("Dracula")
    with db.atomic():
        async with open_console() as pilot:
            await pilot.sees("Ann", "● LIVE")
            db.execute_sql("LOCK TABLE reader_profiles IN ACCESS EXCLUSIVE MODE")
            clock.advance(seconds=13)
            await pilot.sees("● STALE, 10 s", "Ann")
            await pilot.presses("q")
            await pilot.until(lambda: not pilot.app.is_running)
        await_workers()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_q_leaves_while_a_file_is_waited_for(
    open_console: OpenConsole, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 3600)
    db.execute_sql("PRAGMA locking_mode = EXCLUSIVE")
    db.execute_sql("UPDATE users SET full_name = full_name")
    async with open_console() as pilot:
        await pilot.sees("loading …")
        await pilot.presses("q")
        await pilot.until(lambda: not pilot.app.is_running)
    db.close()
    await_workers()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_snapshot_that_no_other_follows_becomes_stale(
    open_console: OpenConsole,
    ann: ReadingApp,
    clock: StillClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refresh_policy, "REFRESH_SECONDS", 3600)
    async with open_console() as pilot:
        await pilot.sees("nobody is online", "● LIVE")
        clock.advance(seconds=12)
        await pilot.sees("● LIVE, 10 s")
        clock.advance(seconds=1)
        await pilot.sees("● STALE, 10 s")
        clock.advance(minutes=2)
        await pilot.sees("● STALE, 2 min")
        ann.reads("Dracula")
        await pilot.sees("● LIVE", "Dracula")
        assert "old" not in pilot.screen
