"""A console that nobody sits at shows nothing, until the same person is back."""

from datetime import timedelta
from functools import partial

import pytest
from conftest import PASSWORD, Cast, StillClock, on_both_engines
from reading_app import AccessLog, Entry, ReadingApp
from tui.console_pilot import LARGE, ConsolePilot, OpenConsole

from readwatch.store.engine.connections import Database

TEN_MINUTES = timedelta(minutes=10)


async def is_locked(pilot: ConsolePilot) -> None:
    await pilot.sees("╭", "readwatch is locked", "Cara Cook can unlock it", "Password")
    assert not any(behind in pilot.screen for behind in ("Ann", "Dracula", "LIVE", "Online"))


async def unlocks(pilot: ConsolePilot, password: str = PASSWORD) -> None:
    await pilot.types(password)
    await pilot.presses("enter")


def failures(access_log: AccessLog) -> int:
    return [entry.did for entry in access_log()].count("failed_login")


@pytest.mark.parametrize("size", [(80, 24), LARGE])
async def test_after_ten_idle_minutes_nothing_is_painted_until_the_password_is_given(
    open_console: OpenConsole,
    cast: Cast,
    ann: ReadingApp,
    clock: StillClock,
    access_log: AccessLog,
    size: tuple[int, int],
) -> None:
    ann.reads("Dracula")
    async with open_console(size=size, lock_after=TEN_MINUTES) as pilot:
        await pilot.sees("Ann", "● LIVE")
        clock.advance(minutes=9, seconds=59)
        ann.sends_a_heartbeat()
        ann.reads("Faust")
        await pilot.sees("Faust")
        clock.advance(seconds=1)
        await is_locked(pilot)
        assert access_log() == []
        await unlocks(pilot)
        await pilot.sees("Ann", "● LIVE")
    assert access_log() == [Entry(cast.cara.id, "unlocked_console", None, "console")]


async def test_each_key_begins_the_ten_minutes_anew(
    open_console: OpenConsole, ann: ReadingApp, clock: StillClock
) -> None:
    async with open_console(lock_after=TEN_MINUTES) as pilot:
        await pilot.sees("● LIVE")
        for view in ("Time", "2"), ("Last login", "3"):
            clock.advance(minutes=7)
            await pilot.presses(view[1])
            await pilot.sees(view[0])


async def test_a_key_that_wakes_a_laptop_meets_the_lock_screen_and_nothing_else(
    open_console: OpenConsole, ann: ReadingApp, clock: StillClock, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with open_console(lock_after=TEN_MINUTES) as pilot:
        await pilot.sees("Ann")
        clock.advance(hours=8)
        await pilot.presses("enter")
        await is_locked(pilot)
        assert access_log() == []


async def test_l_locks_at_once_also_a_page_and_no_key_gets_behind_it(
    open_console: OpenConsole, cast: Cast, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await pilot.presses("L")
        await is_locked(pilot)
        for key in ("tab", "1", "2", "?", "ctrl+p", "p", "L"):
            await pilot.presses(key)
        await is_locked(pilot)
        await pilot.presses("end", "ctrl+u")
        await unlocks(pilot)
        await pilot.sees("ann@example.org", "Dracula", "● LIVE")
    did = [entry.did for entry in access_log()]
    assert did == ["viewed_reader_profile", "unlocked_console"]


async def test_l_locks_the_help_too_and_is_a_letter_where_something_is_typed(
    open_console: OpenConsole,
) -> None:
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("?")
        await pilot.sees("only rows that match")
        await pilot.presses("L")
        await is_locked(pilot)
        await unlocks(pilot)
        await pilot.sees("only rows that match")
        await pilot.presses("escape")
        await pilot.loses("only rows that match")
        await pilot.presses(*"/L")
        await pilot.sees("nothing matches L")


async def test_all_keys_that_come_at_once_are_the_password(
    open_console: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("L", *PASSWORD, "enter", *"3")
        await pilot.until(access_log)
        await pilot.sees("Ann", "● LIVE")
    assert [entry.did for entry in access_log()] == ["unlocked_console"]


@on_both_engines
async def test_another_password_unlocks_nothing_and_that_is_logged(
    open_console: OpenConsole, cast: Cast, ann: ReadingApp, access_log: AccessLog, clock: StillClock
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("L")
        await is_locked(pilot)

        def are_logged(tries: int) -> bool:
            return failures(access_log) == tries

        for tries in range(1, 6):
            await unlocks(pilot, "a wrong guess")
            await pilot.until(partial(are_logged, tries))
            await pilot.is_asked_again()
            await pilot.sees("wrong password")
        await unlocks(pilot)
        await pilot.sees("too many failed logins; try again in 1 s")
        await is_locked(pilot)
        clock.advance(seconds=1)
        await unlocks(pilot)
        await pilot.sees("Ann", "● LIVE")
    did = [entry.did for entry in access_log()]
    assert did == ["failed_login"] * 5 + ["locked_out", "unlocked_console"]


async def test_a_locked_console_whose_account_is_suspended_shows_the_login(
    open_console: OpenConsole, cast: Cast, db: Database
) -> None:
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("L")
        await pilot.sees("readwatch is locked")
        db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {cast.cara.id}")
        await pilot.sees("E-mail", "this account is suspended")
        assert "covered" not in pilot.screen


async def test_escape_leaves_a_locked_console(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("L")
        await pilot.sees("readwatch is locked", "press escape to quit")
        await pilot.presses("escape")
        await pilot.until(lambda: not pilot.app.is_running)
