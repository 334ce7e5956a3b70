"""Nothing that a reader or an app wrote can act on a consultant's terminal."""

import re
from collections.abc import Iterable
from unicodedata import category

import pytest
from conftest import PASSWORD, StillClock
from reading_app import ReadingApp
from rich.cells import cell_len
from tui.console_pilot import LARGE, SMALL, ConsolePilot, OpenConsole

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


def mallories(db: Database, clock: StillClock, kinds: Iterable[str] = HOSTILE) -> int:
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


def check(seat: ConsolePilot) -> None:
    """The screen holds nothing but text, and each line is as wide as the terminal."""
    for strip in seat.app.screen._compositor.render_strips():
        assert cell_len(strip.text) == seat.app.size.width, repr(strip.text)
        assert not BIDI.search(strip.text), repr(strip.text)
        assert not {category(character) for character in strip.text} & {"Cc", "Cs", "Zl", "Zp"}
        assert all(segment.control is None for segment in strip)
        assert not any(segment.style and segment.style.link for segment in strip)


def bars(seat: ConsolePilot) -> list[int]:
    """The cells at which the bars of the rows start."""
    lines = [line for line in seat.lines if BAR in line]
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
    sit: OpenConsole, db: Database, clock: StillClock, size: tuple[int, int], view: str
) -> None:
    readers = mallories(db, clock)
    title = {"1": "Ago", "2": "Time", "3": "Last login", "4": "Since"}[view]
    if view == "4":
        clock.advance(minutes=6)
    async with sit(size=size) as seat:
        await seat.presses(view)
        await seat.sees(title, "␛", "● LIVE")
        rows = min(readers, size[1] - 4)
        for key in "home", "end":
            await seat.presses(key)
            check(seat)
            if view in "12":
                assert len(bars(seat)) == rows
                assert len(set(bars(seat))) == 1


async def test_the_page_of_such_a_reader_shows_it_as_text_and_has_room_for_the_rest(
    sit: OpenConsole, db: Database, clock: StillClock
) -> None:
    readers = mallories(db, clock, (*WORST, *ENDLESS))
    async with sit() as seat:
        await seat.presses("3")
        await seat.sees("Last login", "▌")
        for _ in range(readers):
            await seat.presses("enter")
            await seat.sees("of reading", "● reading", "● LIVE")
            await seat.until(lambda: len(bars(seat)) == 2)
            check(seat)
            await seat.presses("space")
            await seat.sees('"note":')
            check(seat)
            await seat.presses("escape", "escape")
            await seat.sees("Last login")
            await seat.presses("down")


async def test_whatever_opens_above_a_list_and_the_access_log_show_it_as_text(
    sit: OpenConsole, db: Database, clock: StillClock
) -> None:
    readers = mallories(db, clock, (*WORST, *ENDLESS))
    name_consultant(db, HOSTILE["a clipboard"])
    async with sit() as seat:
        await seat.sees("State", "␛", "● LIVE")
        for key, words in (
            ("c", "space turns"),
            ("v", "keep Online"),
            ("e", "File (.csv or .json)"),
            ("question_mark", "everywhere"),
        ):
            await seat.presses(key)
            await seat.sees(words)
            check(seat)
            await seat.presses("escape")
            await seat.loses(words)
        await seat.presses("ctrl+p")
        await seat.sees("name or command")
        await seat.types("zxz")
        await seat.sees("a␛]52;c;", "last login")
        check(seat)
        await seat.presses("escape", "enter")
        for number in range(1, readers):
            await seat.sees(f"({number} of {readers})", "of reading")
            await seat.presses("}")
        await seat.sees(f"({readers} of {readers})", "of reading")
        await seat.presses("5")
        await seat.sees("Whom", "␛", "● LIVE")
        check(seat)


async def test_what_looks_like_markup_is_shown_as_it_was_written_and_can_be_clicked(
    sit: OpenConsole, db: Database, clock: StillClock
) -> None:
    mallories(db, clock, ("an action", "unclosed markup", "a variable", "a backslash"))
    async with sit(size=LARGE) as seat:
        await seat.sees("[@click=app.quit]x[/]", "[bold red", "$text-error ${x}", "x\\[/b]\\")
        row = seat.line_number("[@click=app.quit]x[/]")
        column = cell_len(seat.lines[row].partition("x[/]")[0])
        await seat.pilot.click(offset=(column, row))
        await seat.pilot.click(offset=(column, row))
        await seat.sees("of reading", "[@click=app.quit]x[/]")
        column = cell_len(seat.lines[2].partition("x[/]")[0])
        await seat.pilot.click(offset=(column, 2))
        await seat.pilot.hover(offset=(column, 2))
        await seat.sees("of reading", "● LIVE")


async def test_a_filter_for_such_words_is_text_too(sit: OpenConsole) -> None:
    async with sit() as seat:
        await seat.sees("nobody is online")
        await seat.presses(*"/[/] [@click=app.quit]x[/] $x")
        await seat.sees("nothing fits: [/] [@click=app.quit]x[/] $x")


async def test_a_consultants_own_name_leaves_the_header_whole(
    sit: OpenConsole, db: Database
) -> None:
    name_consultant(db, "[/] \x1b[2J\u202e" + "語" * 200)
    async with sit(signed_in=False) as seat:
        await seat.signs_in("cara@example.org", PASSWORD)
        await seat.sees("0 online", "[/] ␛[2J語", "● LIVE", "State")
        check(seat)
        assert "State" in seat.lines[2]
        await seat.presses("L")
        await seat.sees("readwatch is locked", "␛[2J語", "can unlock it", "press escape to quit")
        check(seat)
