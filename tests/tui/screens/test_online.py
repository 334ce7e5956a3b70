"""Online on the screen: the strip of totals above the list."""

from datetime import timedelta

from conftest import StillClock
from reading_app import ReadingApp
from tui.console_pilot import LARGE, OpenConsole


async def test_a_wide_terminal_has_a_strip_of_totals_above_the_list(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    async with open_console(size=LARGE) as pilot:
        await pilot.sees("● 1 reading", "1 logged in, 0 left in 5 min", "1 activity today")
        ben.reads()
        clock.advance(seconds=2)
        await pilot.sees("● 2 reading")
        await pilot.presses("T")
        await pilot.types("1h")
        await pilot.presses("enter")
        await pilot.sees("PAST", "0 readers, by their sessions")
        assert "logged in, " not in pilot.screen, "the totals are of now"
        await pilot.presses("2")
        await pilot.sees("as of")
        assert "logged in, " not in pilot.screen


async def test_eighty_columns_have_the_list_alone(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads()
    async with open_console() as pilot:
        await pilot.sees("Ann Archer")
        assert "logged in, " not in pilot.screen
        await pilot.textual.resize_terminal(120, 40)
        await pilot.sees("1 logged in", "Ann Archer")


async def test_a_frozen_list_keeps_its_totals(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    async with open_console(size=LARGE) as pilot:
        await pilot.sees("● 1 reading")
        await pilot.presses("p")
        await pilot.sees("FROZEN")
        ben.reads()
        clock.moment += timedelta(seconds=3)
        await pilot.sees("FROZEN, 1 new")
        assert "● 1 reading" in pilot.screen
