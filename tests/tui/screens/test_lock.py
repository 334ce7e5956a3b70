"""A console that nobody sits at shows nothing, until the same person is back."""

from datetime import timedelta

import pytest
from conftest import PASSWORD, Cast, StillClock, on_both_engines
from reading_app import AccessLog, Entry, ReadingApp
from tui.console_pilot import LARGE, ConsolePilot, OpenConsole

from readwatch.store.engine.connections import Database

TEN_MINUTES = timedelta(minutes=10)


async def is_covered(seat: ConsolePilot) -> None:
    await seat.sees("╭", "readwatch is locked", "Cara Cook can unlock it", "Password")
    assert not any(behind in seat.screen for behind in ("Ann", "Dracula", "LIVE", "Online"))


async def uncovers(seat: ConsolePilot, password: str = PASSWORD) -> None:
    await seat.types(password)
    await seat.presses("enter")


def failures(access_log: AccessLog) -> int:
    return [entry.did for entry in access_log()].count("failed_login")


@pytest.mark.parametrize("size", [(80, 24), LARGE])
async def test_after_ten_idle_minutes_nothing_is_painted_until_the_password_is_given(
    sit: OpenConsole,
    cast: Cast,
    ann: ReadingApp,
    clock: StillClock,
    access_log: AccessLog,
    size: tuple[int, int],
) -> None:
    ann.reads("Dracula")
    async with sit(size=size, lock_after=TEN_MINUTES) as seat:
        await seat.sees("Ann", "● LIVE")
        clock.advance(minutes=9, seconds=59)
        ann.sends_a_heartbeat()
        ann.reads("Faust")
        await seat.sees("Faust")
        clock.advance(seconds=1)
        await is_covered(seat)
        assert access_log() == []
        await uncovers(seat)
        await seat.sees("Ann", "● LIVE")
    assert access_log() == [Entry(cast.cara.id, "unlocked_console", None, "console")]


async def test_each_key_begins_the_ten_minutes_anew(
    sit: OpenConsole, ann: ReadingApp, clock: StillClock
) -> None:
    async with sit(lock_after=TEN_MINUTES) as seat:
        await seat.sees("● LIVE")
        for view in ("Time", "2"), ("Last login", "3"):
            clock.advance(minutes=7)
            await seat.presses(view[1])
            await seat.sees(view[0])


async def test_a_key_that_wakes_a_laptop_meets_the_cover_and_nothing_else(
    sit: OpenConsole, ann: ReadingApp, clock: StillClock, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with sit(lock_after=TEN_MINUTES) as seat:
        await seat.sees("Ann")
        clock.advance(hours=8)
        await seat.presses("enter")
        await is_covered(seat)
        assert access_log() == []


async def test_l_covers_at_once_also_a_page_and_no_key_gets_behind_it(
    sit: OpenConsole, cast: Cast, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("enter")
        await seat.sees("ann@example.org")
        await seat.presses("L")
        await is_covered(seat)
        for key in ("tab", "1", "2", "?", "ctrl+p", "p", "L"):
            await seat.presses(key)
        await is_covered(seat)
        await seat.presses("end", "ctrl+u")
        await uncovers(seat)
        await seat.sees("ann@example.org", "Dracula", "● LIVE")
    did = [entry.did for entry in access_log()]
    assert did == ["viewed_reader_profile", "unlocked_console"]


async def test_l_covers_the_help_too_and_is_a_letter_where_something_is_typed(
    sit: OpenConsole,
) -> None:
    async with sit() as seat:
        await seat.sees("● LIVE")
        await seat.presses("?")
        await seat.sees("who is reading now")
        await seat.presses("L")
        await is_covered(seat)
        await uncovers(seat)
        await seat.sees("who is reading now")
        await seat.presses("escape")
        await seat.loses("who is reading now")
        await seat.presses(*"/L")
        await seat.sees("nothing fits: L")


async def test_all_keys_that_come_at_once_are_the_password(
    sit: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("L", *PASSWORD, "enter", *"3")
        await seat.until(access_log)
        await seat.sees("Ann", "● LIVE")
    assert [entry.did for entry in access_log()] == ["unlocked_console"]


@on_both_engines
async def test_another_password_uncovers_nothing_and_that_is_on_record(
    sit: OpenConsole, cast: Cast, ann: ReadingApp, access_log: AccessLog, clock: StillClock
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("L")
        await is_covered(seat)
        for tries in range(1, 6):
            await uncovers(seat, "a wrong guess")
            await seat.until(lambda tries=tries: failures(access_log) == tries)
            await seat.is_asked_again()
            await seat.sees("wrong e-mail or password")
        await uncovers(seat)
        await seat.sees("too many failed logins; try again in 1 s")
        await is_covered(seat)
        clock.advance(seconds=1)
        await uncovers(seat)
        await seat.sees("Ann", "● LIVE")
    did = [entry.did for entry in access_log()]
    assert did == ["failed_login"] * 5 + ["locked_out", "unlocked_console"]


async def test_a_covered_console_whose_account_is_suspended_asks_who_sits_there(
    sit: OpenConsole, cast: Cast, db: Database
) -> None:
    async with sit() as seat:
        await seat.sees("● LIVE")
        await seat.presses("L")
        await seat.sees("readwatch is locked")
        db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {cast.cara.id}")
        await seat.sees("E-mail", "this account is suspended")
        assert "covered" not in seat.screen


async def test_escape_leaves_a_covered_console(sit: OpenConsole) -> None:
    async with sit() as seat:
        await seat.sees("● LIVE")
        await seat.presses("L")
        await seat.sees("readwatch is locked", "escape leaves the console")
        await seat.presses("escape")
        await seat.until(lambda: not seat.app.is_running)
