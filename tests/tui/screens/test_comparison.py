"""Two readers side by side: marked in a list, logged, and live."""

import pytest
from conftest import Cast, StillClock
from grouped import limit, put_into
from reading_app import AccessLog, ReadingApp
from tui.console_pilot import LARGE, SMALL, OpenConsole
from tui.test_access_log import log_that_refuses

from readwatch.store.engine.connections import Database
from readwatch.tui.format.text import BREADCRUMB


@pytest.fixture
def evening(ann: ReadingApp, ben: ReadingApp, clock: StillClock) -> None:
    """Ann has read for 30 minutes, Ben for 10; both Dracula, and Ben also Momo, badly."""
    ann.reads("Dracula", 60)
    ben.reads("Dracula", 20)
    for _ in range(10):
        clock.advance(minutes=1)
        ben.sends_a_heartbeat()
    ben.reads("Momo", 10, activity_type="quiz_completed", metadata='{"score":40}')
    clock.advance(minutes=2)
    ann.sends_a_heartbeat()
    ben.sends_a_heartbeat()


@pytest.mark.usefixtures("evening")
@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_two_marked_readers_are_side_by_side_and_both_are_logged(
    open_console: OpenConsole, access_log: AccessLog, cast: Cast, size: tuple[int, int]
) -> None:
    async with open_console(size=size, sort="full_name") as pilot:
        await pilot.sees("Ann Archer", "Ben Baker")
        await pilot.presses("space", "space")
        await pilot.until(lambda: pilot.screen.count("•") == 2)
        await pilot.presses("C")
        await pilot.sees(f"Online {BREADCRUMB} comparison", "Ann Archer", "12 min", "books", "60%")
        assert "20%" in pilot.line("Dracula")
        last_two = access_log()[-2:]
        assert {(it.did, it.whom) for it in last_two} == {
            ("viewed_reader_profile", cast.ann.id),
            ("viewed_reader_profile", cast.ben.id),
        }
        assert all(it.where.endswith("from online, compared") for it in last_two)
        await pilot.presses("escape")
        await pilot.sees("LIVE", "Ann Archer", "•")
        await pilot.presses("home", "space")
        await pilot.until(lambda: pilot.screen.count("•") == 1)


@pytest.mark.usefixtures("evening")
async def test_a_marked_reader_is_compared_with_the_one_under_the_cursor(
    open_console: OpenConsole,
) -> None:
    async with open_console(sort="full_name") as pilot:
        await pilot.sees("Ann Archer", "Ben Baker")
        await pilot.presses("C")
        await pilot.sees("mark two readers with space")
        await pilot.presses("space", "C")
        await pilot.sees("comparison", "Ann Archer", "Ben Baker")
        await pilot.presses("3")
        await pilot.sees("Last login", "Ben Baker")
        assert "•" in pilot.line("Ann Archer"), "a mark is the same in all lists"


@pytest.mark.usefixtures("evening")
async def test_a_comparison_is_live(
    open_console: OpenConsole, ben: ReadingApp, clock: StillClock
) -> None:
    async with open_console(sort="full_name") as pilot:
        await pilot.sees("Ann Archer", "Ben Baker")
        await pilot.presses("space", "space", "C")
        await pilot.sees("comparison", "20%")
        clock.advance(seconds=5)
        ben.reads("Dracula", 21)
        await pilot.sees("21%")


@pytest.mark.usefixtures("evening")
async def test_without_entries_nothing_is_compared(
    open_console: OpenConsole, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console(sort="full_name") as pilot:
        await pilot.sees("Ann Archer", "Ben Baker")
        with log_that_refuses(db):
            await pilot.presses("space", "space", "C")
            await pilot.sees("These readers' data is not shown", "could not be logged")
        await pilot.presses("escape")
        await pilot.sees("Ann Archer", "LIVE")


@pytest.mark.usefixtures("evening")
async def test_a_reader_who_leaves_the_groups_of_the_consultant_leaves_the_screen(
    open_console: OpenConsole, db: Database, cast: Cast
) -> None:
    put_into(db, "4b", cast.ann)
    async with open_console(sort="full_name") as pilot:
        await pilot.sees("Ann Archer", "Ben Baker")
        await pilot.presses("space", "space", "C")
        await pilot.sees("comparison", "Dracula")
        limit(db, cast.cara, "4b")
        await pilot.sees("These readers' data is not shown")
        assert "Dracula" not in pilot.screen


@pytest.mark.usefixtures("evening")
async def test_with_masked_names_the_two_have_names_from_then_on(
    open_console: OpenConsole,
) -> None:
    async with open_console(size=LARGE, mask=True) as pilot:
        await pilot.sees("A. A.", "B. B.")
        await pilot.presses("space", "space", "C")
        await pilot.sees("Ann Archer", "Ben Baker", "comparison")
        await pilot.presses("escape")
        await pilot.sees("Ann Archer", "Ben Baker", "State")
