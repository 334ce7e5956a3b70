"""`readwatch demo`: the world, its readers, and the console in front of them."""

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from threading import Event
from types import FrameType

from rich.console import Console as Terminal

from readwatch.demo.crowd import Crowd
from readwatch.demo.world import PASSWORD, World, world
from readwatch.domain.clock import system_clock
from readwatch.monitor.build import view_snapshot
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import View
from readwatch.monitor.viewport import Viewport
from readwatch.store.engine.connections import connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.lists.query import ListQuery
from readwatch.tui import run as console
from readwatch.tui.format.plain import overview_lines, pulse_line

RAMP_SECONDS = 4.0
ONLINE_ROWS, ACTIVITY_ROWS = 8, 6
LATEST_FIRST = ListQuery("idle_since")


def run(*, readers: int, seconds: float, plain: bool) -> None:
    """Show the demo: in the console until it is quit, or as text for some seconds."""
    rng = Random()  # noqa: S311 - invented behaviour, no secret
    with _stopped_by_signals(), ExitStack() as stack:
        with Terminal(stderr=True).status(f"inventing {readers} readers and their last weeks"):
            made = stack.enter_context(world(readers, rng, system_clock()))
        stack.enter_context(
            Crowd(
                made.base_url,
                made.awake,
                PASSWORD,
                rng=rng,
                clock=system_clock,
                ramp_seconds=min(RAMP_SECONDS, seconds / 2) if plain else RAMP_SECONDS,
                places=made.places,
            )
        )
        if plain:
            _print_tables(made, seconds)
        else:
            console.run(ConsoleSettings(made.database_url), consultant=made.consultant)


def _print_tables(made: World, seconds: float) -> None:
    """Print the live tables every second."""
    width = shutil.get_terminal_size((100, 24)).columns
    db = open_database(made.database_url, Role.CONSOLE)
    never = Event()
    for _ in range(round(seconds)):
        never.wait(1)
        with connection(db):
            now = system_clock()
            online = view_snapshot(db, View.ONLINE, now, LATEST_FIRST, Viewport(ONLINE_ROWS))
            activity = view_snapshot(db, View.ACTIVITY, now, viewport=Viewport(ACTIVITY_ROWS))
        print(pulse_line(online.stats))  # noqa: T201 - this is what the plain form is for
        for line in overview_lines(online, width=width, height=ONLINE_ROWS):
            print(f"  {line}")  # noqa: T201
        for line in overview_lines(activity, width=width, height=ACTIVITY_ROWS):
            print(f"  {line}")  # noqa: T201
        print(flush=True)  # noqa: T201
    db.close()


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let a signal that would end the process at once unwind it, so that nothing is left behind."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        signals.append(signal.SIGHUP)

    def stop(number: int, _frame: FrameType | None) -> None:
        # Once is enough, and a closed window says it twice: the clearing away goes on undisturbed.
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
