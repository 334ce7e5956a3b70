"""What tells a consultant about the keys, and the ways out."""

import re

from tui.seat import Sit

from readwatch.tui.keys import KEYS


async def test_the_help_names_every_key(sit: Sit) -> None:
    async with sit() as seat:
        await seat.presses("?")
        await seat.sees("Keys", "escape closes")
        names = {"question_mark": "?", "slash": "/"}
        for key in KEYS:
            name = re.escape(names.get(key.key, key.key))
            assert re.search(rf"\s{name}\s+{re.escape(key.meaning)}\s", seat.screen), key
        await seat.presses("q")
        await seat.loses("escape closes")
        await seat.sees("nobody is online")


async def test_the_palette_offers_no_screenshot(sit: Sit) -> None:
    async with sit() as seat:
        await seat.presses("ctrl+p")
        await seat.sees("Search for commands", "Theme", "Quit")
        await seat.types("screenshot")
        await seat.sees("No matches found")


async def test_ctrl_c_says_how_to_leave(sit: Sit) -> None:
    async with sit() as seat:
        await seat.sees("● LIVE")
        await seat.presses("ctrl+c")
        await seat.sees("q leaves the console")


async def test_q_leaves(sit: Sit) -> None:
    async with sit() as seat:
        await seat.sees("● LIVE")
        await seat.presses("q")
        await seat.until(lambda: not seat.app.is_running)
