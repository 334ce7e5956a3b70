"""The keys at the foot of a screen."""

import gc
import weakref

from textual.widgets._footer import FooterKey
from tui.console_pilot import OpenConsole


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
