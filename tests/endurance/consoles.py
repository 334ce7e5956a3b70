"""Consoles without a screen, in a process of their own: `consoles.py URL EMAIL PASSWORD NUMBER`.

Each is the console's own watcher: it signs in, polls, and takes its pictures in one moment, with a
second connection for the access log. Besides, somebody reads at every moment, as many slow consoles
would. `watching` is printed when all have their first picture; they end when stdin does, and print
how many pictures they have taken since.
"""

import sys
from collections import Counter
from contextlib import ExitStack
from itertools import cycle
from threading import Event, Thread
from time import sleep

from textual.message import Message

from readwatch.domain.clock import system_clock
from readwatch.monitor import refresh_policy
from readwatch.monitor.events import ConnectionLost, OverviewArrived, SignedIn
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import View
from readwatch.monitor.viewport import Sight
from readwatch.monitor.worker import Watcher
from readwatch.store.engine.connections import one_moment, open_database, using
from readwatch.store.engine.privileges import Role
from readwatch.store.lists import online
from readwatch.tui.views import LISTINGS


def main(url: str, email: str, password: str, number: int) -> None:
    posted: Counter[type[Message]] = Counter()
    refresh_policy.REST = 1  # they look more often than in front of people: the more to bear
    reasons: set[str] = set()

    def post(message: Message) -> None:
        posted[type(message)] += 1
        if isinstance(message, ConnectionLost):
            reasons.add(message.reason)

    stop = Event()
    # Ends with the others, also when these fail: who waits for the first picture sees the end.
    reading = Thread(target=read_at_every_moment, args=(url, stop), daemon=True)
    reading.start()
    watchers = [Watcher(ConsoleSettings(url), post, system_clock) for _ in range(number)]
    for at, watcher in enumerate(watchers):
        watcher.start()
        watcher.sign_in(email, password)
        view = list(View)[at % len(View)]
        watcher.watch(view, LISTINGS[view].question(), Sight(height=20))
        while not posted[SignedIn] > at:
            sleep(0.01)
    while posted[OverviewArrived] < number:
        sleep(0.05)
    before = posted[OverviewArrived]
    print("watching", flush=True)
    sys.stdin.read()
    for watcher in watchers:
        watcher.stop()
    stop.set()
    reading.join()
    if set(posted) != {SignedIn, OverviewArrived} or posted[SignedIn] != number:
        sys.exit(f"the consoles saw {dict(posted)} {reasons}")
    print(posted[OverviewArrived] - before)


def read_at_every_moment(url: str, stop: Event) -> None:
    """Begin each look before the last one ends."""
    last = ExitStack()
    for db in cycle(open_database(url, Role.CONSOLE) for _ in range(2)):
        look = ExitStack()
        look.enter_context(using(db))
        look.enter_context(one_moment(db))
        online.count_online(db, system_clock())
        last.close()
        last = look
        if stop.wait(0.02):
            break
    last.close()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
