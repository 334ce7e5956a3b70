"""The screens as they are painted, cell by cell, held against the files in snapshots/.

`python3 dev.py run pytest tests/tui/test_snapshots.py --update-snapshots` writes them anew.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from difflib import unified_diff
from pathlib import Path
from time import monotonic

import pytest
from conftest import Cast, StillClock
from textual.widgets import Input
from tui.console_pilot import PATIENCE_SECONDS, ConsolePilot, OpenConsole
from tui.still_life import fill_the_house, paint
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
}
OVER_A_LIST = (
    (("ctrl+p", *"ann a"), "palette", "Ann Archer", "last login"),
    (("c", "down"), "columns", "Columns", "since the login"),
    (("v",), "views", "Views", "tab: keep"),
)

Looks = Callable[..., Awaitable[None]]


@pytest.fixture
def looks(request: pytest.FixtureRequest) -> Looks:
    """`await looks(seat, name, *words)`: the screen is, or within moments becomes, the one in the
    file; without the words none is written.
    """
    writes = request.config.getoption("--update-snapshots")

    async def looks(seat: ConsolePilot, name: str, *words: str) -> None:
        await seat.sees(*words)
        width, height = seat.app.size
        file = SNAPSHOTS / f"{width}x{height}" / f"{name.replace(' ', '-')}.txt"
        if writes:
            await is_done(seat)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(seat.screen.rstrip() + "\n", encoding="utf-8")
        expected = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        deadline = monotonic() + PATIENCE_SECONDS
        while (painted := seat.screen.rstrip().splitlines()) != expected:
            if monotonic() > deadline:
                difference = unified_diff(expected, painted, file.name, "painted", lineterm="")
                pytest.fail("\n".join(difference), pytrace=False)
            await seat.pilot.pause(0.02)

    return looks


async def is_done(seat: ConsolePilot) -> None:
    """Wait until nothing changes any more."""
    before = ""
    while seat.screen != before:
        before = seat.screen
        await seat.pilot.pause(0.7)


@pytest.fixture(autouse=True)
def greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """People see their own time zone: here it is UTC on every machine."""
    with monkeypatch.context() as there:
        there.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_has_its_likeness(
    sit: OpenConsole,
    db: Database,
    cast: Cast,
    clock: StillClock,
    looks: Looks,
    size: tuple[int, int],
) -> None:
    paint(db, cast, clock)
    async with sit(size=size) as seat:
        for key, (name, word) in LISTS.items():
            await seat.presses(key)
            await looks(seat, name, word, "● LIVE")
        await seat.presses("1", "enter")
        await looks(seat, "reader", "of reading")
        await seat.presses("space")
        await looks(seat, "reader unfolded", "content ")
        await seat.presses("question_mark")
        await looks(seat, "help", "everywhere")


async def test_so_has_whatever_is_laid_over_a_list(
    sit: OpenConsole, db: Database, cast: Cast, clock: StillClock, looks: Looks
) -> None:
    paint(db, cast, clock)
    async with sit() as seat:
        await seat.sees("Ann Archer", "● LIVE")
        for keys, name, *words in OVER_A_LIST:
            await seat.presses(*keys)
            await looks(seat, name, *words)
            await seat.presses("escape")
            await seat.until(lambda: not seat.app.screen.is_modal)
        await seat.presses("e")
        await seat.sees("File (.csv or .json)")
        await seat.presses("end", "ctrl+u")
        await seat.until(lambda: seat.app.screen.query_one(Input).value == "")
        await seat.types("all.csv")
        await looks(seat, "export", "Export 4 rows", "  all.csv  ")
        await seat.presses("escape")
        await seat.until(lambda: not seat.app.screen.is_modal)
        await seat.presses("L")
        await looks(seat, "cover", "readwatch is locked")


@pytest.mark.parametrize("size", SIZES)
async def test_live_frozen_stale_and_offline_differ_in_words(
    sit: OpenConsole,
    db: Database,
    cast: Cast,
    clock: StillClock,
    looks: Looks,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refresh_policy, "REFRESH_SECONDS", 3600)
    absent = paint(db, cast, clock)
    async with sit(size=size) as seat:
        await looks(seat, "online", "30 min", "● LIVE")
        clock.advance(seconds=13)
        await looks(seat, "online stale", "● STALE")
        await seat.presses("p")
        await seat.sees("● FROZEN")
        absent.reads("Emma")
        await looks(seat, "online frozen", "● FROZEN", "1 new")
        with mislaid_table(db):
            await looks(seat, "online offline", "● OFFLINE")


async def test_where_nobody_is_each_list_says_so(
    sit: OpenConsole, db: Database, cast: Cast, looks: Looks
) -> None:
    db.execute_sql("DELETE FROM users WHERE user_role = 'reader'")
    async with sit() as seat:
        for key, (name, word) in LISTS.items():
            await seat.presses(key)
            await looks(seat, f"{name} empty", word, "● LIVE")


async def test_of_a_thousand_rows_the_first_and_the_last_are_there(
    sit: OpenConsole, db: Database, clock: StillClock, looks: Looks
) -> None:
    fill_the_house(db, clock)
    for size in SIZES:
        async with sit(size=size) as seat:
            await looks(seat, "online 1000 top", "Reader0000")
            await seat.presses("end")
            await looks(seat, "online 1000 end", "Reader0999")


@pytest.mark.parametrize("theme", ["dark", "light", "no colour"])
async def test_the_words_say_it_all_in_any_colours(
    sit: OpenConsole,
    db: Database,
    cast: Cast,
    clock: StillClock,
    looks: Looks,
    theme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if theme == "no colour":
        monkeypatch.setenv("NO_COLOR", "1")
    paint(db, cast, clock)
    async with sit(theme="light" if theme == "light" else "dark") as seat:
        await looks(seat, "online", "30 min", "● LIVE")
        assert stands_out(seat.app, in_line=0) == [" 1 Online "]
        assert ("▌" in "".join(stands_out(seat.app, in_line=3))) == (theme == "no colour")
        await seat.presses("enter")
        await looks(seat, "reader", "of reading")


def stands_out(app: Console, *, in_line: int) -> list[str]:
    """What is seen also without colours, because bright and dark are swapped there."""
    strip = app.screen._compositor.render_strips()[in_line]
    return [part.text for part in strip if part.style and part.style.reverse]
