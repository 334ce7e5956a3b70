"""An archive of a long history: its duration, the room that it saves, and the latency of posts.

python benchmarks/archive.py [--activities 200000] [--rate 20] [--postgresql]

A thousand readers have read until 400 days ago. The service runs, and readers post activities at a
fixed low rate: first alone, then during each command. `db vacuum` shows how small the database has
become; on SQLite other programs cannot write during it.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from rig import beside, databases
from rig.commands import Called, called
from rig.history import logged_in, make_history
from rig.processes import MIB, readwatch
from rig.readers import administrator, emails, opened
from rig.report import Column, parser, progress, publish
from rig.slices import greet

from readwatch.domain.clock import system_clock
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.lifecycle.health import database_size

COLUMNS = (
    *beside.COLUMNS,
    Column("rows_per_second", "activities/s", ",.0f"),
    Column("database_mib", "database MiB", ",.0f"),
    Column("files_mib", "files MiB", ",.1f"),
)


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument(
        "--activities", type=int, default=200_000, help="length of the history (200000)"
    )
    options.add_argument("--rate", type=float, default=20, help="posts per second (20)")
    options.add_argument(
        "--seconds", type=float, default=20, help="length of the measurement without a command (20)"
    )
    databases.add_options(options)
    settings = options.parse_args()
    with databases.temporary_folder() as folder, databases.chosen(settings, folder) as url:
        make_history(url, settings.activities, system_clock() - timedelta(days=400))
        administrator(url)
        tokens, files = logged_in(url), folder / "archive"
        archive = ("maintenance", "archive", "--older-than", "1y", "--to", files, "--yes")
        calls: dict[str, Callable[[], Called | None]] = {
            "nothing": lambda: time.sleep(settings.seconds),
            "maintenance archive": lambda: called(url, *archive),
            "maintenance archive --verify": lambda: called(
                url, "maintenance", "archive", "--verify"
            ),
            "user export": lambda: called(
                url, "user", "export", emails(1)[0], "--output", folder / "reader.zip"
            ),
            "user erase --no-vacuum": lambda: called(
                url, "user", "erase", emails(1)[0], "--yes", "--no-vacuum"
            ),
            "db vacuum": lambda: called(url, "db", "vacuum", "--yes"),
            "db health": lambda: called(url, "db", "health"),
        }
        rows = []
        with readwatch(url, folder) as server, opened(url, Role.OWNER) as db:
            greet(server, tokens)
            before = _number(db)
            for what, call in calls.items():
                progress(f"{what} ...")
                row = dict(beside.beside(server, tokens[1:], settings.rate, what, call))
                if what == "maintenance archive":
                    row["rows_per_second"] = (before + row["posts"] - _number(db)) / row["seconds"]
                sizes = {"database_mib": database_size(db) / MIB, "files_mib": _size(files)}
                rows.append({**row, **sizes})
    publish(settings, COLUMNS, rows, f"{before:,} activities before")


def _number(db: Database) -> int:
    (number,) = db.execute_sql("SELECT count(*) FROM reader_activities").fetchone()
    return int(number)


def _size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.glob("*")) / MIB


if __name__ == "__main__":
    main()
