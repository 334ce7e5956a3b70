"""The cost and the speed of a console, in a pseudo-terminal of 120 by 40.

python benchmarks/console.py [--parts cost keys ...] [--seconds 15] [--activities 10000000]

Four parts run a real `readwatch serve`, to which all online readers send a heartbeat a minute and
an activity every 10 s.

cost     a console, and for comparison Textual's DataTable rebuilt once a second
keys     from the start to the first list, and from a key to the row that it changes
posted   the time from posting an activity until it is on the screen
queries  each query of the console with 100,000 activities and with many more
many     twenty consoles on one database, and the latency of heartbeats at the same time
"""

import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter, sleep

from rig import databases
from rig.history import READERS, make_history
from rig.load import Load
from rig.processes import ENVIRONMENT, Server, meanwhile, put, readwatch, watched
from rig.readers import CONSULTANT, PASSWORD, consultant, opened, populate
from rig.report import Column, Row, keep, parser, progress, show
from rig.slices import greet, in_turn
from rig.terminal import SIZE, Terminal, look_on, terminal

from readwatch.domain.arrivals import NO_ARRIVALS
from readwatch.domain.attention import Thresholds
from readwatch.domain.clock import system_clock
from readwatch.domain.filters import parse
from readwatch.domain.sessions import Principal
from readwatch.domain.users import UserRole
from readwatch.monitor.attention import Attention
from readwatch.monitor.build import live_stats
from readwatch.monitor.groups import Groups
from readwatch.monitor.online_totals import Totals
from readwatch.monitor.reader_page import ReaderPage
from readwatch.monitor.views import VIEW_OPTIONS, view_queries
from readwatch.store.audit.log import access_without_entry, list_access, permit_own_data
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database, read_snapshot
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.users import find_user
from readwatch.store.lists.online import count_online, online_ids
from readwatch.store.lists.query import ListQuery

REQUESTS_A_MINUTE = 2
BATCH = 6
HOURS = 3600.0  # longer than all measurements

CONSOLE_CPU = 0.03
CONSOLE_MB = 100
START_MS, HELP_MS, POSTED_MS = 1000, 250, 1000
QUERY_MS, QUERY_RATIO = 10, 1.5
FEW_ACTIVITIES = 100_000
CONSOLES = 20
LONG_AGO = timedelta(hours=12)
HEADINGS = 2  # the line that they are in
MB = 1_000_000

# The keys, the name of each, and the sign on the screen that the key was handled.
MOVES = {"down": "\x1b[B", "page down": "\x1b[6~", "end": "\x1b[F", "home": "\x1b[H"}
VIEWS = {"2": ("Time", "Title"), "3": ("Reading time",), "1": ("State", "Reading")}

COST_COLUMNS = (
    Column("what", "what"),
    Column("online", "online", ",d"),
    Column("cpu", "CPU (1 core)", ".1%"),
    Column("cpu_target", "target", ".0%"),
    Column("memory_mb", "memory MB", ",.0f"),
    Column("memory_target", "target", "d"),
    Column("frames", "paints/s", ".2f"),
    Column("kb", "KB/s painted", ",.1f"),
)
TIME_COLUMNS = (
    Column("what", "what"),
    Column("times", "times", "d"),
    Column("p50_ms", "p50 ms", ",.0f"),
    Column("p95_ms", "p95 ms", ",.0f"),
    Column("target_ms", "target", ",d"),
)
QUERY_COLUMNS = (
    Column("what", "what"),
    Column("few_ms", "ms", ".2f"),
    Column("many_ms", "ms with many", ".2f"),
    Column("target_ms", "target", "d"),
    Column("ratio", "ratio", ".2f"),
    Column("ratio_target", "target", ".1f"),
)
MANY_COLUMNS = (
    *COST_COLUMNS[:3],
    *COST_COLUMNS[4:5],
    Column("p50_ms", "heartbeat p50 ms", ".1f"),
    Column("p99_ms", "p99 ms", ".1f"),
    Column("errors", "errors"),
)


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=list(PARTS),
        metavar="PART",
        help="what to measure (all)",
    )
    options.add_argument(
        "--seconds", type=float, default=15, help="duration of a measurement of costs (15)"
    )
    options.add_argument(
        "--online",
        type=int,
        nargs="+",
        default=[1000, 10_000],
        help="readers online, for cost (1000 10000)",
    )
    options.add_argument("--samples", type=int, default=20, help="measurements of each time (20)")
    options.add_argument(
        "--activities", type=int, default=10_000_000, help="for queries (10000000)"
    )
    options.add_argument("--postgresql", action="store_true", help="use a PostgreSQL of its own")
    options.set_defaults(database=None)
    settings = options.parse_args()
    kept: list[Row] = []
    with databases.temporary_folder() as folder:
        for part in settings.parts:
            progress(f"{part} ...")
            columns, measure = PARTS[part]
            rows = list(measure(settings, folder))
            print(f"\n{part}")
            show(settings, columns, rows)
            kept += [{"part": part, **row} for row in rows]
    keep(settings, kept)


# Cost ---------------------------------------------------------------------------------------------


def cost(settings: Namespace, folder: Path) -> Iterator[Row]:
    """Measure a console, and then a stock table, while readers post."""
    for online in settings.online:
        with live(settings, folder, online) as place, meanwhile(place.rhythm):
            with place.console() as console:
                yield {
                    "what": "console",
                    **watched_for(settings, console, online),
                    "cpu_target": CONSOLE_CPU,
                    "memory_target": CONSOLE_MB,
                }
            with terminal(["-m", "rig.stock", place.url], folder) as stock:
                stock.sees("Reader", "Reading")
                yield {"what": "stock DataTable", **watched_for(settings, stock, online)}


def watched_for(settings: Namespace, console: Terminal, online: int) -> Row:
    """Return the resources that a program used, and the bytes that it painted."""
    progress(f"measuring with {online:,} online ...")
    frames, received = console.frames, console.received
    with watched(console.server) as used:
        look_on([console], settings.seconds)
    return {
        "online": online,
        "cpu": used.cores,
        "memory_mb": used.resident_bytes / MB,
        "frames": (console.frames - frames) / used.seconds,
        "kb": (console.received - received) / used.seconds / 1000,
    }


# Keys ---------------------------------------------------------------------------------------------


def keys(settings: Namespace, folder: Path) -> Iterator[Row]:
    """Time the start, and keys while a thousand rows change."""
    yield times("readwatch --help", [help_shown() for _ in range(settings.samples)], HELP_MS)
    with live(settings, folder, READERS) as place, meanwhile(place.rhythm):
        starts = [place.start() for _ in range(max(1, settings.samples // 4))]
        yield times("start to first list", starts, START_MS)
        with place.console() as console:
            took: dict[str, list[float]] = {key: [] for key in (*MOVES, *VIEWS)}
            for _ in range(settings.samples):
                for name, key in MOVES.items():
                    took[name].append(moved(console, key))
                for number, headings in VIEWS.items():
                    took[number].append(turned(console, number, headings))
    yield from (times(f"key {name}", of_key) for name, of_key in took.items())


def help_shown() -> float:
    """Return the duration of `readwatch --help`."""
    start = perf_counter()
    command = [sys.executable, "-m", "readwatch", "--help"]
    subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
    return perf_counter() - start


def moved(console: Terminal, key: str) -> float:
    """Return the time until the cursor was on another row."""
    console.settle()
    before = cursor(console.lines)
    pressed = console.press(key)
    return console.until(lambda lines: cursor(lines) not in {None, before}) - pressed


def turned(console: Terminal, number: str, headings: Sequence[str]) -> float:
    """Return the time until another view had rows."""
    console.settle()
    pressed = console.press(number)
    arrived = console.until(
        lambda lines: all(word in lines[HEADINGS] for word in headings) and cursor(lines)
    )
    return arrived - pressed


def cursor(lines: Sequence[str]) -> tuple[int, str] | None:
    """Return the line of the cursor, and the reader in it if the second column has the name."""
    name = lines[HEADINGS].find("Reader")
    return next(
        ((y, line[name : name + 10]) for y, line in enumerate(lines) if line.startswith("▌")), None
    )


# Posted -------------------------------------------------------------------------------------------


def posted(settings: Namespace, folder: Path) -> Iterator[Row]:
    """Time the activities of the reader in the first row, among those of all others."""
    random, took = Random(settings.samples), []
    with live(settings, folder, READERS) as place:
        top = place.on_top()
        others = [token for token in place.tokens if token != top]
        rhythm = place.load("rhythm", len(others) * REQUESTS_A_MINUTE / 60, tokens=others)
        with meanwhile(rhythm), place.console() as console:
            for number in range(settings.samples):
                look_on([console], random.uniform(0.5, 1.5))
                start, title = perf_counter(), f"Found {number:03}"
                place.post(top, title)
                took.append(console.sees(title) - start)
    yield times("posted to the screen", took, POSTED_MS)


# Queries ------------------------------------------------------------------------------------------


def queries(settings: Namespace, folder: Path) -> Iterator[Row]:
    """Run the same queries on a short and on a long history, in turn."""
    now = system_clock()
    with ExitStack() as open_:
        few, many = (
            open_.enter_context(asked(settings, folder, length, now))
            for length in (FEW_ACTIVITIES, settings.activities)
        )
        progress("running queries ...")
        for name in few:
            taken = in_turn(settings.samples, {"few": few[name], "many": many[name]})
            few_ms, many_ms = (median(taken[which]) * 1000 for which in ("few", "many"))
            yield {
                "what": name,
                "few_ms": few_ms,
                "many_ms": many_ms,
                "target_ms": QUERY_MS,
                "ratio": many_ms / few_ms,
                "ratio_target": QUERY_RATIO,
            }


@contextmanager
def asked(
    settings: Namespace, folder: Path, length: int, now: datetime
) -> Iterator[Mapping[str, Callable[[], float]]]:
    """Create a history; yield functions that run each query once and return the duration."""
    with database(settings, folder) as url:
        start = perf_counter()
        looking = make_history(url, length, now)
        progress(f"{length:,} activities added in {perf_counter() - start:.0f} s")
        with opened(url, Role.CONSOLE) as db:
            yield {
                name: partial(seconds, db, ask) for name, ask in questions(db, now, looking).items()
            }


def seconds(db: Database, ask: Callable[[], object]) -> float:
    """Return the duration of a query."""
    start = perf_counter()
    with read_snapshot(db):
        ask()
    return perf_counter() - start


def questions(db: Database, now: datetime, consultant_id: int) -> dict[str, Callable[[], object]]:
    """Return all queries of the console."""
    measured: dict[str, Callable[[], object]] = {
        "header": partial(live_stats, db, ALL_READERS, now)
    }
    access, attention = list_access(db, consultant_id), Attention(Thresholds())
    rows = access_without_entry(access)
    attention.refresh(db, access, now, NO_ARRIVALS)
    for view, of_view in view_queries(attention, Groups(attention), with_access_log=True).items():
        options = VIEW_OPTIONS[view]
        for sort in options.sorts:
            query = ListQuery(sort.column, sort.descending)
            measured[f"{view}: order by {sort.column}"] = partial(
                of_view.ids, db, access, query, now
            )
        filtered = replace(options.first_query(), terms=parse("book"))
        measured[f"{view}: order, filtered"] = partial(of_view.ids, db, access, filtered, now)
        ids = of_view.ids(db, access, options.first_query(), now).ids[: 3 * SIZE[1]]
        measured[f"{view}: {len(ids)} rows"] = partial(of_view.items, db, rows, ids, now)
        if options.step is not None:
            at = now - LONG_AGO
            past, query = of_view.at(at), replace(options.first_query(), at=at)
            ids = past.ids(db, access, query, at).ids[: 3 * SIZE[1]]
            measured[f"{view} of the past: order"] = partial(past.ids, db, access, query, at)
            measured[f"{view} of the past: {len(ids)} rows"] = partial(
                past.items, db, rows, ids, at
            )
    measured["online: totals"] = lambda: Totals().of_online(db, access, now)
    measured["attention: first time"] = lambda: Attention(Thresholds()).refresh(
        db, access, now, NO_ARRIVALS
    )
    measured["attention: each time"] = lambda: attention.refresh(db, access, now, NO_ARRIVALS)
    permit = permit_own_data(Principal(READERS // 2, UserRole.READER, 0))
    page, header = ReaderPage(0, permit), live_stats(db, ALL_READERS, now)
    page.snapshot(db, ALL_READERS, header, case=None)
    measured["reader: first time"] = lambda: ReaderPage(0, permit).snapshot(
        db, ALL_READERS, header, case=None
    )
    measured["reader: each time"] = lambda: page.snapshot(db, ALL_READERS, header, case=None)
    return measured


# Many ---------------------------------------------------------------------------------------------


def many(settings: Namespace, folder: Path) -> Iterator[Row]:
    """Run no console and then twenty, while heartbeats and activities are posted."""
    with live(settings, folder, READERS) as place, ExitStack() as consoles:
        beats = place.load("heartbeats", READERS / 60, seconds=settings.seconds)
        consoles.enter_context(meanwhile(place.load("activities", READERS / 60, batch=BATCH)))
        yield looked_on("no console", [], beats)
        there = []
        for number in range(CONSOLES):
            progress(f"console {number + 1} of {CONSOLES} ...")
            there.append(consoles.enter_context(place.console()))
        yield looked_on(f"{CONSOLES} consoles", there, beats)


def looked_on(what: str, consoles: Sequence[Terminal], beats: Load) -> Row:
    """Return the total cost of the consoles, and the latency of heartbeats at the same time."""
    before = sum(console.server.cpu_seconds() for console in consoles)
    start = perf_counter()
    with ThreadPoolExecutor(1) as beside:
        beating = beside.submit(put, beats)
        while not beating.done():
            look_on(consoles, 0.5)
    used = sum(console.server.cpu_seconds() for console in consoles) - before
    result = beating.result()
    return {
        "what": what,
        "online": READERS,
        "cpu": used / (perf_counter() - start),
        "memory_mb": sum(console.server.resident_bytes() for console in consoles) / MB,
        "p50_ms": result.p50 * 1000,
        "p99_ms": result.p99 * 1000,
        "errors": result.words(),
    }


# Places -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A service with readers who are online, and a consultant."""

    url: str
    folder: Path
    server: Server
    tokens: list[str]

    @property
    def rhythm(self) -> Load:
        """The load of all readers."""
        return self.load("rhythm", len(self.tokens) * REQUESTS_A_MINUTE / 60)

    def load(
        self,
        traffic: str,
        rate: float,
        *,
        batch: int = 1,
        seconds: float = HOURS,
        tokens: list[str] | None = None,
    ) -> Load:
        """Return a load on the service; `meanwhile` ends loads of hours."""
        return Load(traffic, self.server.port, tokens or self.tokens, seconds, batch, 256, rate)

    @contextmanager
    def console(self) -> Iterator[Terminal]:
        """Yield a console that shows its first list."""
        with self._asking() as console:
            enter(console)
            yield console

    def start(self) -> float:
        """Return the time for a console to start and log in, without typing."""
        with self._asking() as console:
            asked_at = console.sees("Password")
            return asked_at - console.started_at + enter(console)

    @contextmanager
    def _asking(self) -> Iterator[Terminal]:
        command = ["-m", "readwatch", "--database", self.url, "console", "--email", CONSULTANT]
        with terminal(command, self.folder) as console:
            yield console

    def on_top(self) -> str:
        """Return the token of the first reader by name."""
        with opened(self.url, Role.CONSOLE) as db:
            access = list_access(db, find_user(db, CONSULTANT).id)
            first = online_ids(db, access, ListQuery("full_name"), system_clock()).ids[0]
        return self.tokens[first - 1]

    def post(self, token: str, title: str) -> None:
        """Post an activity as an app does."""
        activity = {"activity_type": "page_read", "content_id": title, "content_title": title}
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        headers = {"Authorization": f"Bearer {token}"}
        connection.request("POST", "/api/activities", json.dumps(activity), headers)
        status = connection.getresponse().status
        connection.close()
        if status != 201:
            sys.exit(f"an activity was answered with {status}")


@contextmanager
def live(settings: Namespace, folder: Path, online: int) -> Iterator[Place]:
    """Yield a new service with readers who have just sent a heartbeat."""
    with database(settings, folder) as url:
        tokens = populate(url, online)
        consultant(url)
        with readwatch(url, folder) as server:
            greet(server, tokens)
            wait_until_here(url, online)
            yield Place(url, folder, server, tokens)


def wait_until_here(url: str, online: int) -> None:
    """Wait until all acknowledged heartbeats are written."""
    with opened(url, Role.CONSOLE) as db:
        deadline = monotonic() + 30
        while count_online(db, ALL_READERS, system_clock()) < online:
            if monotonic() > deadline:
                sys.exit("readers who sent a heartbeat are not online")
            sleep(0.1)


@contextmanager
def database(settings: Namespace, folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database, in a folder that is deleted with it."""
    with (
        TemporaryDirectory(dir=folder) as own,
        databases.chosen(settings, Path(own)) as url,
    ):
        yield url


def enter(console: Terminal) -> float:
    """Log in; return the time until the first rows were on the screen."""
    console.sees("Password")
    pressed = console.press(f"{PASSWORD}\r")
    return console.until(lambda lines: "LIVE" in lines[0] and cursor(lines)) - pressed


def times(what: str, took: Sequence[float], target_ms: int | None = None) -> Row:
    """Return a line with the statistics of some durations."""
    ms = sorted(each * 1000 for each in took)
    return {
        "what": what,
        "times": len(ms),
        "p50_ms": median(ms),
        "p95_ms": ms[int(0.95 * (len(ms) - 1) + 0.5)],
        "target_ms": target_ms,
    }


PARTS = {
    "cost": (COST_COLUMNS, cost),
    "keys": (TIME_COLUMNS, keys),
    "posted": (TIME_COLUMNS, posted),
    "queries": (QUERY_COLUMNS, queries),
    "many": (MANY_COLUMNS, many),
}

if __name__ == "__main__":
    main()
