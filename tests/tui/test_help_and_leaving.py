"""What tells a consultant about the keys, and the ways out."""

import re

import pytest
from conftest import NOON
from tui.console_pilot import LARGE, SMALL, OpenConsole

from readwatch.domain.filters import canonical, parse
from readwatch.store.engine.connections import Database
from readwatch.store.lists.filter_sql import condition
from readwatch.store.lists.online import FILTERABLE_FIELDS
from readwatch.tui.keys import KEYS
from readwatch.tui.screens.help import FILTER


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_help_names_every_key_on_one_page(
    sit: OpenConsole, size: tuple[int, int]
) -> None:
    async with sit(size=size) as seat:
        await seat.presses("?")
        await seat.sees("Keys", "escape closes")
        names = {
            "question_mark": "?",
            "slash": "/",
            "left_curly_bracket": "{",
            "right_curly_bracket": "}",
        }
        for key in KEYS:
            name = " ".join(re.escape(names.get(part, part)) for part in key.key.split(","))
            assert re.search(rf"\s{name}\s+{re.escape(key.meaning)}\s", seat.screen), key
        assert all(
            f" {typed} " in seat.screen and meaning in seat.screen for typed, meaning in FILTER
        )
        await seat.presses("q")
        await seat.loses("escape closes")
        await seat.sees("nobody is online")


@pytest.mark.parametrize("typed", [typed for typed, _ in FILTER])
def test_the_filters_in_the_help_are_understood_by_a_list(typed: str, db: Database) -> None:
    terms = parse(typed)
    assert condition(db, terms, FILTERABLE_FIELDS, NOON).values
    assert canonical(terms) == typed


async def test_ctrl_c_says_how_to_leave(sit: OpenConsole) -> None:
    async with sit() as seat:
        await seat.sees("● LIVE")
        await seat.presses("ctrl+c")
        await seat.sees("q leaves the console")


async def test_q_leaves(sit: OpenConsole) -> None:
    async with sit() as seat:
        await seat.sees("● LIVE")
        await seat.presses("q")
        await seat.until(lambda: not seat.app.is_running)
