"""One reader with a long history: duration of export and erasure, and latency of other requests.

python benchmarks/personal_data.py [--activities 1000000] [--rate 20] [--postgresql]

The service runs, and other readers post activities at a fixed low rate: first alone, then during
each command. The erasure runs twice: the second run clears the unused space of the files; on SQLite
other programs cannot write during it.
"""

from collections.abc import Callable

from rig import beside, databases
from rig.commands import Called, called
from rig.processes import MIB, readwatch
from rig.readers import administrator, emails, opened, populate
from rig.report import Column, parser, progress, publish
from rig.slices import greet

from readwatch.domain.activities import Activity
from readwatch.domain.clock import system_clock
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.sessions import find_principal
from readwatch.store.identity.tokens import hash_token
from readwatch.store.recording.activities import record_activities

READERS = 1000
AT_ONCE = 5_000

COLUMNS = (*beside.COLUMNS, Column("file_mib", "file MiB", ",.0f"))


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument(
        "--activities", type=int, default=1_000_000, help="of the one reader (1000000)"
    )
    options.add_argument(
        "--rate", type=float, default=20, help="posts per second of other readers (20)"
    )
    databases.add_options(options)
    settings = options.parse_args()
    with databases.temporary_folder() as folder, databases.chosen(settings, folder) as url:
        tokens = populate(url, READERS)
        administrator(url)
        _read(url, tokens[0], settings.activities)
        whom, file = emails(1)[0], folder / "reader.zip"
        calls: dict[str, Callable[[], Called | None]] = {
            "nothing": lambda: None,
            "user export": lambda: called(url, "user", "export", whom, "--output", file),
            "user erase --no-vacuum": lambda: called(
                url, "user", "erase", whom, "--yes", "--no-vacuum"
            ),
            "user erase, again": lambda: called(
                url, "user", "erase", "erased-1@erased.invalid", "--yes"
            ),
        }
        rows = []
        with readwatch(url, folder) as server:
            greet(server, tokens[1:])
            for what, call in calls.items():
                progress(f"{what} ...")
                row = beside.beside(server, tokens[1:], settings.rate, what, call)
                size = file.stat().st_size / MIB if what == "user export" else None
                rows.append({**row, "file_mib": size})
    publish(settings, COLUMNS, rows)


def _read(url: str, token: str, length: int) -> None:
    """Store the activities of years of one reader, as the service does."""
    with opened(url, Role.INGEST) as db:
        principal = find_principal(db, hash_token(token), system_clock())
        assert principal
        for first in range(0, length, AT_ONCE):
            pages = [
                Activity(
                    "page_read",
                    f"book-{number // 300}",
                    f"Book {number // 300}",
                    number % 300 // 3,
                    60,
                    f'{{"page":{number % 300}}}',
                    f"event-{number}",
                )
                for number in range(first, min(first + AT_ONCE, length))
            ]
            with db.atomic():
                record_activities(db, principal, pages, system_clock())
            if first % (20 * AT_ONCE) == 0:
                progress(f"{first:>12,} of {length:,} activities")


if __name__ == "__main__":
    main()
