"""Consoles without a screen, in a process of their own: `consoles.py URL EMAIL PASSWORD NUMBER`.

Each is the console's own watcher: it signs in, polls, and takes its pictures in one moment, with a
second connection for the access log. `watching` is printed when all have their first picture; they
end when stdin does, and print how many pictures they have taken since.
"""

import sys
from collections import Counter
from time import sleep

from textual.message import Message

from readwatch.domain.clock import system_clock
from readwatch.tui.messages import OverviewArrived, SignedIn
from readwatch.tui.snapshots import View
from readwatch.tui.watcher import Watcher


def main(url: str, email: str, password: str, number: int) -> None:
    posted: Counter[type[Message]] = Counter()
    watchers = [Watcher(url, lambda message: posted.update([type(message)]), system_clock)
                for _ in range(number)]
    for at, watcher in enumerate(watchers):
        watcher.start()
        watcher.sign_in(email, password)
        watcher.watch(list(View)[at % len(View)])
    while posted[OverviewArrived] < number:
        sleep(0.05)
    print("watching", flush=True)
    before = posted[OverviewArrived]
    sys.stdin.read()
    for watcher in watchers:
        watcher.stop()
    if set(posted) != {SignedIn, OverviewArrived} or posted[SignedIn] != number:
        sys.exit(f"the consoles saw {dict(posted)}")
    print(posted[OverviewArrived] - before)


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
