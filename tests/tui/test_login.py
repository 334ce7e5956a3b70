"""Only consultants and admins get in, and that they did is on record."""

from functools import partial

import pytest
from conftest import PASSWORD, Cast, StillClock, on_both_engines
from reading_app import AccessLog, Entry
from textual import events
from textual.widgets import Input
from tui.console_pilot import LARGE, SMALL, OpenConsole

from readwatch.store.engine.connections import Database

WRONG = "no horse at all"


@pytest.mark.parametrize("name", ["cara", "dora"])
@on_both_engines
async def test_staff_who_type_their_email_and_password_are_in(
    open_console: OpenConsole, cast: Cast, access_log: AccessLog, name: str
) -> None:
    person = getattr(cast, name)
    async with open_console(logged_in=False) as pilot:
        await pilot.sees("╭", "E-mail", "Password", "is logged")
        await pilot.logs_in(person.email, PASSWORD)
        await pilot.sees("1 Online", "● LIVE", "nobody is online", person.full_name)
        assert access_log() == [Entry(person.id, "logged_in", None, "console")]


async def test_the_email_is_compared_without_case_and_blanks(open_console: OpenConsole) -> None:
    async with open_console(logged_in=False) as pilot:
        await pilot.logs_in(" Cara@Example.ORG ", PASSWORD)
        await pilot.sees("● LIVE")


@pytest.mark.parametrize(
    ("email", "password", "answer"),
    [
        pytest.param("eve@example.org", PASSWORD, "wrong e-mail or password", id="unknown"),
        pytest.param("ann@example.org", PASSWORD, "only consultants and admins", id="reader"),
        pytest.param("not an address", PASSWORD, "wrong e-mail or password", id="no address"),
    ],
)
async def test_nobody_else_gets_in_and_may_try_again(
    open_console: OpenConsole,
    access_log: AccessLog,
    email: str,
    password: str,
    answer: str,
) -> None:
    async with open_console(logged_in=False) as pilot:
        await pilot.logs_in(email, password)
        await pilot.sees(answer)
        assert access_log() == []
        await pilot.empties_the_email()
        await pilot.logs_in("cara@example.org", PASSWORD)
        await pilot.sees("● LIVE")


@on_both_engines
async def test_who_fails_too_often_reads_when_to_try_again_also_in_another_console(
    open_console: OpenConsole, cast: Cast, access_log: AccessLog, clock: StillClock
) -> None:
    failed = Entry(cast.cara.id, "failed_login", None, "console: wrong e-mail or password")
    async with open_console(logged_in=False, email=cast.cara.email) as pilot:

        def is_logged(tries: int) -> bool:
            return access_log().count(failed) == tries

        for tries in range(1, 6):
            await pilot.types(WRONG)
            await pilot.presses("enter")
            await pilot.until(partial(is_logged, tries))
            await pilot.is_asked_again()
            await pilot.sees("wrong e-mail or password")
    assert access_log()[-1] == Entry(cast.cara.id, "locked_out", None, "console, for 1 s")
    async with open_console(logged_in=False, email=cast.cara.email) as pilot:
        await pilot.types(PASSWORD)
        await pilot.presses("enter")
        await pilot.sees("too many failed logins; try again in 1 s")
        clock.advance(seconds=1)
        await pilot.types(PASSWORD)
        await pilot.presses("enter")
        await pilot.sees("● LIVE")


@on_both_engines
async def test_a_suspended_consultant_cannot_log_in_and_sees_why(
    open_console: OpenConsole, db: Database, cast: Cast
) -> None:
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'cara@example.org'")
    async with open_console(logged_in=False) as pilot:
        await pilot.logs_in(cast.cara.email, PASSWORD)
        await pilot.sees("this account is suspended", "E-mail")


async def test_the_password_is_never_painted(open_console: OpenConsole, cast: Cast) -> None:
    async with open_console(logged_in=False) as pilot:
        await pilot.types(cast.cara.email)
        await pilot.presses("enter")
        for number, letter in enumerate(PASSWORD, start=1):
            await pilot.presses(letter)
            await pilot.sees("•" * number)
            assert PASSWORD[:4] not in pilot.screen


async def test_the_password_is_not_painted_when_a_slow_line_brings_all_keys_at_once(
    open_console: OpenConsole, cast: Cast
) -> None:
    async with open_console(logged_in=False) as pilot:
        await pilot.presses(*cast.cara.email, "enter", *PASSWORD)
        await pilot.sees(cast.cara.email, "•" * len(PASSWORD))
        assert PASSWORD[:4] not in pilot.screen
        await pilot.presses("enter")
        await pilot.sees("● LIVE")


async def test_a_password_that_arrives_together_with_tab_is_not_painted_as_part_of_the_email(
    open_console: OpenConsole, cast: Cast
) -> None:
    async with open_console(logged_in=False) as pilot:
        await pilot.sees("E-mail")
        await pilot.presses(*cast.cara.email, "tab", *PASSWORD, "enter")
        await pilot.sees("● LIVE")


async def test_what_comes_at_once_is_the_password_up_to_enter(
    open_console: OpenConsole, cast: Cast
) -> None:
    async with open_console(logged_in=False) as pilot:
        await pilot.presses(*cast.cara.email, "enter", *PASSWORD, "enter", *"3")
        await pilot.sees("● LIVE")


@pytest.mark.parametrize("text", [PASSWORD, f"{PASSWORD}\n"])
async def test_a_password_can_be_pasted(open_console: OpenConsole, cast: Cast, text: str) -> None:
    async with open_console(logged_in=False, email=cast.cara.email) as pilot:
        await pilot.sees(cast.cara.email)
        pilot.app.post_message(events.Paste(text))
        await pilot.presses("enter", *"3")
        await pilot.sees("● LIVE")


async def test_an_email_that_was_given_at_the_start_is_filled_in(
    open_console: OpenConsole, cast: Cast
) -> None:
    async with open_console(logged_in=False, email=cast.cara.email) as pilot:
        await pilot.sees(cast.cara.email)
        await pilot.types(PASSWORD)
        await pilot.presses("enter")
        await pilot.sees("● LIVE")


async def test_an_empty_field_asks_nobody(open_console: OpenConsole, access_log: AccessLog) -> None:
    async with open_console(logged_in=False) as pilot:
        await pilot.presses("enter", "enter")
        await pilot.types(PASSWORD)
        await pilot.presses("enter")
        await pilot.sees("•" * len(PASSWORD))
        assert "checking" not in pilot.screen


@pytest.mark.parametrize("key", ["1", "2", "?", "ctrl+p", "q"])
async def test_before_that_the_keys_of_the_console_do_nothing(
    open_console: OpenConsole, key: str
) -> None:
    async with open_console(logged_in=False) as pilot:
        await pilot.presses(key)
        await pilot.presses("tab")
        await pilot.presses(key)
        await pilot.sees("E-mail", "Password", "is logged")
        await pilot.presses("end", "ctrl+u")
        await pilot.empties_the_email()
        await pilot.logs_in("cara@example.org", PASSWORD)
        await pilot.sees("● LIVE")


async def test_escape_leaves_the_console_and_ctrl_c_says_so(open_console: OpenConsole) -> None:
    async with open_console(logged_in=False) as pilot:
        await pilot.presses("ctrl+c")
        await pilot.sees("escape leaves the console")
        await pilot.presses("escape")
        await pilot.until(lambda: not pilot.app.is_running)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_form_stands_in_a_frame_in_the_middle(
    open_console: OpenConsole, size: tuple[int, int]
) -> None:
    async with open_console(logged_in=False, size=size) as pilot:
        await pilot.sees("Password", "╭──", "──╯")
        left, right = pilot.line("╭").index("╭"), size[0] - len(pilot.line("╮"))
        assert abs(left - right) <= 1


async def test_nothing_blinks_wherever_something_is_typed_in(
    open_console: OpenConsole, cast: Cast
) -> None:
    def blinking() -> list[Input]:
        asked = list(pilot.app.screen.query(Input))
        assert asked
        return [each for each in asked if each.cursor_blink]

    async with open_console(logged_in=False) as pilot:
        assert not blinking()
        await pilot.logs_in(cast.cara.email, PASSWORD)
        await pilot.sees("● LIVE")
        assert not blinking()
        await pilot.presses("L")
        await pilot.sees("is locked")
        assert not blinking()
