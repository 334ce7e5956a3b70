"""No log, no look; and the console can change nothing but the access log."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ENGINES, PASSWORD, Cast
from copies import put_in_place_of
from postgres import Server
from reading_app import AccessLog, Entry, ReadingApp
from tui.console_pilot import ConsolePilot, OpenConsole
from tui.test_connection_loss import server_away

from readwatch.store.engine import sqlite
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.tui import reader_pages
from readwatch.tui.format.text import BREADCRUMB


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Both: here the console does what each of them has its own way for."""
    return request.param


REFUSE = {
    "sqlite": """
        CREATE TRIGGER no_more_entries BEFORE INSERT ON consultant_access_log
        {when} BEGIN SELECT RAISE(ABORT, 'no more entries'); END
        """,
    "postgresql": """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no more entries'; END $$;
        CREATE TRIGGER no_more_entries BEFORE INSERT ON consultant_access_log
        FOR EACH ROW {when} EXECUTE FUNCTION refuse()
        """,
}
TAKE = {
    "sqlite": "DROP TRIGGER no_more_entries",
    "postgresql": "DROP FUNCTION refuse CASCADE",
}


@contextmanager
def log_that_refuses(db: Database, action: str = "") -> Iterator[None]:
    engine = "sqlite" if is_sqlite(db) else "postgresql"
    when = f"WHEN (NEW.action_type = '{action}')" if action else ""
    db.execute_sql(REFUSE[engine].replace("{when}", when))
    yield
    db.execute_sql(TAKE[engine])


def dump(db: Database) -> dict[str, list[str]]:
    return {
        table: sorted(repr(row) for row in db.execute_sql(f'SELECT * FROM "{table}"'))
        for table in db.get_tables()
        if table not in {"sqlite_sequence", "access_log_counter"}  # they count its entries
    }


def forbid_writing(file: Path) -> None:
    """Let nobody write a SQLite file, not even root: it says that it needs a later library."""
    with open(file, "r+b") as opened:
        opened.seek(18)  # https://www.sqlite.org/fileformat.html#file_format_version_numbers
        opened.write(b"\x03")


async def gets_to_see_nothing(pilot: ConsolePilot, reason: str) -> None:
    await pilot.sees("is not shown", f"could not be logged: {reason}", "escape to go back")
    assert not any(data in pilot.screen for data in ("ann@example.org", "Ann", "Dracula"))


async def test_an_access_that_cannot_be_logged_shows_nothing_and_the_lists_go_on(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, db: Database, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        with log_that_refuses(db):
            await pilot.presses("enter")
            await gets_to_see_nothing(pilot, "internal error")
            ann.reads("Dracula")
            await pilot.presses("escape")
            await pilot.sees("Ann", "Dracula", "● LIVE")
            ben.reads("Faust")
            await pilot.sees("Ben", "Faust", "2 online")
            assert access_log() == []
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        assert len(access_log()) == 1


async def test_a_filter_that_leaves_one_reader_is_logged_or_its_rows_are_not_shown(
    open_console: OpenConsole,
    cast: Cast,
    ann: ReadingApp,
    ben: ReadingApp,
    db: Database,
    access_log: AccessLog,
) -> None:
    ann.reads("Dracula")
    ben.reads("Faust")
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time", "Dracula", "Faust")
        with log_that_refuses(db):
            await pilot.presses("slash")
            await pilot.pastes("name:ann")
            await pilot.sees("these rows are not shown: the access could not be logged: internal")
            await pilot.sees("Faust", "Dracula")
            assert access_log() == []
        await pilot.presses("enter")
        await pilot.loses("Faust")
        await pilot.sees("Dracula", "searches the last 20,000 activities")
        details = "console, activity, filter of 1 term"
        assert access_log() == [Entry(cast.cara.id, "viewed_list", ann.user.id, details)]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_enter_and_escape_that_come_together_open_nothing_and_keep_the_filter(
    open_console: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.filters("!presence:leaving")
        await pilot.sees("Ann", "1 match")
        before = access_log()
        for _ in range(3):
            await pilot.presses("enter", "escape")
        await pilot.presses("3")
        await pilot.sees("Titles", "Ann")
        await pilot.presses("1")
        await pilot.sees("Ago", "Ann", "!presence:leaving")
        assert {entry.did for entry in access_log()} == {"viewed_list"} == {it.did for it in before}


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_page_that_is_closed_at_once_is_not_logged(
    open_console: OpenConsole,
    ann: ReadingApp,
    access_log: AccessLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("● LIVE", "Ann Archer")
        with monkeypatch.context() as patch:
            patch.setattr(reader_pages, "HOLD_SECONDS", 3600)
            await pilot.presses("enter")
            await pilot.sees(f"Online {BREADCRUMB}")
            await pilot.presses("escape")
            await pilot.sees("30 min", "Ann Archer")
        await pilot.presses("2")
        await pilot.sees("page read")
        assert access_log() == []
        await pilot.presses("enter")
        await pilot.sees("of reading")
        assert [entry.did for entry in access_log()] == ["viewed_reader_profile"]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_the_palette_says_why_it_shows_no_readers(
    open_console: OpenConsole, ann: ReadingApp, db: Database, access_log: AccessLog
) -> None:
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        with log_that_refuses(db):
            await pilot.presses("ctrl+p")
            await pilot.pastes("archer")
            await pilot.sees("no readers are shown")
            assert "Ann Archer" not in pilot.screen
        await pilot.presses(" ", "a", "n", "n")
        await pilot.sees("Ann Archer")
        assert [entry.whom for entry in access_log()] == [ann.user.id]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_log_that_stays_locked_is_such_a_case(
    open_console: OpenConsole,
    ann: ReadingApp,
    db: Database,
    access_log: AccessLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.1)
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        with db.atomic("IMMEDIATE"):
            await pilot.presses("enter")
            await gets_to_see_nothing(pilot, "the database is busy; try again")
            await pilot.presses("escape")
            await pilot.sees("Ann", "● LIVE")
        assert access_log() == []
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def test_so_is_a_server_that_takes_no_more_entries(
    open_console: OpenConsole, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    name = db.execute_sql("SELECT current_database()").fetchone()[0]
    db.execute_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with open_console() as pilot:
        await pilot.sees("Ann", "● LIVE")
        await pilot.presses("enter")
        await gets_to_see_nothing(pilot, "the database cannot be written")
        await pilot.presses("escape")
        await pilot.sees("Ann", "● LIVE")
        db.execute_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def test_so_is_a_server_that_is_away_until_it_is_back(
    open_console: OpenConsole,
    ann: ReadingApp,
    db: Database,
    postgresql_server: Server,
    access_log: AccessLog,
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann", "● LIVE")
        with server_away(db, postgresql_server):
            await pilot.presses("enter")
            await gets_to_see_nothing(pilot, "the database cannot be reached")
            await pilot.presses("escape")
            await pilot.sees("Ann", "● OFFLINE")
        await pilot.sees("Ann", "● LIVE")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        assert len(access_log()) == 1


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_so_is_a_file_that_can_only_be_read_until_another_is_in_its_place(
    open_console: OpenConsole, ann: ReadingApp, db: Database, url: str, tmp_path: Path
) -> None:
    ann.reads("Dracula")
    for name in "read_only", "mended":
        db.execute_sql(f"VACUUM INTO '{tmp_path / name}'")
    forbid_writing(tmp_path / "read_only")
    async with open_console() as pilot:
        await pilot.sees("Ann", "● LIVE")
        put_in_place_of(sqlite_path(url), tmp_path / "read_only")
        await pilot.presses("enter")
        await gets_to_see_nothing(pilot, "the database cannot be written")
        await pilot.presses("escape")
        await pilot.sees("Ann", "● LIVE")
        (tmp_path / "mended").rename(sqlite_path(url))
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")


async def test_who_cannot_be_logged_is_not_logged_in(
    open_console: OpenConsole, cast: Cast, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    async with open_console(logged_in=False) as pilot:
        with log_that_refuses(db):
            await pilot.logs_in(cast.cara.email, PASSWORD)
            await pilot.sees("E-mail", "internal error")
            assert "Ann" not in pilot.screen
        await pilot.types(PASSWORD)
        await pilot.presses("enter")
        await pilot.sees("Ann", "● LIVE")


async def test_a_whole_session_changes_nothing_but_the_access_log(
    open_console: OpenConsole, cast: Cast, ann: ReadingApp, ben: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    ben.reads("Faust")
    before = dump(db)
    async with open_console(logged_in=False) as pilot:
        await pilot.logs_in(cast.cara.email, "wrong")
        await pilot.sees("wrong e-mail or password")
        await pilot.types(PASSWORD)
        await pilot.presses("enter")
        for view, title in ("1", "Ago"), ("2", "Time"), ("3", "Last login"):
            await pilot.presses(view)
            await pilot.sees(title, "Ann", "Ben", "● LIVE")
            await pilot.presses("s", "p", "down")
            await pilot.sees("● FROZEN")
            await pilot.filters("ann")
            await pilot.loses("Ben")
            await pilot.presses("enter")
            await pilot.sees("ann@example.org")
            await pilot.presses("tab", "end", "escape")
            await pilot.loses("ann@example.org")
            await pilot.presses("escape")
            await pilot.sees("Ben")
        await pilot.presses("q")
        await pilot.until(lambda: not pilot.app.is_running)
    after = dump(db)
    assert len(after) > 10
    assert len(after.pop("consultant_access_log")) == 8, "2 logins, 3 filters, 3 pages"
    assert len(after.pop("failed_logins")) == 1, "of the address, at the sign-in"
    del before["consultant_access_log"], before["failed_logins"]
    assert after == before


async def test_a_refused_access_to_the_next_reader_leaves_neither_reader_on_the_screen(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, db: Database, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    ben.reads("Faust")
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben")
        await pilot.presses("down", "enter")
        await pilot.sees("ben@example.org", "Faust")
        with log_that_refuses(db):
            await pilot.presses("{")
            await gets_to_see_nothing(pilot, "internal error")
            assert not any(data in pilot.screen for data in ("Ben", "Faust"))
        await pilot.presses("}")
        await pilot.sees("Ben Baker (2 of 2)", "Faust")
        assert len(access_log()) == 2


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_while_the_next_access_is_logged_neither_reader_is_shown(
    open_console: OpenConsole,
    ann: ReadingApp,
    ben: ReadingApp,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 3600)
    ann.reads("Dracula")
    ben.reads("Faust")
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org", "Dracula")
        with db.atomic("IMMEDIATE"):
            await pilot.presses("}")
            await pilot.sees("(2 of 2)", "logging the access")
            assert not any(data in pilot.screen for data in ("Ann", "Dracula", "Ben", "Faust"))
        await pilot.sees("Ben Baker (2 of 2)", "Faust")
