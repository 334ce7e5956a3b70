"""Twenty consoles look on while the apps post as fast as they can: nobody is in the way."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from time import monotonic, sleep

import pytest
from conftest import PASSWORD, Cast
from endurance.apps import StubbornApp, activity
from endurance.length import short_and_long
from endurance.truth import assert_healthy, assert_no_fault
from ingest.process import TIMEOUT, serving

from readwatch.store.engine.connections import Database
from readwatch.store.engine.sqlite import WAL_PAGES

HERE = Path(__file__).parent
CONSOLES = 20
BATCH = 20
RUNS = count()
MIB = 1024 * 1024

BOUND = 2.5 * WAL_PAGES * 4096 / MIB
"""The service lets the WAL begin anew when it has `WAL_PAGES`, or twice as many if somebody read
for longer than it waits, as on a busy machine; then come the last commits."""


@contextmanager
def consoles(url: str, email: str) -> Iterator[list[int]]:
    """Let the consoles poll; afterwards the list holds how many pictures they took."""
    pictures: list[int] = []
    command = [sys.executable, str(HERE / "consoles.py"), url, email, PASSWORD, str(CONSOLES)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "watching\n"
        yield pictures
        printed, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, "they saw nothing but pictures"
    pictures.append(int(printed))


@dataclass(frozen=True)
class Load:
    """What came of a load: latencies in milliseconds, sorted; the largest WAL in MiB."""

    latencies: list[float]
    wal: float

    def __str__(self) -> str:
        p50, p99 = (self.latencies[int(len(self.latencies) * part)] for part in (0.5, 0.99))
        return f"{len(self.latencies)} batches of {BATCH}, p50 {p50:.0f} ms, p99 {p99:.0f} ms"


def load(apps: Sequence[StubbornApp], wal: Path, seconds: float) -> Load:
    """Let all apps post batches as fast as they are answered."""
    run = next(RUNS)
    until = monotonic() + seconds
    largest = 0

    def post_batches(app: StubbornApp) -> list[float]:
        latencies: list[float] = []
        while (began := monotonic()) < until:
            name = f"{run}-{id(app)}-{len(latencies)}"
            batch = [activity(f"{name}-{number}") for number in range(BATCH)]
            status, answer = app.post("/api/activities", {"activities": batch})
            assert status == 200, answer
            latencies.append((monotonic() - began) * 1000)
        return latencies

    with ThreadPoolExecutor(len(apps)) as threads:
        posting = [threads.submit(post_batches, app) for app in apps]
        while not all(work.done() for work in posting):
            largest = max(largest, wal.stat().st_size if wal.exists() else 0)
            sleep(0.01)
    return Load(sorted(chain(*(work.result() for work in posting))), largest / MIB)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@short_and_long("seconds_alone, seconds_watched", (1, 3), (20, 60))
def test_the_wal_stays_bounded_however_many_consoles_are_open(
    url: str,
    cast: Cast,
    db: Database,
    seconds_alone: float,
    seconds_watched: float,
    progress: Callable[[str], None],
    proved: Callable[[str], None],
) -> None:
    """SQLite alone would let it grow: its checkpoints never wait, and somebody always reads.

    The writer waits for them once the WAL is large, and nothing is committed meanwhile: those who
    read end their look, those who begin one need the WAL no more, and it begins anew.
    """
    wal = Path(f"{db.database}-wal")
    db.close()  # or it would be one more who reads
    with serving(url) as server, ExitStack() as stack:
        apps = [StubbornApp(server.port, u.email) for u in (cast.ann, cast.ben) for _ in range(8)]
        for app in apps:
            stack.callback(app.connection.close)
            app.login()
        alone = load(apps, wal, seconds_alone)
        progress(f"without consoles: {alone}")
        with consoles(url, cast.cara.email) as pictures:
            watched = load(apps, wal, seconds_watched)
        code, _, log = server.stop()
        assert code == 0
        assert_no_fault(log)

    assert pictures[0] > 0
    assert watched.wal < BOUND
    db.connect()
    assert_healthy(db)
    proved(
        f"{CONSOLES} consoles took {pictures[0]} pictures, somebody always read:"
        f" WAL {watched.wal:.1f} MiB at most; {watched}; without consoles {alone}"
    )
