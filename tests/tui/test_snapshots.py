"""Text snapshots: the painted screens, cell by cell, compared with the files in snapshots/.

`python3 dev.py run pytest tests/tui/test_snapshots.py --update-snapshots` updates them.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from difflib import unified_diff
from pathlib import Path
from time import monotonic

import pytest
from conftest import Cast, StillClock
from textual.widgets import Input
from tui.console_pilot import TIMEOUT_SECONDS, ConsolePilot, OpenConsole
from tui.morning import add_many_readers, record_morning
from tui.test_connection_loss import mislaid_table

from readwatch.monitor import refresh_policy
from readwatch.store.engine.connections import Database
from readwatch.tui.app import Console

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

SNAPSHOTS = Path(__file__).with_name("snapshots")
SIZES = ((80, 24), (120, 40), (200, 60))
LISTS = {
    "1": ("online", "30 min"),
    "2": ("activity", "Time ▼"),
    "3": ("readers", "Titles"),
    "4": ("attention", "Why ▲"),
    "5": ("access log", "When ▼"),
    "6": ("groups", "Group ▲"),
    "7": ("day", "First ▲"),
}
OVER_A_LIST = (
    (("ctrl+p", *"ann a"), "palette", "Ann Archer", "last login"),
    (("c", "down"), "columns", "Columns", "since the login"),
    (("v",), "saved views", "Saved views", "This view:"),
)

AssertSnapshot = Callable[..., Awaitable[None]]


@pytest.fixture
def assert_snapshot(request: pytest.FixtureRequest) -> AssertSnapshot:
    """`await assert_snapshot(pilot, name, *words)`: the words are painted, and the screen becomes
    the one in the file.
    """
    writes = request.config.getoption("--update-snapshots")

    async def assert_snapshot(pilot: ConsolePilot, name: str, *words: str) -> None:
        await pilot.sees(*words)
        width, height = pilot.app.size
        file = SNAPSHOTS / f"{width}x{height}" / f"{name.replace(' ', '-')}.txt"
        if writes:
            await is_still(pilot)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(pilot.screen.rstrip() + "\n", encoding="utf-8")
        expected = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        deadline = monotonic() + TIMEOUT_SECONDS
        while (painted := pilot.screen.rstrip().splitlines()) != expected:
            if monotonic() > deadline:
                difference = unified_diff(expected, painted, file.name, "painted", lineterm="")
                pytest.fail("\n".join(difference), pytrace=False)
            await pilot.textual.pause(0.02)

    return assert_snapshot


async def is_still(pilot: ConsolePilot) -> None:
    """Wait until nothing changes."""
    before = ""
    while pilot.screen != before:
        before = pilot.screen
        await pilot.textual.pause(0.7)


@pytest.fixture(autouse=True)
def greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time zone is UTC on every machine."""
    with monkeypatch.context() as there:
        there.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_has_its_text_snapshot(
    open_console: OpenConsole,
    db: Database,
    cast: Cast,
    clock: StillClock,
    assert_snapshot: AssertSnapshot,
    size: tuple[int, int],
) -> None:
    record_morning(db, cast, clock)
    async with open_console(size=size) as pilot:
        for key, (name, word) in LISTS.items():
            await pilot.presses(key)
            await assert_snapshot(pilot, name, word, "● LIVE")
        await pilot.presses("1", "enter")
        await assert_snapshot(pilot, "reader", "of reading")
        await pilot.presses("space")
        await assert_snapshot(pilot, "activity detail", "content ")
        await pilot.presses("question_mark")
        await assert_snapshot(pilot, "help", "everywhere")
        await pilot.presses("escape", "escape", "4")
        await pilot.sees("Why ▲")
        await pilot.presses("z")
        await assert_snapshot(pilot, "snooze", "Until")


async def test_so_has_whatever_is_laid_over_a_list(
    open_console: OpenConsole,
    db: Database,
    cast: Cast,
    clock: StillClock,
    assert_snapshot: AssertSnapshot,
) -> None:
    record_morning(db, cast, clock)
    async with open_console() as pilot:
        await pilot.sees("Ann Archer", "● LIVE")
        for keys, name, *words in OVER_A_LIST:
            await pilot.presses(*keys)
            await assert_snapshot(pilot, name, *words)
            await pilot.presses("escape")
            await pilot.until(lambda: not pilot.app.screen.is_modal)
        await pilot.presses("e")
        await pilot.sees("File (.csv or .json)")
        await pilot.presses("end", "ctrl+u")
        await pilot.until(lambda: pilot.app.screen.query_one(Input).value == "")
        await pilot.types("all.csv")
        await assert_snapshot(pilot, "export", "Export 4 rows", "  all.csv  ")
        await pilot.presses("escape")
        await pilot.until(lambda: not pilot.app.screen.is_modal)
        await pilot.presses("L")
        await assert_snapshot(pilot, "lock", "readwatch is locked")


@pytest.mark.parametrize("size", SIZES)
async def test_live_frozen_stale_and_offline_differ_in_words(
    open_console: OpenConsole,
    db: Database,
    cast: Cast,
    clock: StillClock,
    assert_snapshot: AssertSnapshot,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refresh_policy, "REFRESH_SECONDS", 3600)
    absent = record_morning(db, cast, clock)
    async with open_console(size=size) as pilot:
        await assert_snapshot(pilot, "online", "30 min", "● LIVE")
        clock.advance(seconds=13)
        await assert_snapshot(pilot, "online stale", "● STALE")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        absent.reads("Emma")
        await assert_snapshot(pilot, "online frozen", "● FROZEN", "1 new")
        with mislaid_table(db):
            await assert_snapshot(pilot, "online offline", "● OFFLINE")


async def test_where_nobody_is_each_list_says_so(
    open_console: OpenConsole, db: Database, cast: Cast, assert_snapshot: AssertSnapshot
) -> None:
    db.execute_sql("DELETE FROM users WHERE user_role = 'reader'")
    async with open_console() as pilot:
        for key, (name, word) in LISTS.items():
            await pilot.presses(key)
            await assert_snapshot(pilot, f"{name} empty", word, "● LIVE")


async def test_of_a_thousand_rows_the_first_and_the_last_are_there(
    open_console: OpenConsole, db: Database, clock: StillClock, assert_snapshot: AssertSnapshot
) -> None:
    add_many_readers(db, clock)
    for size in SIZES:
        async with open_console(size=size) as pilot:
            await assert_snapshot(pilot, "online 1000 top", "Reader0000")
            await pilot.presses("end")
            await assert_snapshot(pilot, "online 1000 end", "Reader0999")


@pytest.mark.parametrize("theme", ["dark", "light", "no colour"])
async def test_the_words_say_it_all_in_any_colours(
    open_console: OpenConsole,
    db: Database,
    cast: Cast,
    clock: StillClock,
    assert_snapshot: AssertSnapshot,
    theme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if theme == "no colour":
        monkeypatch.setenv("NO_COLOR", "1")
    record_morning(db, cast, clock)
    async with open_console(theme="light" if theme == "light" else "dark") as pilot:
        await assert_snapshot(pilot, "online", "30 min", "● LIVE")
        assert stands_out(pilot.app, in_line=0) == ["1 Online"]
        assert ("▌" in "".join(stands_out(pilot.app, in_line=3))) == (theme == "no colour")
        await pilot.presses("enter")
        await assert_snapshot(pilot, "reader", "of reading")


def stands_out(app: Console, *, in_line: int) -> list[str]:
    """The parts that are visible without colours, because they are in reverse video."""
    strip = app.screen._compositor.render_strips()[in_line]
    return [part.text for part in strip if part.style and part.style.reverse]
