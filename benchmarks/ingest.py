"""The ingest service compared with an empty view on the same server, and with the database alone.

python benchmarks/ingest.py [--seconds 2] [--rounds 5] [--connections 32]

Each line is measured in short slices that alternate with a bare Flask view on the same server, so
that other work of the machine affects both; the table shows the median of the ratios. The load
runs on the same cores.
"""

from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, cycle
from statistics import median
from time import perf_counter
from typing import Any

from rig.databases import sqlite_in, temporary_folder
from rig.load import Load, Result
from rig.processes import Server, hosted, put, readwatch
from rig.readers import compared_with_kept, populate
from rig.report import Column, parser, progress, publish
from rig.slices import Slice, add_options, figures, greet, in_turn, loaded, rates, ratio
from rig.traffic import Activities, Moments

from readwatch.store.engine.connections import (
    close_all,
    connection,
    driver_connection,
    open_database,
)
from readwatch.store.engine.privileges import Role

BATCHES = (1, 20, 100, 500)
TARGETS = {"heartbeats": {"of_bare": 0.7}, "batch of 1": {"of_bare": 0.4}}
TARGETS |= {f"batch of {batch}": {"of_executemany": 0.7} for batch in BATCHES if batch >= 100}
P99_MS_AT_HALF = 25

COLUMNS = (
    Column("what", "what"),
    Column("requests_per_second", "requests/s", ",.0f"),
    Column("rows_per_second", "rows/s", ",.0f"),
    Column("of_bare", "of bare", ".2f"),
    Column("of_bare_spread", "spread"),
    Column("of_bare_target", "target", ".1f"),
    Column("of_executemany", "of executemany", ".2f"),
    Column("of_executemany_spread", "spread"),
    Column("of_executemany_target", "target", ".1f"),
    Column("p50_ms", "p50 ms", ".1f"),
    Column("p99_ms", "p99 ms", ".1f"),
    Column("p99_ms_at_half", "p99 ms at half", ".1f"),
    Column("p99_ms_at_half_target", "target", "d"),
    Column("cpu_seconds_per_1000", "CPU s/1000", ".2f"),
    Column("errors", "errors"),
)
NOTES = (
    "of bare: requests/s against a Flask view on the same granian that returns a constant.",
    "of executemany: rows/s against the same rows, as many in a transaction, synchronous=FULL,\n"
    "into reader_activities and activity_receipts by one thread. It leaves out HTTP, JSON,\n"
    "validation, retries, fingerprints and rollups; and it waits for the disk once a batch, where\n"
    "the service puts the batches of several requests into one commit.",
    "p99 at half: an open loop at half of the requests/s found, from when a request was due.",
)


def main() -> None:
    options = parser(__doc__ or "")
    add_options(options)
    settings = options.parse_args()
    with temporary_folder() as folder:
        url = sqlite_in(folder)
        tokens = populate(url, settings.readers)
        alone = Executemany(url, settings.readers)
        with hosted("bare", "granian", folder) as bare, readwatch(url, folder) as server:
            bench = Bench(settings, tokens, server, bare, alone)
            greet(server, tokens)
            rows = [bench.line("heartbeats", 0), *(bench.line("activities", n) for n in BATCHES)]
        alone.close()
        kept = compared_with_kept(url, bench.results, besides=alone.added)
    publish(settings, COLUMNS, rows, *NOTES, kept)


class Bench:
    """The servers side by side, and the results of the loads on the service."""

    def __init__(
        self,
        settings: Namespace,
        tokens: list[str],
        server: Server,
        bare: Server,
        alone: "Executemany",
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._server = server
        self._bare = bare
        self._alone = alone
        self.results: list[Result] = []

    def line(self, traffic: str, batch: int) -> dict[str, object]:
        """Measure one line of the table."""
        name = f"batch of {batch}" if batch else traffic
        progress(f"{name} ...")
        measures: dict[str, Callable[[], Any]] = {
            "bare": partial(loaded, self._bare, self._load("bare", self._bare)),
            "service": partial(loaded, self._server, self._load(traffic, self._server, batch)),
        }
        if batch:
            measures["alone"] = partial(self._alone.rows_per_second, batch, self._settings.seconds)
        taken = in_turn(self._settings.rounds, measures)
        slices: Sequence[Slice] = taken["service"]
        row = {"what": name, **figures(slices)}
        row["of_bare"], row["of_bare_spread"] = ratio(rates(slices), rates(taken["bare"]))
        if batch:
            kept = [rate * batch for rate in rates(slices)]
            row["rows_per_second"] = median(kept)
            row["of_executemany"], row["of_executemany_spread"] = ratio(kept, taken["alone"])
        half = put(self._load(traffic, self._server, batch, rate=median(rates(slices)) / 2))
        row["p99_ms_at_half"], row["p99_ms_at_half_target"] = half.p99 * 1000, P99_MS_AT_HALF
        row |= {f"{key}_target": target for key, target in TARGETS.get(name, {}).items()}
        self.results += [*(slice.result for slice in slices), half]
        return row

    def _load(self, traffic: str, server: Server, batch: int = 0, *, rate: float = 0.0) -> Load:
        return Load(
            traffic,
            server.port,
            self._tokens,
            self._settings.seconds * (2 if rate else 1),
            batch,
            self._settings.connections if not rate else 256,
            rate,
        )


class Executemany:
    """The database alone: the statements of the simplest possible program."""

    def __init__(self, url: str, readers: int) -> None:
        self.added = 0
        self._db = open_database(url, Role.OWNER)
        self._made = Activities(readers)
        self._readers = cycle(range(readers))

    def rows_per_second(self, batch: int, seconds: float) -> float:
        """Add batches for `seconds`, counting only the time in the database."""
        moments, took, added = Moments(batch), 0.0, 0
        with connection(self._db):
            driver = driver_connection(self._db)
            while took < seconds:
                first = driver.execute("SELECT coalesce(max(id), 0) FROM reader_activities")
                activities, receipts = self._rows(moments(), first.get + 1)
                start = perf_counter()
                driver.execute("BEGIN IMMEDIATE")
                driver.executemany(_ADD_ACTIVITY, activities)
                driver.executemany(_ADD_RECEIPT, receipts)
                driver.execute("COMMIT")
                took += perf_counter() - start
                added += batch
        self.added += added
        return added / took

    def close(self) -> None:
        """Close the database."""
        close_all(self._db)

    def _rows(
        self, moments: Sequence[bytes], first: int
    ) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        reader = next(self._readers)
        user_id = session_id = reader + 1
        activities: list[tuple[object, ...]] = []
        receipts: list[tuple[object, ...]] = []
        for number, moment in zip(count(first), moments, strict=False):
            *members, page, event_id, occurred_at = self._made.take(reader, moment)
            told = [value.decode() if isinstance(value, bytes) else value for value in members]
            event, at = event_id.decode(), occurred_at.decode().replace("T", " ")[:19] + ".000"
            metadata = f'{{"page":{page}}}'
            activities.append((number, user_id, session_id, *told, metadata, event, at, at))
            receipts.append((user_id, event, number, bytes(32), at))
        return activities, receipts


_ADD_ACTIVITY = """
INSERT INTO reader_activities (
    id, user_id, session_id, activity_type, content_id, content_title, progress_percentage,
    duration_seconds, metadata_json, event_id, occurred_at, created_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_RECEIPT = """
INSERT INTO activity_receipts (user_id, event_id, activity_id, fingerprint, created_at)
VALUES (?, ?, ?, ?, ?)
"""

if __name__ == "__main__":
    main()
