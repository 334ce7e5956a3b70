"""The cost of an admin's commands on a long history, and how long posts wait meanwhile.

python benchmarks/operations.py [--activities 1000000] [--rate 100]

A thousand readers have an activity each every 20 minutes, until now. Each command runs in a process
of its own, first by itself and then, if it is one for every day, while readers post at a fixed rate
and at random times, one activity a request. Latency counts from when a request was due. The
service, the command and the load share the cores.
"""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rig import beside, databases
from rig.commands import called
from rig.history import logged_in, make_history
from rig.processes import MIB, readwatch
from rig.readers import administrator, count_activities
from rig.report import Row, parser, progress, publish
from rig.slices import greet

from readwatch.domain.clock import system_clock


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument(
        "--activities", type=int, default=1_000_000, help="length of the history (1000000)"
    )
    options.add_argument("--rate", type=float, default=100, help="posts a second (100)")
    options.add_argument(
        "--seconds", type=float, default=30, help="length of the posts without a command (30)"
    )
    settings = options.parse_args()
    with databases.temporary_folder() as folder:
        url = databases.sqlite_in(folder)
        make_history(url, settings.activities, system_clock())
        administrator(url)
        rows = [_alone(url, *call) for call in _calls(folder)]
        tokens = logged_in(url)
        stored = count_activities(url)
        with readwatch(url, folder) as server:
            greet(server, tokens)
            nothing = partial(time.sleep, settings.seconds)
            for what, call in (
                ("posts alone", nothing),
                ("db backup", partial(called, url, "db", "backup", "--to", folder, "--keep", 1)),
                ("db health --quick", partial(called, url, "db", "health", "--quick")),
                ("posts alone, again", nothing),
            ):
                progress(f"{what}, with posts ...")
                rows.append(beside.beside(server, tokens, settings.rate, what, call))
        stored = count_activities(url) - stored
    publish(settings, beside.COLUMNS, rows, f"{stored:,} activities were stored meanwhile")


def _calls(folder: Path) -> Iterator[tuple[object, ...]]:
    """Yield the commands that change nothing."""
    yield ("db", "status")
    yield ("db", "health", "--quick")
    yield ("db", "health")
    yield ("db", "backup", folder / "backup.db")
    yield ("export", "activities", "--output", folder / "activities.csv")
    yield ("report", "week", "--output", folder / "week.html")
    yield ("stats",)
    yield ("doctor", "--backups", folder)


def _alone(url: str, *call: object) -> Row:
    name = " ".join(str(word) for word in call if not isinstance(word, Path))
    progress(f"{name} ...")
    done = called(url, *call)
    return {
        "what": name,
        "seconds": done.seconds,
        "cpu_seconds": done.cpu_seconds,
        "peak_mib": done.peak_bytes / MIB,
        "code": done.code,
    }


if __name__ == "__main__":
    main()
