"""Twenty consoles look on while the apps post as fast as they can: nobody is in the way."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from conftest import PASSWORD, Cast
from ingest.process import PATIENCE, Running, serving
from proofs.length import short_and_long
from proofs.truth import faults

from readwatch.store.database import WAL_PAGES, Database

HERE = Path(__file__).parent
LOAD = HERE.parents[1] / "benchmarks" / "load.py"
CONSOLES = 20
MIB = 1024 * 1024

BOUND = 1.5 * WAL_PAGES * 4096
"""The service lets the WAL begin anew when it is this large, but for the last commits."""


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
        printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, "they saw nothing but pictures"
    pictures.append(int(printed))


def load(server: Running, tokens: str, wal: Path, seconds: float) -> tuple[dict[str, Any], int]:
    """Post batches as fast as they are answered; return what came of it and the largest WAL."""
    command = [sys.executable, str(LOAD), str(server.port), "activities", "--batch", "20"]
    largest = 0
    with subprocess.Popen(
        [*command, "--seconds", str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(tokens)
        process.stdin.close()
        while process.poll() is None:
            largest = max(largest, wal.stat().st_size if wal.exists() else 0)
            sleep(0.005)
        result: dict[str, Any] = json.load(process.stdout)
    return result, largest


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@short_and_long("seconds_alone, seconds_watched", (1, 3), (20, 60))
def test_the_wal_stays_bounded_however_many_look_on(
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
    with serving(url) as server:
        tokens = " ".join(
            server.app(user.email).token or "" for user in (cast.ann, cast.ben) for _ in range(8)
        )
        alone, _ = load(server, tokens, wal, seconds_alone)
        progress(f"alone: {alone}")
        with consoles(url, cast.cara.email) as pictures:
            watched, largest = load(server, tokens, wal, seconds_watched)
        progress(f"watched: {watched}")
        assert server.stop() == (0, "", "")

    assert alone["failures"] == watched["failures"] == 0
    assert pictures[0] > 0
    assert largest < BOUND
    db.connect()
    assert faults(db) == []
    proved(
        f"{CONSOLES} consoles took {pictures[0]} pictures while {watched['requests']} batches of 20"
        f" arrived: WAL {largest / MIB:.1f} MiB at most; p50 {watched['p50'] * 1000:.0f} ms, p99"
        f" {watched['p99'] * 1000:.0f} ms (without consoles {alone['p50'] * 1000:.0f} ms,"
        f" {alone['p99'] * 1000:.0f} ms)"
    )
