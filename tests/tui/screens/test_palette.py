"""The palette: readers by name, and all that the console can do."""

from datetime import timedelta
from pathlib import Path

import pytest
from conftest import StillClock
from reading_app import AccessLog, ReadingApp
from tui.console_pilot import LARGE, SMALL, OpenConsole
from tui.test_hostile_text import HOSTILE, check, mallories

from readwatch.store.engine.connections import Database
from readwatch.store.lists.readers import readers_named
from readwatch.tui.screens.reader import BREADCRUMB


async def test_a_reader_is_found_by_some_letters_and_opened_on_record(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp, access_log: AccessLog
) -> None:
    async with sit() as seat:
        await seat.sees("● LIVE")
        await seat.presses("ctrl+p", *"ARCHR", "enter")
        await seat.sees(f"Palette {BREADCRUMB} Ann Archer (1 of 1)", "ann@example.org")
        [look] = access_log()
        assert (look.did, look.whom) == ("viewed_reader_profile", ann.user.id)
        assert "from palette" in look.where
        await seat.presses("ctrl+p", *"ben", "enter")
        await seat.sees(f"Palette {BREADCRUMB} Ben Baker")
        assert len(access_log()) == 2
        await seat.presses("escape")
        await seat.sees("nobody is online", "● LIVE")


async def test_it_offers_what_can_be_done_here_and_does_it(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("ctrl+p")
        await seat.sees("Readers", "Freeze", "hold the picture, or go on (p)")
        await seat.types("screenshot")  # would copy data unrecorded
        await seat.sees("no matches")
        await seat.presses("ctrl+u")
        await seat.types("freez")
        await seat.presses("enter")
        await seat.sees("● FROZEN")
        await seat.presses("ctrl+p", *"readers", "enter")
        await seat.sees("Last login", "● LIVE")
        await seat.presses("ctrl+p", *"filter", "enter")
        await seat.sees("type a filter")
        await seat.types("ann")
        await seat.loses("Ben")


async def test_it_brings_a_view_with_a_name_back(sit: OpenConsole, tmp_path: Path) -> None:
    async with sit(preferences_folder=tmp_path) as seat:
        await seat.presses("3")
        await seat.sees("Last login", "● LIVE")
        await seat.presses("v")
        await seat.sees("its name")
        await seat.types("[/] round")
        await seat.presses("enter")
        await seat.sees("its name", "[/] round ")
        await seat.presses("escape")
        await seat.loses("escape closes")
        await seat.presses("1")
        await seat.sees("nobody is online")
        await seat.presses("ctrl+p", *"round")
        await seat.sees("[/] round")
        await seat.presses("enter")
        await seat.sees("Last login", "Ann", "Ben", "● LIVE")
        await seat.presses(*"/ann")
        await seat.sees("1 match")
        await seat.presses("ctrl+p", *"round")
        await seat.sees("[/] round")
        await seat.presses("enter")
        await seat.sees("Ben", "Ann", "● LIVE")
        await seat.presses("down")
        await seat.until(lambda: "Ben" in seat.cursor)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_names_that_look_like_markup_neither_break_it_nor_act(
    sit: OpenConsole, db: Database, clock: StillClock, size: tuple[int, int]
) -> None:
    mallories(db, clock, ("markup", "an action", "colours", "an override", "wide", "nothing"))
    async with sit(size=size) as seat:
        await seat.sees("● LIVE")
        for words, name in (
            ("[/]", "[/]"),
            ("[@click=app.quit", HOSTILE["an action"]),
            ("31mb", "a␛["),
        ):
            await seat.presses("ctrl+p")
            await seat.sees("enter chooses")
            await seat.types(words)
            await seat.sees(name, ", last login")
            check(seat)
            row = seat.line_number("last login")
            frame = seat.lines[row].index("\N{BOX DRAWINGS LIGHT VERTICAL}")
            await seat.pilot.click(offset=(frame + 3, row))
            await seat.sees(f"Palette {BREADCRUMB}", "of reading")
            await seat.presses("escape")
            await seat.sees("● LIVE", "30 min")


async def test_it_tells_no_masked_name(
    sit: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    async with sit(mask=True) as seat:
        await seat.presses("ctrl+p")
        await seat.sees("Commands (masked)")
        await seat.types("archer")
        await seat.sees("no matches")
        await seat.presses("enter")
        await seat.sees("no matches")
    assert access_log() == []


async def test_nothing_of_it_is_seen_while_the_screen_is_covered(
    sit: OpenConsole, ann: ReadingApp, clock: StillClock
) -> None:
    async with sit(lock_after=timedelta(minutes=10)) as seat:
        await seat.presses("ctrl+p", *"ann")
        await seat.sees("Ann Archer")
        clock.advance(minutes=11)
        await seat.loses("Ann Archer")
        await seat.presses("ctrl+p", *"ann")
        await seat.sees("assword")
        assert "Ann" not in seat.screen


@pytest.mark.usefixtures("cast")
def test_of_many_readers_the_first_by_name_are_found(db: Database, clock: StillClock) -> None:
    def names(*words: str, length: int = 20) -> list[str]:
        return [r.full_name for r in readers_named(db, words, clock(), length=length)]

    assert names("a") == ["Ann Archer", "Ben Baker"]
    assert names("a", length=1) == ["Ann Archer"]
    assert names("BAKR", "ben") == ["Ben Baker"]
    assert names("cara") == [], "consultants are no readers"
