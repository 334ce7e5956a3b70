"""Make `docs/pictures/`: the console exports each of its screens, with the demo's readers in it.

    python3 dev.py run python docs/pictures.py

Nothing is left to chance or to the clock: the same program makes the same pictures.
"""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from textual.pilot import Pilot

from readwatch.demo.cast import cast
from readwatch.demo.replay import Replay
from readwatch.demo.world import populate
from readwatch.domain.console import ConsoleSettings
from readwatch.domain.users import User
from readwatch.store import schema, sqlite
from readwatch.store.database import open_database, using
from readwatch.store.rights import Role
from readwatch.tui.app import Console

PICTURES = Path(__file__).with_name("pictures")
NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
SMALL, LARGE = (80, 24), (160, 48)
READERS = 120

# File, size, colours, and the keys that lead there.
SCREENS = (
    ("online", (110, 26), "dark", ("1", "down", "down", "down")),
    ("activity", (110, 26), "light", ("2", "down", "down")),
    ("readers", (110, 26), "dark", ("3", "down", "down")),
    ("attention", (110, 26), "dark", ("4", "down")),
    ("filter", SMALL, "dark", ("1", "slash", *"level:B progress<30")),
    ("reader", LARGE, "dark", ("1", "down", "down", "down", "enter")),
    ("unfolded", SMALL, "light", ("1", "down", "down", "down", "enter", "space")),
    ("palette", SMALL, "dark", ("1", "ctrl+p", *"ala")),
    ("help", SMALL, "dark", ("1", "question_mark")),
)
# While somebody else does not let go of the database.
REFUSED = ("refused", SMALL, "dark", ("1", "down", "down", "down", "enter"))


def make_world(url: str) -> User:
    """Fill a database with three weeks and an evening; return the consultant."""
    rng = Random(7)  # noqa: S311 - invented behaviour, no secret
    schema.prepare(url)
    people = cast(READERS, rng)
    consultant, places = populate(url, people, rng, NOW)
    db = open_database(url, Role.INGEST)
    with using(db):
        evening = timedelta(minutes=50)
        Replay(db, people, NOW - evening, rng, ramp=evening * 0.9, places=places).play(NOW)
    return consultant


async def take(
    url: str, who: User, name: str, size: tuple[int, int], theme: str, keys: Sequence[str]
) -> None:
    """Sit down, press the keys and take the picture."""
    console = Console(ConsoleSettings(url, theme=theme), signed_in=who, clock=lambda: NOW)
    async with console.run_test(size=size) as pilot:
        await calm(pilot)
        for key in keys:
            await pilot.press(key)
            if len(key) > 1 or key.isdigit():
                await calm(pilot)
        await calm(pilot)
        picture = console.export_screenshot(title="readwatch")
    # The stock picture asks a foreign host for a font; any monospaced one does. Its ids are by
    # chance of what is in it, and long.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    picture = re.sub(r"terminal-\d+", name, picture)
    (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")


async def calm(pilot: Pilot[None]) -> None:
    """Wait until nothing has changed for a while."""
    before: list[str] = []
    while before != (now := [strip.text for strip in pilot.app.screen._compositor.render_strips()]):
        before = now
        await pilot.pause(1.2)


def main() -> None:
    """Take all pictures."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/demo.db"
        consultant = make_world(url)
        for name, size, theme, keys in SCREENS:
            asyncio.run(take(url, consultant, name, size, theme, keys))
        sqlite.BUSY_TIMEOUT_SECONDS = 1
        db = open_database(url, Role.INGEST)
        with using(db), db.atomic():
            asyncio.run(take(url, consultant, *REFUSED))


main()
