"""Groups on the screen: the list, the panel of the group under the cursor, and its readers."""

import pytest
from conftest import Cast, StillClock
from grouped import limit, put_into
from reading_app import AccessLog, ReadingApp, add_readers
from tui.console_pilot import LARGE, OpenConsole

from readwatch.store.engine.connections import Database
from readwatch.store.identity.users import find_user
from readwatch.tui.format.text import BREADCRUMB


@pytest.fixture
def classes(db: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock) -> None:
    """4b has Ann, Ben and three others, 5a only two, and both have read."""
    add_readers(db, clock, 5)
    zoes = [find_user(db, f"Zoe{number}@example.org") for number in range(5)]
    put_into(db, "4b", ann.user, ben.user, *zoes[:3])
    put_into(db, "4b plus", *zoes)
    put_into(db, "5a", *zoes[3:])
    ann.reads("Dracula", 40, duration_seconds=600)
    ben.reads("Dracula", 90, duration_seconds=3000)
    for zoe in zoes:
        ReadingApp(db, zoe, clock).reads("Emma", 10, duration_seconds=1)


@pytest.mark.usefixtures("classes")
async def test_a_group_has_a_row_and_the_one_under_the_cursor_a_panel(
    open_console: OpenConsole,
) -> None:
    async with open_console(size=LARGE) as pilot:
        await pilot.presses("6")
        await pilot.sees("Group ▲", "4b   the last 4 weeks", "minutes a day", "how far, by readers")
        assert pilot.cursor.split()[:6] == ["4b", "5", "5", "5", "1", "h"]
        assert pilot.line("Dracula").split()[:2] == ["Dracula", "2"]
        assert "40 to  59 %" in pilot.screen
        await pilot.presses("down")
        await pilot.sees("4b plus   the last 4 weeks", "0 min")
        await pilot.presses("down")
        await pilot.sees("5a   the last 4 weeks", "no figures: so few have read")
        assert pilot.cursor.split()[:3] == ["5a", "2", "·"]


@pytest.mark.usefixtures("classes")
async def test_enter_shows_the_readers_of_this_group_alone_and_escape_goes_back(
    open_console: OpenConsole,
) -> None:
    async with open_console() as pilot:
        await pilot.presses("3")
        await pilot.sees("Zoe 0004")
        await pilot.filters("zoe")
        await pilot.presses("6")
        await pilot.sees("4b   the last 4 weeks")
        await pilot.presses("enter")
        await pilot.sees("Ann Archer", "Zoe 0002", "/ group=4b", "escape goes back")
        assert "Zoe 0003" not in pilot.screen
        await pilot.presses("escape")
        await pilot.sees("4b   the last 4 weeks")
        await pilot.until(lambda: pilot.cursor.startswith("4b "))
        await pilot.presses("3")
        await pilot.sees("/ zoe", "Zoe 0004", "escape clears")


@pytest.mark.usefixtures("classes")
async def test_a_group_whose_name_has_a_space_is_opened(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.presses("6")
        await pilot.sees("4b plus")
        await pilot.presses("down", "enter")
        await pilot.sees('/ group="4b plus"', "Zoe 0004")
        assert "Ann" not in pilot.screen
        await pilot.presses("3")  # the number of the view keeps the filter and forgets the group
        await pilot.sees('/ group="4b plus"', "escape clears")
        await pilot.presses("escape")
        await pilot.sees("Ann Archer")


@pytest.mark.usefixtures("classes")
async def test_a_reader_of_the_group_is_opened_and_escape_goes_back_step_by_step(
    open_console: OpenConsole,
) -> None:
    async with open_console() as pilot:
        await pilot.presses("6")
        await pilot.sees("4b   the last 4 weeks")
        await pilot.presses("enter")
        await pilot.sees("Ben Baker", "escape goes back")
        await pilot.presses("enter")
        await pilot.sees(f"Readers {BREADCRUMB}")
        await pilot.presses("escape")
        await pilot.sees("escape goes back")
        await pilot.presses("escape")
        await pilot.sees("4b   the last 4 weeks")


@pytest.mark.usefixtures("classes")
async def test_a_consultant_of_a_group_sees_no_other(
    open_console: OpenConsole, db: Database, cast: Cast
) -> None:
    limit(db, cast.cara, "4b")
    async with open_console() as pilot:
        await pilot.presses("6")
        await pilot.sees("4b   the last 4 weeks")
        assert "5a" not in pilot.screen


async def test_without_groups_the_list_says_who_adds_them(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.presses("6")
        await pilot.sees("there are no groups yet")
        assert "the last 4 weeks" not in pilot.screen


@pytest.mark.usefixtures("classes")
async def test_a_frozen_list_has_a_frozen_panel(
    open_console: OpenConsole, ann: ReadingApp, clock: StillClock
) -> None:
    async with open_console(size=LARGE) as pilot:
        await pilot.presses("6")
        await pilot.sees("4b   the last 4 weeks", "Emma")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        ann.reads("Faust", 40)
        clock.advance(seconds=31)
        await pilot.presses("down", "up")
        await pilot.sees("4b   the last 4 weeks", "Emma")
        assert "Faust" not in pilot.screen
        await pilot.presses("p")
        await pilot.sees("● LIVE", "Faust")


@pytest.mark.usefixtures("classes")
async def test_a_key_after_escape_is_the_last_word(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.presses("6")
        await pilot.sees("4b   the last 4 weeks")
        await pilot.presses("enter")
        await pilot.sees("escape goes back")
        await pilot.presses("escape", "1")
        await pilot.sees("Progress     30 min")
        await pilot.presses("3")
        await pilot.sees("Zoe 0004")
        assert "group=" not in pilot.screen


@pytest.mark.usefixtures("classes")
async def test_another_filter_is_another_list_and_escape_clears_it(
    open_console: OpenConsole,
) -> None:
    async with open_console() as pilot:
        await pilot.presses("6")
        await pilot.sees("4b   the last 4 weeks")
        await pilot.presses("enter")
        await pilot.sees("escape goes back")
        await pilot.presses("/", *"zoe")
        await pilot.sees("/ zoe", "escape clears")
        await pilot.presses("enter", "escape")
        await pilot.sees("Ann Archer", "Zoe 0004")
        assert "the last 4 weeks" not in pilot.screen


@pytest.mark.usefixtures("classes")
async def test_a_page_that_is_open_above_the_groups_stays_live_when_the_window_changes(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    async with open_console() as pilot:
        await pilot.presses("6")
        await pilot.sees("4b   the last 4 weeks")
        await pilot.presses("ctrl+p")
        await pilot.types("archer")
        await pilot.sees("Ann Archer")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await pilot.textual.resize_terminal(100, 30)
        ann.reads("Faust", 40)
        await pilot.sees("Faust")


@pytest.mark.usefixtures("classes")
async def test_a_low_terminal_has_rows_and_no_panel(open_console: OpenConsole) -> None:
    async with open_console(size=(80, 14)) as pilot:
        await pilot.presses("6")
        await pilot.sees("4b plus", "5a")
        assert "the last 4 weeks" not in pilot.screen


@pytest.mark.usefixtures("classes")
async def test_the_readers_of_a_group_of_few_are_logged_before_they_are_shown(
    open_console: OpenConsole, access_log: AccessLog
) -> None:
    async with open_console() as pilot:
        await pilot.presses("6")
        await pilot.sees("5a")
        await pilot.presses("end", "enter")
        await pilot.sees("/ group=5a", "Zoe 0004")
        listed = [entry for entry in access_log() if entry.did == "viewed_list"]
        assert len({entry.whom for entry in listed}) == 2
