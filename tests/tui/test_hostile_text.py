"""Nothing that a reader or an app wrote can act on a consultant's terminal."""

import re
from collections.abc import Iterable
from unicodedata import category

import pytest
from conftest import PASSWORD, StillClock
from reading_app import ReadingApp
from rich.cells import cell_len
from tui.console_pilot import LARGE, SMALL, ConsolePilot, OpenConsole

from readwatch.domain.clock import Clock
from readwatch.domain.users import UserRole
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.identity.users import NewUser, add_user

HOSTILE = {
    "markup": "[/]",
    "unclosed markup": "[bold red",
    "an action": "[@click=app.quit]x[/]",
    "a link": "[link=https://evil.example]x[/link]",
    "a variable": "$text-error ${x}",
    "a backslash": "x\\[/b]\\",
    "colours": "a\x1b[31mb",
    "a cleared screen": "a\x1b[2J\x1b[Hb",
    "a clipboard": "a\x1b]52;c;ZXZpbA==\x07b",
    "a title": "a\x1b]0;evil\x1b\\b",
    "C1": "a\x9b31mb\x90q\x9c",
    "NUL": "a\x00b",
    "DEL and backspaces": "abc\x08\x08\x7fd",
    "tabs and lines": "a\tb\r\nc\x0bd\x0ce\u2028f\u2029g\x85h",
    "an override": "a\u202egnp.exe",
    "isolates": "\u2066a\u2067b\u2069\u200e\u200f\u061c",
    "wide": "日本語の名前と題名",
    "combining": "e\u0301" * 9,
    "a pile of marks": "Z" + "\u0351\u036b\u0343\u036a\u0302" * 30 + "o",
    "emoji": "👩\u200d👩\u200d👧 👍🏽 🇩🇪 ❤\ufe0f 1\ufe0f\u20e3",
    "halves": "\ufffd\ufdd0\U000e0041\U000f0000",
    "right to left": "ألف ليلة وليلة",
    "endless": "x" * 5000,
    "endless and wide": "語" * 5000,
    "nothing": "",
    "blanks": " \u00a0\u3000\u200b ",
}
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
BAR = "━━━━┄┄"


WORST = ("an action", "a clipboard", "NUL", "tabs and lines", "an override", "emoji")
ENDLESS = ("a pile of marks", "endless and wide")


def mallories(db: Database, clock: Clock, kinds: Iterable[str] = HOSTILE) -> int:
    """Add readers who wrote such a text into every field that there is, around the rules of the
    API; tell how many."""
    lax, mark = is_sqlite(db), "?" if is_sqlite(db) else "%s"
    for number, text in enumerate(HOSTILE[kind] for kind in kinds):
        # What PostgreSQL refuses to keep cannot come back from it.
        hostile = text if lax else text.replace("\x00", "")
        email = f"mallory{number}@example.org"
        user = add_user(
            db,
            NewUser(email=email, full_name="Mallory", user_role=UserRole.READER, password_hash="x"),
            clock(),
        )
        ReadingApp(db, user, clock).reads(
            hostile[:500],
            progress=70,
            activity_type=hostile if lax else hostile[:50],
            metadata={"note": hostile[:4000]},
        )
        for assignment, key, value in (
            ("users SET full_name", "id", hostile[:255]),
            ("users SET email", "id", f"{hostile[:100]}{number}"),
            ("reader_profiles SET reading_level", "user_id", hostile[:50]),
            ("reader_profiles SET timezone", "user_id", hostile[:50]),
            ("reader_profiles SET preferred_language", "user_id", hostile[:10]),
            ("reader_sessions SET device_type", "user_id", hostile[:50]),
        ):
            db.execute_sql(f"UPDATE {assignment} = {mark} WHERE {key} = {mark}", (value, user.id))
    return number + 1


def name_consultant(db: Database, name: str) -> None:
    mark = "?" if is_sqlite(db) else "%s"
    db.execute_sql(f"UPDATE users SET full_name = {mark} WHERE email = 'cara@example.org'", (name,))


def check(pilot: ConsolePilot) -> None:
    """The screen holds nothing but text, and each line is as wide as the terminal."""
    for strip in pilot.app.screen._compositor.render_strips():
        assert cell_len(strip.text) == pilot.app.size.width, repr(strip.text)
        assert not BIDI.search(strip.text), repr(strip.text)
        assert not {category(character) for character in strip.text} & {"Cc", "Cs", "Zl", "Zp"}
        assert all(segment.control is None for segment in strip)
        assert not any(segment.style and segment.style.link for segment in strip)


def bars(pilot: ConsolePilot) -> list[int]:
    """The cells at which the bars of the rows start."""
    lines = [line for line in pilot.lines if BAR in line]
    return [cell_len(line[: line.index(BAR)]) for line in lines]


@pytest.mark.parametrize("view", ["1", "2", "3", "4"])
@pytest.mark.parametrize(
    ("size", "engine"),
    [
        (SMALL, "sqlite"),
        (LARGE, "sqlite"),
        pytest.param(LARGE, "postgresql", marks=pytest.mark.postgresql),
    ],
    indirect=["engine"],
)
async def test_every_list_shows_it_as_text_in_its_columns(
    open_console: OpenConsole, db: Database, clock: StillClock, size: tuple[int, int], view: str
) -> None:
    readers = mallories(db, clock)
    title = {"1": "Ago", "2": "Time", "3": "Last login", "4": "Since"}[view]
    if view == "4":
        clock.advance(days=8)
    async with open_console(size=size) as pilot:
        await pilot.presses(view)
        await pilot.sees(title, "␛", "● NO POSTS" if view == "4" else "● LIVE")
        rows = min(readers, size[1] - 4)
        for key in "home", "end":
            await pilot.presses(key)
            check(pilot)
            if view in "12":
                assert len(bars(pilot)) == rows
                assert len(set(bars(pilot))) == 1


async def test_the_page_of_such_a_reader_shows_it_as_text_and_has_room_for_the_rest(
    open_console: OpenConsole, db: Database, clock: StillClock
) -> None:
    readers = mallories(db, clock, (*WORST, *ENDLESS))
    async with open_console() as pilot:
        await pilot.presses("3")
        await pilot.sees("Last login", "▌")
        for _ in range(readers):
            await pilot.presses("enter")
            await pilot.sees("of reading", "● reading", "● LIVE")
            await pilot.until(lambda: len(bars(pilot)) == 2)
            check(pilot)
            await pilot.presses("space")
            await pilot.sees('"note":')
            check(pilot)
            await pilot.presses("escape", "escape")
            await pilot.sees("Last login")
            await pilot.presses("down")


async def test_whatever_opens_above_a_list_and_the_access_log_show_it_as_text(
    open_console: OpenConsole, db: Database, clock: StillClock
) -> None:
    readers = mallories(db, clock, ("a clipboard", *ENDLESS))
    name_consultant(db, HOSTILE["a clipboard"])
    async with open_console() as pilot:
        await pilot.sees("State", "␛", "● LIVE")
        for key, words in (
            ("c", "space toggles"),
            ("v", "This view: Online"),
            ("e", "File (.csv or .json)"),
            ("question_mark", "everywhere"),
        ):
            await pilot.presses(key)
            await pilot.sees(words)
            check(pilot)
            await pilot.presses("escape")
            await pilot.loses(words)
        await pilot.presses("ctrl+p")
        await pilot.sees("name or command")
        await pilot.types("zxz")
        await pilot.sees("a␛]52;c;", "last login")
        check(pilot)
        await pilot.presses("escape", "enter")
        for number in range(1, readers):
            await pilot.sees(f"({number} of {readers})", "of reading")
            await pilot.presses("}")
        await pilot.sees(f"({readers} of {readers})", "of reading")
        await pilot.presses("5")
        await pilot.sees("Whom", "␛", "● LIVE")
        check(pilot)


async def test_what_looks_like_markup_is_shown_as_it_was_written_and_can_be_clicked(
    open_console: OpenConsole, db: Database, clock: StillClock
) -> None:
    mallories(db, clock, ("an action", "unclosed markup", "a variable", "a backslash"))
    async with open_console(size=(200, 48)) as pilot:
        await pilot.sees("[@click=app.quit]x[/]", "[bold red", "$text-error ${x}", "x\\[/b]\\")
        row = pilot.line_number("[@click=app.quit]x[/]")
        column = cell_len(pilot.lines[row].partition("x[/]")[0])
        await pilot.textual.click(offset=(column, row))
        await pilot.textual.click(offset=(column, row))
        await pilot.sees("of reading", "[@click=app.quit]x[/]")
        column = cell_len(pilot.lines[2].partition("x[/]")[0])
        await pilot.textual.click(offset=(column, 2))
        await pilot.textual.hover(offset=(column, 2))
        await pilot.sees("of reading", "● LIVE")


async def test_the_form_of_a_case_and_its_notes_show_it_as_text(
    open_console: OpenConsole, db: Database, clock: StillClock
) -> None:
    kinds = (*WORST, *ENDLESS, "unclosed markup")
    mallories(db, clock, kinds)
    clock.advance(days=8)
    async with open_console(size=(260, 48)) as pilot:
        await pilot.presses("4")
        await pilot.sees("Since", "▌")
        for kind in kinds:
            await pilot.presses("n")
            await pilot.sees("enter saves, escape cancels", "─ Note about ")
            check(pilot)
            await pilot.pastes(HOSTILE[kind][:400])
            await pilot.presses("enter")
            await pilot.loses("enter saves")
            check(pilot)
            await pilot.presses("down")
        await pilot.sees("[@click=app.quit]x[/] (Cara", "[bold red (Cara Cook, ")
        await pilot.presses("home", "enter")
        await pilot.sees("of reading", "Consultant")
        check(pilot)


async def test_a_filter_for_such_words_is_text_too(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.sees("nobody is online")
        await pilot.presses(*"/[/] [@click=app.quit]x[/] $x")
        await pilot.sees("nothing matches [/] [@click=app.quit]x[/] $x")


async def test_a_consultants_own_name_leaves_the_header_whole(
    open_console: OpenConsole, db: Database
) -> None:
    name_consultant(db, "[/] \x1b[2J\u202e" + "語" * 200)
    async with open_console(logged_in=False) as pilot:
        await pilot.logs_in("cara@example.org", PASSWORD)
        await pilot.sees("0 online", "[/] ␛[2J語", "● LIVE", "State")
        check(pilot)
        assert "State" in pilot.lines[2]
        await pilot.presses("L")
        await pilot.sees("readwatch is locked", "␛[2J語", "can unlock it", "press escape to quit")
        check(pilot)
