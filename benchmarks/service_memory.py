"""Memory of the service: at the start, with many sessions, and after an hour of activities.

python benchmarks/service_memory.py [--readers 10000] [--batch 100] [--postgresql]

A reader has 360 activities an hour. They are posted in batches as fast as the service answers: with
10,000 readers 3.6 million, which takes minutes and 2 GB of disk.
"""

from time import perf_counter

from rig import databases
from rig.load import Load
from rig.processes import MIB, put, readwatch, watched
from rig.readers import compared_with_kept, populate
from rig.report import Column, Row, parser, progress, publish
from rig.slices import greet

ACTIVITIES_AN_HOUR = 360

COLUMNS = (
    Column("when", "when"),
    Column("resident_mib", "memory MiB", ",.0f"),
    Column("peak_mib", "peak MiB", ",.0f"),
    Column("seconds", "s", ",.1f"),
    Column("rows_per_second", "rows/s", ",.0f"),
    Column("wal_mib", "WAL MiB", ",.1f"),
    Column("errors", "errors"),
)


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--readers", type=int, default=10_000, help="number of readers (10000)")
    options.add_argument("--batch", type=int, default=100, help="activities per request (100)")
    options.add_argument(
        "--connections", type=int, default=32, help="simultaneous connections (32)"
    )
    databases.add_options(options)
    settings = options.parse_args()
    activities = settings.readers * ACTIVITIES_AN_HOUR
    with databases.temporary_folder() as folder, databases.chosen(settings, folder) as url:
        tokens = populate(url, settings.readers)
        rows: list[Row] = []
        with readwatch(url, folder) as server:
            rows.append({"when": "at the start", "resident_mib": server.resident_bytes() / MIB})
            greet(server, tokens)
            sessions = f"{settings.readers:,} sessions"
            rows.append({"when": sessions, "resident_mib": server.resident_bytes() / MIB})
            progress(f"posting {activities:,} activities ...")
            load = Load(
                "activities",
                server.port,
                tokens,
                seconds=24 * 3600,
                batch=settings.batch,
                connections=settings.connections,
                requests=-(-activities // settings.batch),
            )
            start = perf_counter()
            with watched(server) as cost:
                result = put(load)
            rows.append(
                {
                    "when": "an hour of activities",
                    "resident_mib": server.resident_bytes() / MIB,
                    "peak_mib": cost.resident_bytes / MIB,
                    "seconds": perf_counter() - start,
                    "rows_per_second": result.accepted / result.seconds,
                    "wal_mib": cost.wal_bytes / MIB,
                    "errors": result.words(),
                }
            )
        kept = compared_with_kept(url, [result])
    publish(settings, COLUMNS, rows, kept)


if __name__ == "__main__":
    main()
