"""Only consultants and admins get in, and that they did is on record."""

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
    sit: OpenConsole, cast: Cast, access_log: AccessLog, name: str
) -> None:
    person = getattr(cast, name)
    async with sit(signed_in=False) as seat:
        await seat.sees("╭", "E-mail", "Password", "is logged")
        await seat.signs_in(person.email, PASSWORD)
        await seat.sees("1 Online", "● LIVE", "nobody is online", person.full_name)
        assert access_log() == [Entry(person.id, "logged_in", None, "console")]


async def test_the_email_is_compared_without_case_and_blanks(sit: OpenConsole) -> None:
    async with sit(signed_in=False) as seat:
        await seat.signs_in(" Cara@Example.ORG ", PASSWORD)
        await seat.sees("● LIVE")


@pytest.mark.parametrize(
    ("email", "password", "answer"),
    [
        pytest.param("eve@example.org", PASSWORD, "wrong e-mail or password", id="unknown"),
        pytest.param("ann@example.org", PASSWORD, "only consultants and admins", id="reader"),
        pytest.param("not an address", PASSWORD, "wrong e-mail or password", id="no address"),
    ],
)
async def test_nobody_else_gets_in_and_may_try_again(
    sit: OpenConsole,
    access_log: AccessLog,
    email: str,
    password: str,
    answer: str,
) -> None:
    async with sit(signed_in=False) as seat:
        await seat.signs_in(email, password)
        await seat.sees(answer)
        assert access_log() == []
        await seat.empties_the_email()
        await seat.signs_in("cara@example.org", PASSWORD)
        await seat.sees("● LIVE")


@on_both_engines
async def test_who_fails_too_often_reads_when_to_try_again_also_in_another_console(
    sit: OpenConsole, cast: Cast, access_log: AccessLog, clock: StillClock
) -> None:
    failed = Entry(cast.cara.id, "failed_login", None, "console: wrong e-mail or password")
    async with sit(signed_in=False, email=cast.cara.email) as seat:
        for tries in range(1, 6):
            await seat.types(WRONG)
            await seat.presses("enter")
            await seat.until(lambda tries=tries: access_log().count(failed) == tries)
            await seat.is_asked_again()
            await seat.sees("wrong e-mail or password")
    assert access_log()[-1] == Entry(cast.cara.id, "locked_out", None, "console, for 1 s")
    async with sit(signed_in=False, email=cast.cara.email) as seat:
        await seat.types(PASSWORD)
        await seat.presses("enter")
        await seat.sees("too many failed logins; try again in 1 s")
        clock.advance(seconds=1)
        await seat.types(PASSWORD)
        await seat.presses("enter")
        await seat.sees("● LIVE")


@on_both_engines
async def test_a_suspended_consultant_is_told_so_and_stays_out(
    sit: OpenConsole, db: Database, cast: Cast
) -> None:
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'cara@example.org'")
    async with sit(signed_in=False) as seat:
        await seat.signs_in(cast.cara.email, PASSWORD)
        await seat.sees("this account is suspended", "E-mail")


async def test_the_password_is_never_painted(sit: OpenConsole, cast: Cast) -> None:
    async with sit(signed_in=False) as seat:
        await seat.types(cast.cara.email)
        await seat.presses("enter")
        for number, letter in enumerate(PASSWORD, start=1):
            await seat.presses(letter)
            await seat.sees("•" * number)
            assert PASSWORD[:4] not in seat.screen


async def test_the_password_is_not_painted_when_a_slow_line_brings_all_keys_at_once(
    sit: OpenConsole, cast: Cast
) -> None:
    async with sit(signed_in=False) as seat:
        await seat.presses(*cast.cara.email, "enter", *PASSWORD)
        await seat.sees(cast.cara.email, "•" * len(PASSWORD))
        assert PASSWORD[:4] not in seat.screen
        await seat.presses("enter")
        await seat.sees("● LIVE")


async def test_what_comes_at_once_is_the_password_up_to_enter(sit: OpenConsole, cast: Cast) -> None:
    async with sit(signed_in=False) as seat:
        await seat.presses(*cast.cara.email, "enter", *PASSWORD, "enter", *"3")
        await seat.sees("● LIVE")


@pytest.mark.parametrize("text", [PASSWORD, f"{PASSWORD}\n"])
async def test_a_password_can_be_pasted(sit: OpenConsole, cast: Cast, text: str) -> None:
    async with sit(signed_in=False, email=cast.cara.email) as seat:
        await seat.sees(cast.cara.email)
        seat.app.post_message(events.Paste(text))
        await seat.presses("enter", *"3")
        await seat.sees("● LIVE")


async def test_an_email_that_was_given_at_the_start_is_filled_in(
    sit: OpenConsole, cast: Cast
) -> None:
    async with sit(signed_in=False, email=cast.cara.email) as seat:
        await seat.sees(cast.cara.email)
        await seat.types(PASSWORD)
        await seat.presses("enter")
        await seat.sees("● LIVE")


async def test_an_empty_field_asks_nobody(sit: OpenConsole, access_log: AccessLog) -> None:
    async with sit(signed_in=False) as seat:
        await seat.presses("enter", "enter")
        await seat.types(PASSWORD)
        await seat.presses("enter")
        await seat.sees("•" * len(PASSWORD))
        assert "checking" not in seat.screen


@pytest.mark.parametrize("key", ["1", "2", "?", "ctrl+p", "q"])
async def test_before_that_the_keys_of_the_console_do_nothing(sit: OpenConsole, key: str) -> None:
    async with sit(signed_in=False) as seat:
        await seat.presses(key)
        await seat.presses("tab")
        await seat.presses(key)
        await seat.sees("E-mail", "Password", "is logged")
        await seat.presses("end", "ctrl+u")
        await seat.empties_the_email()
        await seat.signs_in("cara@example.org", PASSWORD)
        await seat.sees("● LIVE")


async def test_escape_leaves_the_console_and_ctrl_c_says_so(sit: OpenConsole) -> None:
    async with sit(signed_in=False) as seat:
        await seat.presses("ctrl+c")
        await seat.sees("escape leaves the console")
        await seat.presses("escape")
        await seat.until(lambda: not seat.app.is_running)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_form_stands_in_a_frame_in_the_middle(
    sit: OpenConsole, size: tuple[int, int]
) -> None:
    async with sit(signed_in=False, size=size) as seat:
        await seat.sees("Password", "╭──", "──╯")
        left, right = seat.line("╭").index("╭"), size[0] - len(seat.line("╮"))
        assert abs(left - right) <= 1


async def test_nothing_blinks_wherever_something_is_typed_in(sit: OpenConsole, cast: Cast) -> None:
    def blinking() -> list[Input]:
        asked = list(seat.app.screen.query(Input))
        assert asked
        return [each for each in asked if each.cursor_blink]

    async with sit(signed_in=False) as seat:
        assert not blinking()
        await seat.signs_in(cast.cara.email, PASSWORD)
        await seat.sees("● LIVE")
        assert not blinking()
        await seat.presses("L")
        await seat.sees("is locked")
        assert not blinking()
