"""The palette: readers by name, and all that the console can do."""

from datetime import timedelta
from pathlib import Path

from conftest import StillClock
from reading_app import AccessLog, ReadingApp
from tui.console_pilot import OpenConsole
from tui.test_hostile_text import HOSTILE, check, mallories

from readwatch.store.engine.connections import Database
from readwatch.tui.format.text import BREADCRUMB


async def test_a_reader_is_found_by_some_letters_and_opened_logged(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, access_log: AccessLog
) -> None:
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("ctrl+p", *"ARCHR", "enter")
        await pilot.sees(f"Palette {BREADCRUMB} Ann Archer (1 of 1)", "ann@example.org")
        assert {(entry.did, entry.whom) for entry in access_log()} == {
            ("viewed_list", ann.user.id),
            ("viewed_reader_profile", ann.user.id),
        }
        assert "from palette" in access_log()[-1].where
        await pilot.presses("ctrl+p", *"ben", "enter")
        await pilot.sees(f"Palette {BREADCRUMB} Ben Baker")
        assert [entry.whom for entry in access_log()] == [ann.user.id] * 2 + [ben.user.id] * 2
        await pilot.presses("escape")
        await pilot.sees("nobody is online", "● LIVE")


async def test_it_offers_what_can_be_done_here_and_does_it(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("ctrl+p")
        await pilot.sees("Readers", "Filter", "only rows that match (/)")
        await pilot.types("screenshot")  # would copy data unrecorded
        await pilot.sees("no matches")
        await pilot.presses("ctrl+u")
        await pilot.types("freez")
        await pilot.presses("enter")
        await pilot.sees("● FROZEN")
        await pilot.presses("ctrl+p", *"readers", "enter")
        await pilot.sees("Last login", "● LIVE")
        await pilot.presses("ctrl+p", *"filter", "enter")
        await pilot.sees("type a filter")
        await pilot.types("ann")
        await pilot.loses("Ben")


async def test_it_brings_a_view_with_a_name_back(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console(preferences_folder=tmp_path) as pilot:
        await pilot.presses("3")
        await pilot.sees("Last login", "● LIVE")
        await pilot.presses("v")
        await pilot.sees("name; enter saves")
        await pilot.types("[/] round")
        await pilot.presses("enter")
        await pilot.sees("name; enter saves", "[/] round ")
        await pilot.presses("escape")
        await pilot.loses("escape closes")
        await pilot.presses("1")
        await pilot.sees("nobody is online")
        await pilot.presses("ctrl+p", *"round")
        await pilot.sees("[/] round")
        await pilot.presses("enter")
        await pilot.sees("Last login", "Ann", "Ben", "● LIVE")
        await pilot.presses(*"/ann")
        await pilot.sees("1 match")
        await pilot.presses("ctrl+p", *"round")
        await pilot.sees("[/] round")
        await pilot.presses("enter")
        await pilot.sees("Ben", "Ann", "● LIVE")
        await pilot.presses("down")
        await pilot.until(lambda: "Ben" in pilot.cursor)


async def test_names_that_look_like_markup_neither_break_it_nor_act(
    open_console: OpenConsole, db: Database, clock: StillClock
) -> None:
    mallories(db, clock, ("markup", "an action", "colours", "an override", "wide", "nothing"))
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        for words, name in (
            ("[/]", "[/]"),
            ("[@click=app.quit", HOSTILE["an action"]),
            ("31mb", "a␛["),
        ):
            await pilot.presses("ctrl+p")
            await pilot.sees("enter chooses")
            await pilot.types(words)
            await pilot.sees(name, ", last login")
            check(pilot)
            row = pilot.line_number("last login")
            frame = pilot.lines[row].index("\N{BOX DRAWINGS LIGHT VERTICAL}")
            await pilot.textual.click(offset=(frame + 3, row))
            await pilot.sees(f"Palette {BREADCRUMB}", "of reading")
            await pilot.presses("escape")
            await pilot.sees("● LIVE", "30 min")


async def test_it_tells_no_masked_name(
    open_console: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    async with open_console(mask=True) as pilot:
        await pilot.presses("ctrl+p")
        await pilot.sees("Commands (masked)")
        await pilot.types("archer")
        await pilot.sees("no matches")
        await pilot.presses("enter")
        await pilot.sees("no matches")
    assert access_log() == []


async def test_nothing_of_it_is_seen_while_the_screen_is_locked(
    open_console: OpenConsole, ann: ReadingApp, clock: StillClock
) -> None:
    async with open_console(lock_after=timedelta(minutes=10)) as pilot:
        await pilot.presses("ctrl+p", *"ann")
        await pilot.sees("Ann Archer")
        clock.advance(minutes=11)
        await pilot.loses("Ann Archer")
        await pilot.presses("ctrl+p", *"ann")
        await pilot.sees("assword")
        assert "Ann" not in pilot.screen
