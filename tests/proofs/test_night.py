"""A night in front of the console, in minutes: its memory and its open files stay as they are."""

import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from statistics import median

import pytest
from proofs.length import short_and_long
from proofs.night import fast
from tui.terminal import terminal

from readwatch.demo.cast import cast
from readwatch.demo.habits import Rhythm
from readwatch.demo.replay import Replay
from readwatch.demo.world import PASSWORD, populate
from readwatch.domain.clock import system_clock
from readwatch.store.database import open_database, using
from readwatch.store.rights import Role

pytestmark = [
    # Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux has /proc"),
]
NIGHT = Path(__file__).with_name("night.py")
CALM = Rhythm(activity_seconds=60, pace=0.5)
MIB = 1024 * 1024
PAGE = 4096
ALLOWED = 12 * MIB
KEYS = (
    *("2", "G", "G", "g", "down", "\r", "}", "}", "{", " ", "}", "\x1b", "\x1b"),
    *("3", "G", "s", "g", "\r", "\t", "\t", "}", "\x1b", "/", "dr", "\r", "/", "\x1b"),
    *("1", "s", "S", "\r", "}", "}", "\x1b", "p", "p", "?", "\x1b"),
)


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@short_and_long("hours, readers, speed", (1, 40, 600.0), (12, 200, 240.0))
def test_a_night_leaves_a_console_as_large_as_it_was(
    url: str,
    hours: float,
    readers: int,
    speed: float,
    rng: Random,
    progress: Callable[[str], None],
    proved: Callable[[str], None],
) -> None:
    """People read, pictures follow one another, somebody looks at lists and readers all the time.

    What is remembered on purpose has its bound, and is as large as it gets after a third.
    """
    people = cast(readers, rng)
    consultant, places = populate(url, people, rng, system_clock())
    db = open_database(url, Role.INGEST)
    start = system_clock()
    command = [sys.executable, str(NIGHT), url, consultant.email, start.isoformat(), str(speed)]
    with using(db), terminal(command) as window:
        replay = Replay(db, people, start, rng, rhythm=CALM, places=places)
        window.sees("Password")
        window.types(f"{PASSWORD}\r")
        window.sees("Reader")
        kept, pages = 0, 0
        sizes: list[int] = []
        files: list[int] = []
        for key in cycle(KEYS):
            now = fast(start, speed)
            if now - start > timedelta(hours=hours):
                break
            kept += replay.play(now)
            pages += key in {"\r", "{", "}"}
            window.types("\x1b[B" if key == "down" else key)
            window.paints(0.1)
            sizes.append(resident(window.process.pid))
            files.append(open_files(window.process.pid))
            progress(f"{now:%H:%M} {sizes[-1] / MIB:.1f} MiB {files[-1]} files")
        window.types("\x1b")
        window.paints(0.5)  # a key right behind it would be taken for one with alt
        window.leans_on("1", "State")
        window.types("q")
        assert window.ends() == 0

    third = len(sizes) // 3
    before, after = median(sizes[third : 2 * third]), median(sizes[2 * third :])
    assert after - before < ALLOWED
    assert max(files[2 * third :]) <= max(files[third : 2 * third])
    proved(
        f"{hours} h with {readers} readers, {kept} activities, {len(sizes)} keys, {pages} pages:"
        f" {before / MIB:.1f} MiB, {after / MIB:.1f} MiB later, {max(files)} open files at most;"
        f" {len(window.raw) / MIB:.1f} MiB painted"
    )
