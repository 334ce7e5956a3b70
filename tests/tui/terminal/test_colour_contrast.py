"""Whatever is painted has the contrast of WCAG, as it comes out on each screen in our colours."""

from collections.abc import Iterator

import pytest
from conftest import PASSWORD, Cast, StillClock
from textual.color import Color
from tui.console_pilot import ConsolePilot, OpenConsole
from tui.morning import record_morning
from tui.terminal.test_themes import contrast

from readwatch.monitor import refresh_policy
from readwatch.store.engine.connections import Database
from readwatch.tui.format.cells import SIGNS

LEAST = 4.5


def pale(pilot: ConsolePilot) -> Iterator[tuple[str, str, str, float]]:
    """The painted words whose contrast is too low, with their colours."""
    screen = pilot.app.screen
    in_front = screen.region
    if screen.is_modal:  # what is behind is meant to fade
        [in_front] = [child.region for child in screen.children if child.region]
    for strip in screen._compositor.render_strips()[in_front.y : in_front.bottom]:
        for text, style, _ in strip.crop(in_front.x, in_front.right):
            if style is None or not any(map(str.isalnum, text)):
                continue  # lines and blanks say nothing
            ink, ground = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
            assert not style.dim, f"{text!r} is as pale as the terminal likes"
            if (reached := round(contrast(ink, ground), 2)) < LEAST:
                yield text.strip(), ink.hex, ground.hex, reached


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_every_word_on_every_screen_has_the_contrast_of_wcag(
    open_console: OpenConsole,
    db: Database,
    cast: Cast,
    clock: StillClock,
    theme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refresh_policy, "REFRESH_SECONDS", 3600)
    absent = record_morning(db, cast, clock)
    found: set[tuple[str, str, str, float]] = set()
    async with open_console(theme=theme, logged_in=False) as pilot:

        async def sees(*words: str) -> None:
            await pilot.sees(*words)
            found.update(pale(pilot))

        await sees("Password")
        await pilot.logs_in(cast.cara.email, "not it")
        await sees("wrong e-mail or password")
        await pilot.types(PASSWORD)
        await pilot.presses("enter")
        await sees("● LIVE", "Ann Archer", "leaving", "silent")
        for key, title in (("2", "quiz completed"), ("3", "Titles"), ("4", "Why"), ("5", "When")):
            await pilot.presses(key)
            await sees(title, "● LIVE")
        await pilot.presses("4")
        await pilot.sees("Why")
        await pilot.presses("z")
        await sees("Until")
        await pilot.presses("end", "x")
        await sees("is not a time")
        await pilot.presses("enter")
        await pilot.presses("escape")
        await pilot.loses("Until")
        await pilot.presses("1")
        await sees("State", "● LIVE")
        for key, words in (("c", "since the login"), ("v", "name; enter saves")):
            await pilot.presses(key)
            await sees(words)
            await pilot.presses("escape")
            await pilot.loses(words)
        await pilot.presses("question_mark")
        await sees("everywhere")
        await pilot.presses("escape")
        await pilot.loses("everywhere")
        await pilot.presses("slash")
        await pilot.pastes("idle>x")
        await sees("10m")
        await pilot.presses("escape")
        await pilot.loses("10m")
        await pilot.presses("enter")
        await sees("19 min of reading")
        await pilot.presses("space")
        await sees("Look this word up")
        await pilot.presses("escape", "tab", "e")
        await sees(".csv")
        await pilot.presses("escape")
        await pilot.loses(".csv")
        await pilot.presses("left_curly_bracket")
        await sees("first reader")
        await pilot.presses("escape")
        await sees("Ago")
        await pilot.has_a_snapshot()
        await pilot.presses("p")
        await sees("● FROZEN")
        absent.reads("Emma")
        await sees("1 new")
        await pilot.presses("p")
        await sees("● LIVE", "Abby")
        await pilot.presses("home")
        await sees("▌      ● reading  Absent Abby")
        absent.logs_out()
        await sees(f"{SIGNS['departed']}      ● reading  Absent Abby")
        clock.advance(seconds=13)
        await sees("● STALE")
        await pilot.presses("ctrl+p")
        await sees("escape closes")
        await pilot.presses("escape")
        await pilot.loses("escape closes")
        await pilot.presses("L")
        await sees("is locked")
    assert found == set()
