"""Make `docs/console.svg`: the console exports its own screen, with the demo behind it."""

import asyncio
import re
from pathlib import Path
from random import Random

from readwatch.demo.crowd import Crowd
from readwatch.demo.world import PASSWORD, world
from readwatch.domain.clock import system_clock
from readwatch.domain.console import ConsoleSettings
from readwatch.tui.app import Console

SIZE = (110, 26)
SECONDS = 75.0  # until the crowd is in full swing and the sparkline knows it


async def main() -> None:
    """Let the demo run for a while and take the picture."""
    rng = Random(7)  # noqa: S311 - invented behaviour, no secret
    with (
        world(200, rng, system_clock()) as made,
        Crowd(made.base_url, made.awake, PASSWORD, rng=rng, clock=system_clock, places=made.places),
    ):
        console = Console(ConsoleSettings(made.database_url), signed_in=made.consultant)
        async with console.run_test(size=SIZE) as pilot:
            await asyncio.sleep(SECONDS)
            await pilot.press("down", "down", "down")
            await pilot.pause(1)
            picture = console.export_screenshot(title="readwatch")
    # The stock picture asks a foreign host for a font; any monospaced one does.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    Path(__file__).with_name("console.svg").write_text(picture, encoding="utf-8")


asyncio.run(main())
