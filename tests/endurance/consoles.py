"""Consoles without a screen, in a separate process: `consoles.py URL EMAIL PASSWORD NUMBER`.

Each is a worker of the console: it logs in, polls, and reads each snapshot in one transaction, with
a second connection for the access log. One more thread always has a read transaction open, as many
slow consoles would have. The process prints `watching` when all workers have their first snapshot;
it ends when stdin is closed, and prints the number of snapshots since then.
"""

import sys
from collections import Counter
from contextlib import ExitStack
from itertools import cycle
from threading import Event, Thread
from time import sleep

from readwatch.domain.clock import system_clock
from readwatch.monitor import refresh_policy
from readwatch.monitor.events import ConnectionLost, ViewSnapshotReady
from readwatch.monitor.events import Event as MonitorEvent
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import View
from readwatch.monitor.viewport import Viewport
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.monitor.worker import Worker
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import connection, open_database, read_snapshot
from readwatch.store.engine.privileges import Role
from readwatch.store.lists import online


def main(url: str, email: str, password: str, number: int) -> None:
    posted: Counter[type[MonitorEvent]] = Counter()
    refresh_policy.PAUSE_FACTOR = 1  # they refresh more often than real consoles, for more load
    reasons: set[str] = set()

    def post(event: MonitorEvent) -> None:
        posted[type(event)] += 1
        if isinstance(event, ConnectionLost):
            reasons.add(event.reason)

    stop = Event()
    # A daemon, so that the process also ends when the workers fail.
    reading = Thread(target=read_at_every_moment, args=(url, stop), daemon=True)
    reading.start()
    workers = [Worker(ConsoleSettings(url), post, system_clock) for _ in range(number)]
    for index, worker in enumerate(workers):
        worker.start()
        worker.log_in(email, password).result()
        view = list(View)[index % len(View)]
        worker.watch_view(view, VIEW_OPTIONS[view].first_query(), Viewport(height=20))
    while posted[ViewSnapshotReady] < number:
        sleep(0.05)
    before = posted[ViewSnapshotReady]
    print("watching", flush=True)
    sys.stdin.read()
    for worker in workers:
        worker.stop()
    stop.set()
    reading.join()
    if set(posted) != {ViewSnapshotReady}:
        sys.exit(f"the consoles saw {dict(posted)} {reasons}")
    print(posted[ViewSnapshotReady] - before)


def read_at_every_moment(url: str, stop: Event) -> None:
    """Begin each read transaction before the last one ends."""
    last = ExitStack()
    for db in cycle(open_database(url, Role.CONSOLE) for _ in range(2)):
        transaction = ExitStack()
        transaction.enter_context(connection(db))
        transaction.enter_context(read_snapshot(db))
        online.count_online(db, ALL_READERS, system_clock())
        last.close()
        last = transaction
        if stop.wait(0.02):
            break
    last.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
