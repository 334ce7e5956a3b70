"""The keys at the foot of a screen."""

import gc
import weakref

from textual.widgets._footer import FooterKey
from tui.console_pilot import OpenConsole


async def test_keys_that_are_no_longer_shown_are_forgotten(sit: OpenConsole) -> None:
    async with sit() as seat:
        await seat.sees("p Freeze", "nobody is online")
        shown = [weakref.ref(key) for key in seat.app.screen.query(FooterKey)]
        assert shown

        def forgotten() -> bool:
            gc.collect()
            return not any(key() for key in shown)

        await seat.presses("slash")
        await seat.loses("p Freeze")
        await seat.presses("escape")
        await seat.sees("p Freeze")
        await seat.until(forgotten)
