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
    open_console: OpenConsole, access_log: AccessLog
) -> None:
    async with open_console(mask=True) as pilot:
        for view, title in LISTS:
            await pilot.presses(view)
            await pilot.sees(title, "A. A.", "B. B.", "● LIVE")
            assert not any(name in pilot.screen for name in ("Ann", "Archer", "Ben", "Baker"))
        await pilot.presses("1")
        await pilot.sees("State", "A. A.", "B. B.")
        await pilot.filters("dracula")
        await pilot.presses("enter")
        await pilot.sees("Ann Archer", "ann@example.org")
        assert [entry.did for entry in access_log()] == ["viewed_list", "viewed_reader_profile"]
        await pilot.presses("escape")
        await pilot.sees("Ann Archer", "Filter")
        await pilot.presses("escape")
        await pilot.sees("Ann Archer", "B. B.")


async def test_no_filter_finds_by_a_name_that_is_masked(
    open_console: OpenConsole, access_log: AccessLog
) -> None:
    async with open_console(mask=True) as pilot:
        for view, title in LISTS:
            await pilot.presses(view)
            await pilot.sees(title, "A. A.", "B. B.", "● LIVE")
            await pilot.presses("/")
            await pilot.pastes("ann")
            await pilot.sees("nothing matches ann")
            await pilot.presses("ctrl+u")
            await pilot.sees("A. A.", "B. B.")
            await pilot.pastes("!name:a")
            await pilot.sees("names are masked", "A. A.", "B. B.")
            await pilot.presses("escape")
            await pilot.loses("names are masked")
            suggester = pilot.app.screen.query_one(Input).suggester
            assert suggester
            assert await suggester.get_suggestion("full") is None
    assert access_log() == []


async def test_a_name_without_letters_is_masked_too(
    open_console: OpenConsole, ann: ReadingApp, db: Database
) -> None:
    db.execute_sql(f"UPDATE users SET full_name = '☂☂ -' WHERE id = {ann.user.id}")
    ann.reads("Dracula")
    async with open_console(mask=True) as pilot:
        await pilot.sees("Dracula")
        assert "☂" not in pilot.screen
