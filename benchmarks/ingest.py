"""How close the ingest service comes to a server that does nothing: ratios from one run.

    python benchmarks/ingest.py [--seconds 5] [--connections 16]

Each line is measured right after the bare Flask view on the same server with the same settings,
so that what the machine does besides touches both. The load runs on the same cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
from load import Result

from readwatch.demo.world import server as serve
from readwatch.domain.clock import system_clock
from readwatch.domain.users import UserRole
from readwatch.store import schema
from readwatch.store.database import open_database, using
from readwatch.store.passwords import hash_password
from readwatch.store.rights import Role
from readwatch.store.users import NewUser, add_user

HERE = Path(__file__).parent
PASSWORD = "a password for a benchmark"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--readers", type=int, default=64)
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="readwatch-benchmark-") as folder:
        url = f"sqlite:///{folder}/benchmark.db"
        emails = populate(url, settings.readers)
        with bare_server() as bare, serve(url, Path(folder) / "log") as base_url:
            port = int(base_url.rsplit(":", 1)[1])
            tokens = [login(base_url, email) for email in emails]
            print(
                f"{'what':<28}{'requests/s':>12}{'rows/s':>10}{'of bare':>9}"
                f"{'p50 ms':>8}{'p99 ms':>8}"
            )

            def measure(name: str, kind: str, batch: int = 0) -> None:
                empty = load(bare, "bare", [], settings)
                found = load(port, kind, tokens, settings, batch)
                rows = found.per_second * (batch or 1) if kind == "activities" else 0
                print(
                    f"{name:<28}{found.per_second:>12.0f}{rows:>10.0f}"
                    f"{found.per_second / empty.per_second:>9.2f}"
                    f"{found.p50 * 1000:>8.1f}{found.p99 * 1000:>8.1f}"
                    + (f"  {found.failures} failures" if found.failures else "")
                )

            measure("heartbeat", "heartbeat")
            measure("one activity", "activities")
            for batch in (20, 100, 500):
                measure(f"batch of {batch}", "activities", batch)
        print(
            f"bare executemany into the same tables: {executemany_rows_per_second(url):.0f} rows/s"
        )


def populate(url: str, readers: int) -> list[str]:
    """Make a database with some readers."""
    schema.prepare(url)
    password_hash = hash_password(PASSWORD, 4)
    db = open_database(url, Role.ADMIN)
    with using(db), db.atomic():
        emails = [f"reader{number}@example.org" for number in range(readers)]
        for email in emails:
            add_user(db, NewUser(email, email, UserRole.READER, password_hash), system_clock())
    db.close()
    return emails


def login(base_url: str, email: str) -> str:
    """Return a token."""
    body = json.dumps({"email": email, "password": PASSWORD}).encode()
    with urllib.request.urlopen(f"{base_url}/api/login", body) as answer:  # noqa: S310 - ours
        token: str = json.load(answer)["token"]
        return token


def load(
    port: int, kind: str, tokens: list[str], settings: argparse.Namespace, batch: int = 0
) -> Result:
    """Load a server from a process of its own."""
    command = [sys.executable, str(HERE / "load.py"), str(port), kind, "--batch", str(batch)]
    command += ["--seconds", str(settings.seconds), "--connections", str(settings.connections)]
    done = subprocess.run(
        command, input=" ".join(tokens), capture_output=True, text=True, check=True
    )
    return Result(**json.loads(done.stdout))


@contextmanager
def bare_server() -> Iterator[int]:
    """Run the empty Flask view on the same server with the same settings."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "bare.py")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        port = int(process.stdout.readline())
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/bare", b"").close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def executemany_rows_per_second(url: str) -> float:
    """Insert the same rows into the activity and receipt tables with nothing around it."""
    path = url.removeprefix("sqlite:///")
    db = apsw.Connection(path)
    db.pragma("synchronous", "FULL")
    now = "2026-11-22 12:00:00.000"
    rows, batch = 50_000, 100
    start = time.perf_counter()
    for first in range(0, rows, batch):
        numbers = range(first, first + batch)
        with db:
            db.executemany(
                "INSERT INTO reader_activities (user_id, session_id, activity_type, content_id, "
                "content_title, progress_percentage, duration_seconds, metadata_json, event_id, "
                "occurred_at, created_at) VALUES (1, 1, 'page_read', 'book', 'Pride', 5, 30, "
                "'{}', ?, ?, ?)",
                [(f"x{n}", now, now) for n in numbers],
            )
            db.executemany(
                "INSERT INTO activity_receipts VALUES (1, ?, 1, zeroblob(32), ?)",
                [(f"x{n}", now) for n in numbers],
            )
    took = time.perf_counter() - start
    db.close()
    return rows / took


if __name__ == "__main__":
    os.environ.pop("READWATCH_DATABASE", None)
    main()
