"""With --mask the lists tell nobody's name to who looks over a shoulder."""

import pytest
from reading_app import AccessLog, ReadingApp
from textual.widgets import Input
from tui.console_pilot import OpenConsole

from readwatch.store.engine.connections import Database

LISTS = (("1", "State"), ("2", "Time"), ("3", "Last login"))


@pytest.fixture(autouse=True)
def they_read(ann: ReadingApp, ben: ReadingApp) -> None:
    ann.reads("Dracula")
    ben.reads("Faust")


async def test_the_lists_have_initials_until_a_reader_is_opened(
    sit: OpenConsole, access_log: AccessLog
) -> None:
    async with sit(mask=True) as seat:
        for view, title in LISTS:
            await seat.presses(view)
            await seat.sees(title, "A. A.", "B. B.", "● LIVE")
            assert not any(name in seat.screen for name in ("Ann", "Archer", "Ben", "Baker"))
        await seat.presses("1")
        await seat.sees("State", "A. A.", "B. B.")
        await seat.filters("dracula")
        await seat.presses("enter")
        await seat.sees("Ann Archer", "ann@example.org")
        assert [entry.did for entry in access_log()] == ["viewed_reader_profile"]
        await seat.presses("escape")
        await seat.sees("Ann Archer", "Filter")
        await seat.presses("escape")
        await seat.sees("Ann Archer", "B. B.")


async def test_no_filter_finds_by_a_name_that_is_masked(
    sit: OpenConsole, access_log: AccessLog
) -> None:
    async with sit(mask=True) as seat:
        for view, title in LISTS:
            await seat.presses(view)
            await seat.sees(title, "A. A.", "B. B.", "● LIVE")
            await seat.presses(*"/ann")
            await seat.sees("nothing fits: ann")
            await seat.presses("ctrl+u")
            await seat.sees("A. A.", "B. B.")
            await seat.pastes("!name:a")
            await seat.sees("names are masked", "A. A.", "B. B.")
            await seat.presses("escape")
            await seat.loses("names are masked")
            suggester = seat.app.screen.query_one(Input).suggester
            assert await suggester.get_suggestion("full") is None
    assert access_log() == []


async def test_a_name_without_letters_is_masked_too(
    sit: OpenConsole, ann: ReadingApp, db: Database
) -> None:
    db.execute_sql(f"UPDATE users SET full_name = '☂☂ -' WHERE id = {ann.user.id}")
    ann.reads("Dracula")
    async with sit(mask=True) as seat:
        await seat.sees("Dracula")
        assert "☂" not in seat.screen
