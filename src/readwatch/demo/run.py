"""`readwatch demo`: a temporary server with simulated readers, and the console or its lists."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from random import Random
from threading import Event

from rich.console import Console as Terminal

from readwatch.demo.crowd import Crowd
from readwatch.demo.signals import stopped_by_signals
from readwatch.demo.world import PASSWORD, World, world
from readwatch.domain.attention import DEFAULT_THRESHOLDS
from readwatch.domain.clock import system_clock
from readwatch.monitor.attention import Attention
from readwatch.monitor.build import view_snapshot
from readwatch.monitor.groups import Groups
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import View, ViewSnapshot
from readwatch.monitor.viewport import Viewport
from readwatch.monitor.views import view_queries
from readwatch.store.audit.log import ListAccess, RowAccess, access_without_entry, list_access
from readwatch.store.engine.connections import connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.lists.query import ListQuery
from readwatch.tui import run as console
from readwatch.tui.format.plain import snapshot_lines, stats_line

RAMP_SECONDS = 4.0
ONLINE_ROWS, ACTIVITY_ROWS = 8, 6
LATEST_FIRST = ListQuery("idle_since")


def run(*, readers: int, seconds: float, plain: bool) -> None:
    """Run the demo: in the console until the user quits, or as text for some seconds."""
    rng = Random()  # noqa: S311 - simulated behaviour, no secret
    with stopped_by_signals(), ExitStack() as stack:
        with Terminal(stderr=True).status(f"creating {readers} readers and their last three weeks"):
            demo = stack.enter_context(world(readers, rng, system_clock()))
        stack.enter_context(
            Crowd(
                demo.base_url,
                demo.awake,
                PASSWORD,
                rng=rng,
                clock=system_clock,
                ramp_seconds=min(RAMP_SECONDS, seconds / 2) if plain else RAMP_SECONDS,
                positions=demo.positions,
            )
        )
        if plain:
            _print_lists(demo, seconds)
        else:
            console.run(ConsoleSettings(demo.database_url), consultant=demo.consultant)


def _print_lists(demo: World, seconds: float) -> None:
    """Print the live lists every second."""
    width = shutil.get_terminal_size((100, 24)).columns
    db = open_database(demo.database_url, Role.CONSOLE)
    clock_tick = Event()
    attention = Attention(DEFAULT_THRESHOLDS)
    queries = view_queries(attention, Groups(attention), with_access_log=False)
    for _ in range(round(seconds)):
        clock_tick.wait(1)
        with connection(db):
            now = system_clock()
            access = list_access(db, demo.consultant.id)
            log_rows = _whole_list(access)
            online = view_snapshot(
                db,
                access,
                View.ONLINE,
                now,
                queries,
                log_rows,
                LATEST_FIRST,
                Viewport(ONLINE_ROWS),
            )
            activity = view_snapshot(
                db,
                access,
                View.ACTIVITY,
                now,
                queries,
                log_rows,
                viewport=Viewport(ACTIVITY_ROWS),
            )
        print(stats_line(online.stats))  # noqa: T201 - this is what the plain form is for
        for line in snapshot_lines(online, width=width, height=ONLINE_ROWS):
            print(f"  {line}")  # noqa: T201
        for line in snapshot_lines(activity, width=width, height=ACTIVITY_ROWS):
            print(f"  {line}")  # noqa: T201
        print(flush=True)  # noqa: T201
    db.close()


def _whole_list(access: ListAccess) -> Callable[[ViewSnapshot], RowAccess]:
    return lambda _: access_without_entry(access)
