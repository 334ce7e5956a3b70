"""How long requests take while the database is frozen, and whether anything acknowledged is lost.

python benchmarks/frozen.py [--seconds 14] [--clients 40]

Clients post activities to a service on PostgreSQL, all of whose processes are then stopped with
SIGSTOP for some seconds, as a hung disk or a paused virtual machine stops them. All the time health
checks and single posts are sent, each on a new connection; the table has these.
"""

import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from threading import Event
from time import monotonic, sleep

from rig import databases
from rig.load import Load
from rig.processes import family, put, readwatch
from rig.readers import compared_with_kept, populate
from rig.report import Column, Row, parser, progress, publish
from rig.slices import greet

BEFORE_SECONDS = 3
AFTER_SECONDS = 5
LIVEZ_SECONDS = 1
REQUEST_SECONDS = 5

COLUMNS = (
    Column("request", "request"),
    Column("answers", "answers", ",d"),
    Column("of_503", "503", ",d"),
    Column("longest_seconds", "longest s", ".2f"),
    Column("target", "target", "d"),
)


@dataclass
class Repeated:
    """The answers to a request that is sent again and again, each on a new connection."""

    method: str
    path: str
    target: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    statuses: Counter[int] = field(default_factory=Counter)
    longest: float = 0.0

    def send(self, port: int, over: Event) -> None:
        """Send the request until the end, ten times a second at most."""
        while not over.wait(0.1):
            began = monotonic()
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request(self.method, self.path, self.body, dict(self.headers))
            self.statuses[connection.getresponse().status] += 1
            connection.close()
            self.longest = max(self.longest, monotonic() - began)

    @property
    def row(self) -> Row:
        """The figures of the request."""
        return {
            "request": f"{self.method} {self.path}",
            "answers": self.statuses.total(),
            "of_503": self.statuses[HTTPStatus.SERVICE_UNAVAILABLE],
            "longest_seconds": self.longest,
            "target": self.target,
        }


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--seconds", type=float, default=14, help="of the freeze (14)")
    options.add_argument("--clients", type=int, default=40, help="clients that post (40)")
    settings = options.parse_args()
    over = Event()
    with databases.temporary_folder() as folder, databases.postgresql() as url:
        database = databases.process_of(url)
        if database is None:
            sys.exit("wrong: this PostgreSQL does not run on this machine")
        tokens = populate(url, settings.clients)
        post = Repeated(
            "POST",
            "/api/activities",
            REQUEST_SECONDS,
            {"Authorization": f"Bearer {tokens[0]}", "Content-Type": "application/json"},
            '{"activity_type": "page_read"}',
        )
        requests = [
            Repeated("GET", "/livez", LIVEZ_SECONDS),
            Repeated("GET", "/readyz", REQUEST_SECONDS),
            post,
        ]
        with readwatch(url, folder) as server, ThreadPoolExecutor(len(requests) + 1) as threads:
            greet(server, tokens)
            seconds = BEFORE_SECONDS + settings.seconds + AFTER_SECONDS
            load = Load("activities", server.port, tokens, seconds, connections=settings.clients)
            posting = threads.submit(partial(put, load))
            for request in requests:
                threads.submit(request.send, server.port, over)
            sleep(BEFORE_SECONDS)
            try:
                _freeze(database, settings.seconds)
                result = posting.result()
            finally:
                over.set()
        kept = compared_with_kept(url, [result], besides=post.statuses[HTTPStatus.CREATED])
    publish(settings, COLUMNS, [request.row for request in requests], kept)


def _freeze(main_process: int, seconds: float) -> None:
    """Stop all processes of the database for some seconds."""
    processes = list(family(main_process))
    progress(f"the database is frozen for {seconds:g} s ...")
    try:
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        sleep(seconds)
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


if __name__ == "__main__":
    main()
