"""A consultant opens one reader: on record first, then shown, live, and back."""

import re

import pytest
from conftest import Cast, StillClock
from tui.people import AccessLog, Entry, ReadingApp
from tui.seat import LARGE, SMALL, Sit

from readwatch.store.database import Database


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_enter_opens_the_reader_under_the_cursor_and_that_is_on_record_by_then(
    sit: Sit,
    cast: Cast,
    ann: ReadingApp,
    ben: ReadingApp,
    access_log: AccessLog,
    size: tuple[int, int],
) -> None:
    ann.reads()
    ben.reads("Faust")
    async with sit(size=size) as seat:
        await seat.sees("Ann", "Ben")
        await seat.presses("down", "enter")
        await seat.sees("ben@example.org", "Faust")
        assert access_log() == [
            Entry(cast.cara.id, "viewed_reader_profile", cast.ben.id, "console, from online")
        ]
        assert "Ann" not in seat.screen


@pytest.mark.parametrize(
    ("view", "name", "title"),
    [("1", "online", "Ago"), ("2", "activity", "Time"), ("3", "readers", "Titles")],
)
async def test_the_record_says_in_which_list_the_reader_was_seen(
    sit: Sit,
    cast: Cast,
    ann: ReadingApp,
    access_log: AccessLog,
    view: str,
    name: str,
    title: str,
) -> None:
    ann.reads()
    async with sit() as seat:
        await seat.presses(view)
        await seat.until(lambda: title in seat.lines[2] and "Ann" in seat.cursor)
        await seat.presses("enter")
        await seat.sees("ann@example.org")
        assert [(entry.whom, entry.where) for entry in access_log()] == [
            (cast.ann.id, f"console, from {name}")
        ]


async def test_the_page_shows_profile_books_sessions_and_activities(
    sit: Sit, ann: ReadingApp, db: Database, clock: StillClock
) -> None:
    db.execute_sql("UPDATE reader_profiles SET reading_level = 'B1', timezone = 'Asia/Tokyo'")
    ann.logs_in("tablet")
    ann.reads("Moby-Dick", progress=25, duration_seconds=4000)
    clock.advance(minutes=20)
    ann.sends_a_heartbeat()
    ann.logs_out()
    ann.logs_in("phone")
    ann.reads("Dracula", progress=100, activity_type="quiz_completed", metadata={"score": 80})
    async with sit(size=LARGE) as seat:
        await seat.presses("3")
        await seat.sees("1 h 07")
        await seat.presses("enter")
        await seat.sees("Ann Archer   ● reading   ann@example.org", "B1   en   Sun 21:20 there")
        await seat.sees("1 h 07 of reading   2 sessions   2 titles   last login now")
        book = seat.line("━━┄┄┄┄  25%")
        assert "Moby-Dick" in book
        assert "1 h 06" in book
        assert "20 min" in book
        assert "━━━━━━ 100%" in seat.line("Dracula")
        assert '{"score":80}' in seat.line("quiz completed")
        assert "66:40" in seat.line("page read")
        assert re.search(r" 20  tablet +ended", seat.line("tablet"))
        assert re.search(r" 0  phone +active", seat.line("phone"))


async def test_the_page_is_live_while_it_is_open_and_stays_one_entry(
    sit: Sit, ann: ReadingApp, access_log: AccessLog, clock: StillClock
) -> None:
    ann.reads("Dracula", progress=10)
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("enter")
        await seat.sees("ann@example.org")
        for progress in range(11, 16):
            clock.advance(seconds=30)
            ann.reads("Dracula", progress=progress)
            await seat.sees(f"{progress}%", "● LIVE")
        ann.reads("Faust")
        ann.logs_out()
        await seat.sees("· offline", "2 titles", "Faust")
        assert len(access_log()) == 1


async def test_the_cursor_stays_on_its_book_when_another_is_read(
    sit: Sit, ann: ReadingApp, clock: StillClock
) -> None:
    ann.reads("Dracula")
    clock.advance(minutes=1)
    ann.reads("Faust")
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("enter")
        await seat.sees("ann@example.org")
        assert [line[2:9] for line in seat.lines[6:8]] == ["Faust  ", "Dracula"]
        clock.advance(minutes=1)
        ann.reads("Dracula")
        await seat.until(lambda: "Dracula" in seat.lines[6])
        assert seat.lines[7].startswith("▌ Faust")


async def test_escape_goes_back_to_the_same_reader_and_the_list_goes_on(
    sit: Sit, ann: ReadingApp, ben: ReadingApp
) -> None:
    async with sit() as seat:
        await seat.presses("3")
        await seat.sees("Ann", "Ben")
        await seat.presses("down", "enter")
        await seat.sees("ben@example.org", "no activities yet")
        ben.reads("Faust")
        await seat.sees("Faust")
        await seat.presses("escape")
        await seat.sees("Ann", "Ben", "Last login ▲", "1 online")
        assert "Ben" in seat.cursor
        assert "Faust" not in seat.screen
        ann.logs_in()
        await seat.sees("2 online")


async def test_each_opening_is_an_entry(sit: Sit, ann: ReadingApp, access_log: AccessLog) -> None:
    ann.reads()
    async with sit() as seat:
        await seat.sees("Ann")
        for openings in 1, 2, 3:
            await seat.presses("enter")
            await seat.sees("ann@example.org")
            assert len(access_log()) == openings
            await seat.presses("escape")
            await seat.sees("Reader ▲")


async def test_keys_pressed_twice_open_and_leave_once(
    sit: Sit, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads()
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("enter", "enter")
        await seat.sees("ann@example.org")
        await seat.presses("enter")
        await seat.presses("escape", "escape")
        await seat.sees("Reader ▲", "● LIVE", "Ann")
        assert len(access_log()) == 1


async def test_a_number_goes_from_the_page_straight_to_that_list(sit: Sit, ann: ReadingApp) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        for number, words in (
            ("2", "Time "),
            ("1", "Reading"),
            ("1", "Reading"),
            ("3", "Sessions"),
        ):
            await seat.until(lambda: "Ann" in seat.cursor)
            await seat.presses("enter")
            await seat.sees("ann@example.org")
            await seat.presses(number)
            await seat.loses("ann@example.org")
            await seat.sees(words, "● LIVE")


async def test_the_help_can_be_called_over_the_page_which_lives_on_below(
    sit: Sit, ann: ReadingApp
) -> None:
    ann.reads("Dracula", progress=10)
    async with sit(size=LARGE) as seat:
        await seat.sees("Ann")
        await seat.presses("enter")
        await seat.sees("ann@example.org")
        await seat.presses("?")
        await seat.sees("escape closes")
        ann.reads("Dracula", progress=99)
        await seat.presses("escape")
        await seat.sees("ann@example.org", "99%")


async def test_a_reader_of_a_frozen_picture_can_be_opened(sit: Sit, ann: ReadingApp) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("p")
        await seat.sees("FROZEN")
        await seat.presses("enter")
        await seat.sees("ann@example.org", "● LIVE")


async def test_a_reader_who_left_under_the_cursor_can_still_be_opened(
    sit: Sit, ann: ReadingApp
) -> None:
    ann.reads()
    async with sit() as seat:
        await seat.sees("Ann")
        ann.logs_out()
        await seat.sees("0 online")
        await seat.presses("enter")
        await seat.sees("ann@example.org", "· offline")


async def test_a_reader_whose_account_is_deleted_is_shown_no_longer(
    sit: Sit, ann: ReadingApp, db: Database, clock: StillClock
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("enter")
        await seat.sees("ann@example.org", "Dracula")
        db.execute_sql(
            "UPDATE users SET deleted_at = CURRENT_TIMESTAMP WHERE email = 'ann@example.org'"
        )
        await seat.sees("is not shown", "there is no user", "escape goes back")
        assert "Dracula" not in seat.screen
        await seat.presses("escape")
        await seat.sees("Reader ▲", "● LIVE")


async def test_a_reader_is_not_taken_for_the_one_whose_row_has_the_same_number_elsewhere(
    sit: Sit, cast: Cast, ann: ReadingApp, ben: ReadingApp, access_log: AccessLog
) -> None:
    """The first activity is Ben's, the first reader is Ann; both are number 1."""
    ben.reads("Faust")
    ann.logs_in()
    async with sit() as seat:
        await seat.presses("2")
        await seat.sees("Faust")
        await seat.presses("1")
        await seat.sees("Ann", "Ben", "Reader ▲")
        await seat.presses("enter", "2")
        await seat.sees("Time ")
        await seat.pilot.pause()
        assert cast.ben.id not in [entry.whom for entry in access_log()]
