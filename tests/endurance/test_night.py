"""A night in front of the console, in minutes: memory, open files and threads level off."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from statistics import linear_regression

import pytest
from endurance.length import short_and_long
from endurance.night import fast
from tui.real_terminal import terminal

from readwatch.demo.cast import cast
from readwatch.demo.habits import Rhythm
from readwatch.demo.replay import Replay
from readwatch.demo.world import PASSWORD, populate
from readwatch.domain.clock import system_clock
from readwatch.store.engine.connections import connection, open_database
from readwatch.store.engine.privileges import Role

pytestmark = [
    # Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux has /proc"),
]
NIGHT = Path(__file__).with_name("night.py")
CALM = Rhythm(activity_seconds=60, speed=0.5)
MIB = 1024 * 1024
PAGE = 4096
KEYS = (
    *("2", "G", "G", "g", "down", "\r", "}", "}", "{", " ", "}", "\x1b", "\x1b"),
    *("3", "G", "s", "g", "\r", "\t", "\t", "}", "\x1b", "/", "dr", "\r", "/", "\x1b"),
    *("1", "s", "S", "\r", "}", "}", "\x1b", "p", "p", "?", "\x1b"),
)


@dataclass(frozen=True, slots=True)
class Size:
    """What a process holds; memory in MiB."""

    memory: float
    files: int
    threads: int


def size_of(pid: int) -> Size:
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text().split()[1])
    files, threads = (len(list((process / each).iterdir())) for each in ("fd", "task"))
    return Size(pages * PAGE / MIB, files, threads)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@short_and_long(
    "hours, keys, readers, speed, allowed", (1, 40, 20, 600.0, 16), (12, 1000, 60, 180.0, 8)
)
def test_a_night_leaves_a_console_as_large_as_it_was(
    url: str,
    hours: float,
    keys: int,
    readers: int,
    speed: float,
    allowed: float,
    rng: Random,
    progress: Callable[[str], None],
    proved: Callable[[str], None],
) -> None:
    """People read, pictures follow one another, somebody looks at lists and readers all the time.

    Caches fill, and the garbage that Python leaves lying about grows to a part of what lives: the
    first half is for that. What grew in the second half is the trend of all its sizes, in MiB.
    """
    people = cast(readers, rng)
    consultant, positions = populate(url, people, rng, system_clock())
    db = open_database(url, Role.INGEST)
    start = system_clock()
    command = [sys.executable, str(NIGHT), url, consultant.email, start.isoformat(), str(speed)]
    with connection(db), terminal(command) as window:
        replay = Replay(db, people, start, rng, rhythm=CALM, positions=positions)
        window.sees("Password")
        window.types(f"{PASSWORD}\r")
        window.sees("Reader")
        kept, pages = 0, 0
        sizes: list[Size] = []
        for key in cycle(KEYS):
            now = fast(start, speed)
            if now - start > timedelta(hours=hours) and len(sizes) >= keys:
                break
            kept += replay.play(now)
            pages += key in {"\r", "{", "}"}
            window.types("\x1b[B" if key == "down" else key)
            window.paints(0.1)
            assert window.process.isalive(), window.screen
            sizes.append(size_of(window.process.pid))
            size = sizes[-1]
            progress(f"{now:%H:%M} {size.memory:.1f} MiB {size.files} files {size.threads} threads")
        window.types("\x1b")
        window.paints(0.5)  # a key right behind it would be taken for one with alt
        window.leans_on("1", "Ago")
        window.types("q")
        assert window.ends() == 0

    half = len(sizes) // 2
    before, after, end = sizes[:half], sizes[half:], sizes[-half // 2 :]
    grown = len(after) * linear_regression(range(len(after)), [s.memory for s in after]).slope
    assert grown < allowed
    assert min(s.files for s in end) <= max(s.files for s in before)
    assert min(s.threads for s in end) <= max(s.threads for s in before)
    proved(
        f"{hours} h with {readers} readers, {kept} activities, {len(sizes)} keys, {pages} pages:"
        f" {before[-1].memory:.1f} MiB, {grown:+.1f} MiB in the second half; at the end"
        f" {end[-1].files} open files, {end[-1].threads} threads;"
        f" {len(window.raw) / MIB:.1f} MiB painted"
    )
