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

from readwatch.store.database import Database

HERE = Path(__file__).parent
LOAD = HERE.parents[1] / "benchmarks" / "load.py"
CONSOLES = 20
MIB = 1024 * 1024


@contextmanager
def consoles(url: str, cast: Cast) -> Iterator[None]:
    """Let the consoles poll; fail if one of them saw anything but pictures."""
    command = [sys.executable, str(HERE / "consoles.py"), url, cast.cara.email, PASSWORD]
    with subprocess.Popen(
        [*command, str(CONSOLES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "watching\n"
        yield
        printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    print(printed)


def load(server: Running, wal: Path, seconds: float) -> tuple[dict[str, Any], int]:
    """Post batches as fast as they are answered; return what came of it and the largest WAL."""
    tokens = [server.app(f"{name}@example.org").token for name in ("ann", "ben")]
    command = [sys.executable, str(LOAD), str(server.port), "activities", "--batch", "20"]
    largest = 0
    with subprocess.Popen(
        [*command, "--seconds", str(seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:
        process.stdin.write(" ".join(tokens)); process.stdin.close()
        while process.poll() is None:
            largest = max(largest, wal.stat().st_size if wal.exists() else 0)
            sleep(0.01)
        return json.loads(process.stdout.read()), largest

@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@short_and_long("seconds", 3, 20)
def test_x(url, cast, db, seconds):
    with serving(url) as server:
        wal = Path(db.database + "-wal")
        alone = load(server, wal, seconds)
        print(alone)
        with consoles(url, cast):
            print(load(server, wal, seconds))
        assert server.stop() == (0, "", "")
    assert faults(db) == []
