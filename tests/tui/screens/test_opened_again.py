"""Back and forward through the readers whose pages were opened."""

from conftest import Cast
from reading_app import AccessLog, ReadingApp
from tui.console_pilot import OpenConsole

from readwatch.tui.format.text import BREADCRUMB

ANN, BEN = "ann@example.org", "ben@example.org"


async def test_brackets_go_back_and_forward_through_opened_readers(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, access_log: AccessLog, cast: Cast
) -> None:
    ann.reads()
    ben.reads()
    async with open_console(sort="full_name") as pilot:
        await pilot.sees("Ann Archer", "Ben Baker")
        await pilot.presses("[")  # nothing was opened yet
        await pilot.presses("enter")
        await pilot.sees(ANN)
        await pilot.presses("escape")
        await pilot.sees("State")
        await pilot.presses("down", "enter")
        await pilot.sees(BEN)
        await pilot.presses("]")
        await pilot.sees("no reader was opened after")
        await pilot.presses("[")
        await pilot.sees(f"Online {BREADCRUMB} Ann Archer (1 of 2)", ANN)
        await pilot.presses("[")
        await pilot.sees("no reader was opened before", ANN)
        await pilot.presses("]")
        await pilot.sees(BEN)
        await pilot.presses("3")
        await pilot.sees("Last login")
        await pilot.presses("[")
        await pilot.sees(BEN)
        await pilot.presses("escape")
        await pilot.sees("Last login", "LIVE")
    opened = [it.whom for it in access_log() if it.did == "viewed_reader_profile"]
    first, second = cast.ann.id, cast.ben.id
    assert opened == [first, second, first, second, second]


async def test_a_reader_opened_from_before_ends_the_way_forward(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads()
    ben.reads()
    async with open_console(sort="full_name") as pilot:
        await pilot.sees("Ann Archer", "Ben Baker")
        await pilot.presses("enter")
        await pilot.sees(ANN)
        await pilot.presses("}")
        await pilot.sees(BEN)
        await pilot.presses("[")
        await pilot.sees(ANN)
        await pilot.presses("}")
        await pilot.sees(BEN)
        await pilot.presses("]")
        await pilot.sees("no reader was opened after")
