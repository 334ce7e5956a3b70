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
from tui.seat import PATIENCE_SECONDS, Seat, Sit
from tui.still_life import fill_the_house, paint
from tui.test_loss import mislaid_table

from readwatch.store.database import Database
from readwatch.tui import pace
from readwatch.tui.app import Console

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

SNAPSHOTS = Path(__file__).with_name("snapshots")
SIZES = ((80, 24), (120, 40), (200, 60))
LISTS = {"1": "online", "2": "activity", "3": "readers", "4": "attention", "5": "access log"}

Looks = Callable[[Seat, str], Awaitable[None]]


@pytest.fixture
def looks(request: pytest.FixtureRequest) -> Looks:
    """`await looks(seat, name)`: the screen is, or within moments becomes, the one in the file."""
    writes = request.config.getoption("--update-snapshots")

    async def looks(seat: Seat, name: str) -> None:
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


async def is_done(seat: Seat) -> None:
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
    sit: Sit, db: Database, cast: Cast, clock: StillClock, looks: Looks, size: tuple[int, int]
) -> None:
    paint(db, cast, clock)
    async with sit(size=size) as seat:
        for key, name in LISTS.items():
            await seat.presses(key)
            await looks(seat, name)
        await seat.presses("1", "enter")
        await looks(seat, "reader")
        await seat.presses("space")
        await looks(seat, "reader unfolded")
        await seat.presses("question_mark")
        await looks(seat, "help")


@pytest.mark.parametrize("size", SIZES)
async def test_live_frozen_stale_and_offline_differ_in_words(
    sit: Sit,
    db: Database,
    cast: Cast,
    clock: StillClock,
    looks: Looks,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "REFRESH_SECONDS", 3600)
    absent = paint(db, cast, clock)
    async with sit(size=size) as seat:
        await looks(seat, "online")
        clock.advance(seconds=13)
        await seat.sees("● STALE")
        await looks(seat, "online stale")
        await seat.presses("p")
        await seat.sees("● FROZEN")
        absent.reads("Emma")
        await seat.sees("● FROZEN", "1 new")
        await looks(seat, "online frozen")
        with mislaid_table(db):
            await seat.sees("● OFFLINE")
            await looks(seat, "online offline")


async def test_where_nobody_is_each_list_says_so(
    sit: Sit, db: Database, cast: Cast, looks: Looks
) -> None:
    db.execute_sql("DELETE FROM users WHERE user_role = 'reader'")
    async with sit() as seat:
        for key, name in LISTS.items():
            await seat.presses(key)
            await looks(seat, f"{name} empty")


async def test_of_a_thousand_rows_the_first_and_the_last_are_there(
    sit: Sit, db: Database, clock: StillClock, looks: Looks
) -> None:
    fill_the_house(db, clock)
    for size in SIZES:
        async with sit(size=size) as seat:
            await looks(seat, "online 1000 top")
            await seat.presses("end")
            await looks(seat, "online 1000 end")


@pytest.mark.parametrize("theme", ["dark", "light", "no colour"])
async def test_the_words_say_it_all_in_any_colours(
    sit: Sit,
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
        await looks(seat, "online")
        assert stands_out(seat.app, in_line=0) == [" 1 Online "]
        assert ("▌" in "".join(stands_out(seat.app, in_line=3))) == (theme == "no colour")
        await seat.presses("enter")
        await looks(seat, "reader")


def stands_out(app: Console, *, in_line: int) -> list[str]:
    """What is seen also without colours, because bright and dark are swapped there."""
    strip = app.screen._compositor.render_strips()[in_line]
    return [part.text for part in strip if part.style and part.style.reverse]
