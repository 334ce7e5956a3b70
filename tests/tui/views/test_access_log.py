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
async def test_a_consultant_sees_their_own_looks_alone_and_that_is_no_look(
    sit: OpenConsole, access_log: AccessLog
) -> None:
    before = access_log()
    async with sit() as seat:
        await seat.sees("● LIVE")
        await seat.presses("5")
        await seat.sees("Access log", "x2 ", "Cara Cook", "viewed reader profile", "Ann Archer")
        assert "Dora" not in seat.screen
        assert seat.screen.count("viewed") == 1
    assert access_log() == before


@on_both_engines
async def test_an_admins_look_at_everybodys_entries_is_on_record_once_each_time_it_is_opened(
    sit: OpenConsole, cast: Cast, access_log: AccessLog
) -> None:
    async with sit(who=cast.dora) as seat:
        await seat.sees("● LIVE")
        await seat.presses("5")
        await seat.sees("Cara Cook", "Dora Dyer", "listed access log")
        assert access_log()[3:] == [Entry(cast.dora.id, *EVERYBODYS)]
        await seat.filters("consultant:cara")
        await seat.loses("listed")
        await seat.presses("5")
        await seat.sees("Cara", "● LIVE")
        assert len(access_log()) == 4
        await seat.presses("1")
        await seat.sees("nobody is online")
        await seat.presses("5")
        await seat.sees("Cara")
    assert access_log()[4:] == [Entry(cast.dora.id, *EVERYBODYS)]


async def test_nothing_of_it_is_shown_when_that_cannot_be_put_on_record(
    sit: OpenConsole, cast: Cast, db: Database, access_log: AccessLog
) -> None:
    async with sit(who=cast.dora) as seat:
        await seat.sees("● LIVE")
        with log_that_refuses(db):
            await seat.presses("5")
            await seat.sees("the access log is not shown", "nobody is online")
            assert "Cara" not in seat.screen
        await seat.presses("5")
        await seat.sees("Cara Cook", "listed access log")
    assert len(access_log()) == 4


async def test_a_row_opens_its_reader_and_one_without_a_reader_opens_nothing(
    sit: OpenConsole, cast: Cast, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with sit(who=cast.dora) as seat:
        await seat.sees("Ann")
        await seat.presses("5")
        await seat.sees("listed access log")
        await seat.presses("home", "enter")
        await seat.presses("down", "enter")
        await seat.sees("Access log", "ann@example.org", "Dracula")
        told = Entry(cast.dora.id, "viewed_reader_profile", cast.ann.id, "console, from access log")
        assert access_log()[4:] == [told]
        await seat.presses("escape")
        await seat.sees("listed access log")
        assert len(access_log()) == 5


async def test_names_are_masked_there_too_but_not_those_of_staff(sit: OpenConsole) -> None:
    async with sit(size=LARGE, mask=True) as seat:
        await seat.sees("● LIVE")
        await seat.presses("5")
        await seat.sees("Cara Cook", "A. A.")
        assert "Ann" not in seat.screen


async def test_whoever_sits_here_next_sees_nothing_of_it(
    sit: OpenConsole, cast: Cast, db: Database
) -> None:
    async with sit(who=cast.dora) as seat:
        await seat.sees("● LIVE")
        await seat.presses("5")
        await seat.sees("listed access log")
        db.execute_sql("UPDATE users SET is_active = FALSE WHERE user_role = 'admin'")
        await seat.sees("Password")
        await seat.signs_in(cast.cara.email, PASSWORD)
        await seat.sees("Cara Cook (consultant)", "x2 ")
        assert "Dora" not in seat.screen


async def test_the_console_can_begin_with_it(
    sit: OpenConsole, cast: Cast, access_log: AccessLog
) -> None:
    async with sit(who=cast.dora, view="access_log") as seat:
        await seat.sees("Cara Cook", "listed access log")
    assert access_log()[3:] == [Entry(cast.dora.id, *EVERYBODYS)]
