"""The number of simulated readers that one machine can serve, step by step.

python benchmarks/ladder.py [--steps 100 1000 10000 100000] [--seconds 30] [--postgresql]

Each reader sends a heartbeat a minute and has an activity every 10 s, which the app posts as a
batch of six once a minute: two requests per reader and minute, at random times. Latency counts from
when a request was due. At the same time a console reads its list every second. The load, the
console and the database run on the same cores as the service. A step holds when at most 0.1 % of
the requests fail, p99 is at most a second and no more than the requests of a second are unanswered
at the end; between the last step that holds and the first that does not, others are tried.

Real apps have a connection each, and apps that send once a minute open a new connection each time:
--reconnect does the same. Without it the requests share up to 256 open connections.
"""

from argparse import Namespace
from collections.abc import Iterator

from rig import databases
from rig.load import Load, Result
from rig.processes import MIB, Server, console, put, readwatch, watched
from rig.readers import compared_with_kept, populate, send_all_away
from rig.report import Column, Row, parser, progress, publish
from rig.slices import greet

REQUESTS_A_MINUTE = 2
CONNECTIONS = 256
MOST_CONNECTIONS = 1000  # connections at once, if each request has a separate one

MOST_ERRORS = 0.001
LONGEST_P99 = 1.0
LONGEST_BEHIND = 1.0
YES, NO = "yes", "no"

# The common advice on SQLite up to these numbers of concurrent users, and beyond.
EXPECTED = {50: "excellent", 200: "good", 500: "marginal"}
EXPECTED_BEYOND = "poor"

MAIN_COLUMNS = (
    Column("readers", "readers", ",d"),
    Column("expected", "common advice on SQLite"),
    Column("holds", "holds"),
    Column("asked", "requests/s", ",.1f"),
    Column("achieved", "answered/s", ",.1f"),
    Column("p50_ms", "p50 ms", ",.1f"),
    Column("p99_ms", "p99 ms", ",.1f"),
    Column("longest_ms", "max ms", ",.0f"),
    Column("error_rate", "errors", ".2%"),
    Column("service_cores", "CPU: service", ".0%"),
)
MORE_COLUMNS = (
    Column("database_cores", "database", ".0%"),
    Column("load_cores", "load", ".0%"),
    Column("console_cores", "console", ".0%"),
    Column("snapshot_ms", "console ms", ",.0f"),
    Column("memory_mib", "memory MiB", ",.0f"),
    Column("wal_mib", "WAL MiB", ",.1f"),
    Column("wrong", "errors by status"),
)
NOTE = "CPU: of one core; console ms: median time for its list; memory: of the service."


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument(
        "--steps", type=int, nargs="+", default=[100, 1000, 10_000, 100_000], help="readers"
    )
    options.add_argument("--seconds", type=float, default=30, help="length of a step (30)")
    options.add_argument(
        "--reconnect", action="store_true", help="use a new connection for each request"
    )
    databases.add_options(options)
    settings = options.parse_args()
    with databases.temporary_folder() as folder, databases.chosen(settings, folder) as url:
        tokens = populate(url, max(settings.steps))
        with readwatch(url, folder) as server:
            ladder = Ladder(settings, server, url, tokens)
            rows = ladder.climb()
        kept = compared_with_kept(url, ladder.results)
    columns = MAIN_COLUMNS if settings.markdown else MAIN_COLUMNS + MORE_COLUMNS
    publish(settings, columns, rows, NOTE, kept)


class Ladder:
    """The service with its readers, and the results of the loads on it."""

    def __init__(self, settings: Namespace, server: Server, url: str, tokens: list[str]) -> None:
        self._settings = settings
        self._server = server
        self._database = Server(databases.process_of(url))
        self._url = url
        self._tokens = tokens
        self.results: list[Result] = []

    def climb(self) -> list[Row]:
        """Return a row for each step up to the first that does not hold, and for some between."""
        rows: list[Row] = []
        held = 0
        for readers in sorted(self._settings.steps):
            row = self._step(readers)
            if row["holds"] == NO:
                return [*rows, *self._between(held, readers), row]
            rows.append(row)
            held = readers
        return rows

    def _between(self, held: int, failed: int) -> Iterator[Row]:
        for readers in rounded_between(held, failed):
            row = self._step(readers)
            yield row
            if row["holds"] == NO:
                return

    def _step(self, readers: int) -> Row:
        progress(f"{readers:,} readers ...")
        active, rate = self._tokens[:readers], readers * REQUESTS_A_MINUTE / 60
        send_all_away(self._url)
        greet(self._server, active)
        load = Load(
            traffic="rhythm",
            port=self._server.port,
            tokens=active,
            seconds=self._settings.seconds,
            connections=MOST_CONNECTIONS if self._settings.reconnect else CONNECTIONS,
            rate=rate,
            reconnect=self._settings.reconnect,
        )
        with (
            console(self._url) as figures,
            watched(self._database) as database,
            watched(self._server) as service,
        ):
            result = put(load)
        self.results.append(result)
        return {
            "readers": readers,
            "expected": expected(readers),
            "holds": YES if holds(result, rate) else NO,
            "asked": result.asked / load.seconds,
            "achieved": result.per_second,
            "p50_ms": result.p50 * 1000,
            "p99_ms": result.p99 * 1000,
            "longest_ms": result.longest * 1000,
            "error_rate": result.errors / max(1, result.asked),
            "service_cores": service.cores,
            "database_cores": database.cores,
            "load_cores": result.cpu_seconds / load.seconds,
            "console_cores": figures["cores"],
            "snapshot_ms": figures["p50"] * 1000,
            "memory_mib": service.resident_bytes / MIB,
            "wal_mib": service.wal_bytes / MIB,
            "wrong": result.words(),
        }


def holds(result: Result, rate: float) -> bool:
    """Tell whether the service answered this rate of requests."""
    return (
        result.errors <= MOST_ERRORS * result.asked
        and result.p99 <= LONGEST_P99
        and result.behind <= max(1, LONGEST_BEHIND * rate)
    )


def expected(users: int) -> str:
    """Return the common advice on SQLite for this number of concurrent users."""
    return next((word for most, word in EXPECTED.items() if users <= most), EXPECTED_BEYOND)


def rounded_between(held: int, failed: int) -> list[int]:
    """Return round numbers between two: 20,000, 30,000 ... between 10,000 and 100,000."""
    powers = [10**power for power in range(2, len(str(failed)))]
    numbers = [digit * power for power in powers for digit in (1, 2, 3, 5, 7)]
    return [number for number in numbers if max(held, failed // 10) < number < failed]


if __name__ == "__main__":
    main()
