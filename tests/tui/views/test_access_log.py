"""The access log as a list: consultants see their own looks, admins everybody's, on record."""

import pytest
from conftest import PASSWORD, Cast, StillClock, on_both_engines
from reading_app import AccessLog, Entry, ReadingApp
from tui.console_pilot import LARGE, OpenConsole
from tui.test_access_log import log_that_refuses

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database

EVERYBODYS = ("listed_access_log", None, "console, everybody's entries")


@pytest.fixture(autouse=True)
def they_looked(db: Database, cast: Cast, clock: StillClock) -> None:
    """Dora, and then Cara, twice, opened Ann's page."""
    for who in (cast.dora, cast.cara, cast.cara):
        look = AuditEvent(
            who.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id, "console, from online"
        )
        log_event(db, look, clock.advance(minutes=1))


@on_both_engines
async def test_a_consultant_sees_only_their_own_entries_which_is_not_logged(
    open_console: OpenConsole, access_log: AccessLog
) -> None:
    before = access_log()
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("5")
        await pilot.sees("5 Log", "x2 ", "Cara Cook", "viewed reader profile", "Ann Archer")
        assert "Dora" not in pilot.screen
        assert pilot.screen.count("viewed") == 1
    assert access_log() == before


@on_both_engines
async def test_an_admins_access_to_all_entries_is_logged_each_time_the_list_is_opened(
    open_console: OpenConsole, cast: Cast, access_log: AccessLog
) -> None:
    def openings() -> list[Entry]:
        return [entry for entry in access_log()[3:] if entry.did != "viewed_list"]

    async with open_console(who=cast.dora) as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("5")
        await pilot.sees("Cara Cook", "Dora Dyer", "listed access log")
        assert openings() == [Entry(cast.dora.id, *EVERYBODYS)]
        await pilot.filters("consultant:cara")
        await pilot.loses("listed")
        await pilot.presses("5")
        await pilot.sees("Cara", "● LIVE")
        assert len(openings()) == 1
        await pilot.presses("1")
        await pilot.sees("nobody is online")
        await pilot.presses("5")
        await pilot.sees("Cara")
    assert openings()[1:] == [Entry(cast.dora.id, *EVERYBODYS)]


async def test_nothing_of_it_is_shown_when_that_cannot_be_logged(
    open_console: OpenConsole, cast: Cast, db: Database, access_log: AccessLog
) -> None:
    async with open_console(who=cast.dora) as pilot:
        await pilot.sees("● LIVE")
        with log_that_refuses(db):
            await pilot.presses("5")
            await pilot.sees("the access log is not shown", "nobody is online")
            assert "Cara" not in pilot.screen
        await pilot.presses("5")
        await pilot.sees("Cara Cook", "listed access log")
    assert len(access_log()) == 4


async def test_a_row_opens_its_reader_and_one_without_a_reader_opens_nothing(
    open_console: OpenConsole, cast: Cast, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with open_console(who=cast.dora) as pilot:
        await pilot.sees("Ann")
        await pilot.presses("5")
        await pilot.sees("listed access log")
        await pilot.presses("home", "enter")
        await pilot.presses("down", "enter")
        await pilot.sees("Access log", "ann@example.org", "Dracula")
        told = Entry(cast.dora.id, "viewed_reader_profile", cast.ann.id, "console, from access log")
        assert access_log()[4:] == [told]
        await pilot.presses("escape")
        await pilot.sees("listed access log")
        assert len(access_log()) == 5


async def test_names_are_masked_there_too_but_not_those_of_staff(open_console: OpenConsole) -> None:
    async with open_console(size=LARGE, mask=True) as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("5")
        await pilot.sees("Cara Cook", "A. A.")
        assert "Ann" not in pilot.screen


async def test_the_next_consultant_sees_nothing_of_it(
    open_console: OpenConsole, cast: Cast, db: Database
) -> None:
    async with open_console(who=cast.dora) as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("5")
        await pilot.sees("listed access log")
        db.execute_sql("UPDATE users SET is_active = FALSE WHERE user_role = 'admin'")
        await pilot.sees("Password")
        await pilot.logs_in(cast.cara.email, PASSWORD)
        await pilot.sees("Cara Cook (consultant)", "x2 ")
        assert "Dora" not in pilot.screen


async def test_the_console_can_begin_with_it(
    open_console: OpenConsole, cast: Cast, access_log: AccessLog
) -> None:
    async with open_console(who=cast.dora, view="access_log") as pilot:
        await pilot.sees("Cara Cook", "listed access log")
    assert access_log()[3:] == [Entry(cast.dora.id, *EVERYBODYS)]
