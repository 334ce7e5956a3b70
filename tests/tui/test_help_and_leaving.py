"""What tells a consultant about the keys, and the ways out."""

import re

import pytest
from conftest import NOON
from tui.console_pilot import LARGE, SMALL, OpenConsole

from readwatch.domain.filters import canonical, parse
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database
from readwatch.store.lists.filter_sql import condition
from readwatch.store.lists.online import FILTERABLE_FIELDS
from readwatch.tui.keys import KEYS, Group
from readwatch.tui.screens.help import FILTER

ON_ONE_LINE = {Group.VIEWS, Group.PAST, Group.PAIR, Group.HISTORY, Group.CASES, Group.ATTENTION}


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_help_names_every_key_on_one_page(
    open_console: OpenConsole, size: tuple[int, int]
) -> None:
    async with open_console(size=size) as pilot:
        await pilot.presses("?")
        await pilot.sees("Keys", "escape closes")
        names = {
            "question_mark": "?",
            "slash": "/",
            "left_square_bracket": "[",
            "right_square_bracket": "]",
            "less_than_sign": "<",
            "greater_than_sign": ">",
            "left_curly_bracket": "{",
            "right_curly_bracket": "}",
        }
        for key in KEYS:
            name = " ".join(re.escape(names.get(part, part)) for part in key.key.split(","))
            words = key.label.lower() if key.group in ON_ONE_LINE else key.meaning
            assert re.search(rf"\s{name}\s+{re.escape(words)}\s", pilot.screen), key
        assert all(
            f" {typed} " in pilot.screen and meaning in pilot.screen for typed, meaning in FILTER
        )
        await pilot.presses("q")
        await pilot.loses("escape closes")
        await pilot.sees("nobody is online")


@pytest.mark.parametrize("typed", [typed for typed, _ in FILTER])
def test_the_filters_in_the_help_are_understood_by_a_list(typed: str, db: Database) -> None:
    terms = parse(typed)
    assert condition(db, ALL_READERS, terms, FILTERABLE_FIELDS, NOON).values
    assert canonical(terms) == typed


async def test_ctrl_c_says_how_to_leave(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("ctrl+c")
        await pilot.sees("q leaves the console")


async def test_q_leaves(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("q")
        await pilot.until(lambda: not pilot.app.is_running)
