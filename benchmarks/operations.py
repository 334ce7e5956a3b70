"""The cost of an admin's commands on a long history, and how long posts wait meanwhile.

python benchmarks/operations.py [--activities 1000000] [--seconds 30] [--rate 100]

First each command runs by itself, in a process of its own. Then readers post, one activity a
request, at random times and a fixed rate: alone, and while a command runs again and again. Latency
counts from when a request was due. The service, the command and the load share the cores.
"""

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from rig import databases
from rig.commands import called
from rig.history import make_history
from rig.load import Load, Result
from rig.processes import MIB, Server, put, readwatch, watched
from rig.readers import PASSWORD, administrator, compared_with_kept, count_activities, emails
from rig.report import Column, Row, keep, parser, progress, show
from rig.slices import greet

from readwatch.domain.clock import system_clock

READERS = 200  # who post; each is logged in by its password

COMMANDS = (
    Column("command", "readwatch"),
    Column("seconds", "s", ",.1f"),
    Column("cpu_seconds", "cpu s", ",.1f"),
    Column("peak_mib", "peak MiB", ",.0f"),
    Column("code", "exit code"),
)
POSTS = (
    Column("meanwhile", "posts"),
    Column("runs", "runs", "d"),
    Column("asked_per_second", "posts/s", ",.0f"),
    Column("p50_ms", "p50 ms", ",.1f"),
    Column("p99_ms", "p99 ms", ",.1f"),
    Column("longest_ms", "longest ms", ",.0f"),
    Column("wal_mib", "WAL MiB", ",.0f"),
    Column("errors", "errors"),
)


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument(
        "--activities", type=int, default=1_000_000, help="length of the history (1000000)"
    )
    options.add_argument("--seconds", type=float, default=30, help="length of a load (30)")
    options.add_argument("--rate", type=float, default=100, help="posts a second (100)")
    settings = options.parse_args()
    with databases.temporary_folder() as folder:
        url = databases.sqlite_in(folder)
        make_history(url, settings.activities, system_clock())
        administrator(url)
        before = count_activities(url)
        commands = [_cost(url, folder, *call) for call in _calls(folder)]
        with readwatch(url, folder) as server:
            posts, results = _posts(settings, url, folder, server)
        kept = compared_with_kept(url, results, besides=before)
    show(settings, COMMANDS, commands)
    print()
    show(settings, POSTS, posts, kept)
    keep(settings, [*commands, *posts], kept)


def _calls(folder: Path) -> Iterator[tuple[object, ...]]:
    """Yield the commands that change nothing."""
    yield ("db", "health", "--quick")
    yield ("db", "health")
    yield ("db", "backup", folder / "backup.db")
    yield ("export", "activities", "--output", folder / "activities.csv")
    yield ("report", "week", "--output", folder / "week.html")
    yield ("stats",)


def _cost(url: str, folder: Path, *call: object) -> Row:
    name = " ".join(str(word) for word in call if not isinstance(word, Path))
    progress(f"{name} ...")
    done = called(url, *call)
    for file in folder.glob("backup.db*"):
        file.unlink()
    return {
        "command": name,
        "seconds": done.seconds,
        "cpu_seconds": done.cpu_seconds,
        "peak_mib": done.peak_bytes / MIB,
        "code": done.code,
    }


def _posts(
    settings: Namespace, url: str, folder: Path, server: Server
) -> tuple[list[Row], list[Result]]:
    tokens = [_logged_in(server.port, email) for email in emails(READERS)]
    greet(server, tokens)
    load = Load("activities", server.port, tokens, settings.seconds, rate=settings.rate)
    rows: list[Row] = []
    results: list[Result] = []
    for name, call in (
        ("alone", ()),
        ("during db health --quick", ("db", "health", "--quick")),
        ("during db backup", ("db", "backup", "--to", folder, "--keep", "1")),
        ("alone again", ()),
    ):
        progress(f"posts {name} ...")
        with watched(server) as cost, ThreadPoolExecutor(1) as thread:
            posting = thread.submit(partial(put, load))
            runs = _again_and_again(url, call, posting.done) if call else None
            result = posting.result()
        results.append(result)
        rows.append(
            {
                "meanwhile": name,
                "runs": runs,
                "asked_per_second": result.asked / settings.seconds,
                "p50_ms": result.p50 * 1000,
                "p99_ms": result.p99 * 1000,
                "longest_ms": result.longest * 1000,
                "wal_mib": cost.wal_bytes / MIB,
                "errors": result.words() or None,
            }
        )
    return rows, results


def _again_and_again(url: str, call: tuple[object, ...], is_over: Callable[[], bool]) -> int:
    """Run a command until the load is over; return the number of runs that were begun."""
    runs = 0
    while not is_over():
        runs += 1
        if code := called(url, *call).code:
            sys.exit(f"wrong: {' '.join(map(str, call))} ended with {code}")
    return runs


def _logged_in(port: int, email: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"email": email, "password": PASSWORD})
    connection.request("POST", "/api/login", body, {"Content-Type": "application/json"})
    token: str = json.load(connection.getresponse())["token"]
    connection.close()
    return token


if __name__ == "__main__":
    main()
