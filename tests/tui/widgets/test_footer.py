"""The keys at the foot of a screen."""

import gc
import weakref

from textual.widgets._footer import FooterKey
from tui.console_pilot import LARGE, SMALL, OpenConsole


async def test_keys_that_are_no_longer_shown_are_forgotten(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.sees("p Freeze", "nobody is online")
        shown = [weakref.ref(key) for key in pilot.app.screen.query(FooterKey)]
        assert shown

        def forgotten() -> bool:
            gc.collect()
            return not any(key() for key in shown)

        await pilot.presses("slash")
        await pilot.loses("p Freeze")
        await pilot.presses("escape")
        await pilot.sees("p Freeze")
        await pilot.until(forgotten)


async def test_a_wide_terminal_shows_more_keys_and_a_narrow_one_always_the_help(
    open_console: OpenConsole,
) -> None:
    async with open_console(size=LARGE) as pilot:
        await pilot.presses("4")
        await pilot.sees("t Take  n Note  z Snooze  r Resolve  x Seen  ^p Palette  ? Help  q Quit")
        await pilot.textual.resize_terminal(*SMALL)
        await pilot.sees("t Take  n Note  ^p Palette  ? Help  q Quit")
        await pilot.textual.resize_terminal(*LARGE)
        await pilot.sees("z Snooze")
