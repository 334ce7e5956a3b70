"""Many logins at once: their rate compared with bcrypt alone, and the latency of heartbeats.

python benchmarks/logins.py [--seconds 6] [--rounds 3] [--clients 32]

Three slices alternate: bcrypt alone, with a thread for each core; heartbeats alone, at a fixed low
rate; and logins at the same cost by clients that obey Retry-After, with the same heartbeats on
other connections.
"""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from itertools import cycle
from statistics import median
from time import perf_counter, sleep
from typing import Any

from rig.databases import sqlite_in, temporary_folder
from rig.load import Load, Result
from rig.processes import Server, put, readwatch
from rig.readers import PASSWORD, emails, populate
from rig.report import Column, parser, progress, publish
from rig.slices import greet, in_turn, ratio, wrong

from readwatch.store.identity.passwords import DEFAULT_COST, hash_password

READERS = 1000
HEARTBEATS_PER_SECOND = 50
OF_BCRYPT = 0.9
P99_MS = 50

COLUMNS = (
    Column("what", "what"),
    Column("logins_per_second", "logins/s", ",.2f"),
    Column("of_bcrypt", "of bcrypt", ".2f"),
    Column("spread", "spread"),
    Column("of_bcrypt_target", "target", ".1f"),
    Column("told_to_wait", "429s", "d"),
    Column("p50_ms", "heartbeat p50 ms", ".1f"),
    Column("p99_ms", "p99 ms", ".1f"),
    Column("p99_ms_target", "target", "d"),
    Column("errors", "errors"),
)


@dataclass(frozen=True, slots=True)
class Logins:
    """The results of some seconds of logins, until the last response."""

    answered: int
    told_to_wait: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Storm:
    """The results of logins, and of heartbeats at the same time."""

    logins: Logins
    heartbeats: Result


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--seconds", type=float, default=6, help="length of a slice (6)")
    options.add_argument("--rounds", type=int, default=3, help="slices of each measurement (3)")
    options.add_argument("--clients", type=int, default=32, help="clients that log in at once (32)")
    options.add_argument(
        "--bcrypt-cost", type=int, default=DEFAULT_COST, help="cost of a password hash (12)"
    )
    settings = options.parse_args()
    seconds, cost = settings.seconds, settings.bcrypt_cost
    with temporary_folder() as folder:
        url = sqlite_in(folder)
        tokens = populate(url, READERS, bcrypt_cost=cost)
        with readwatch(url, folder, bcrypt_cost=cost) as server:
            greet(server, tokens)
            beats = Load("heartbeats", server.port, tokens, seconds, rate=HEARTBEATS_PER_SECOND)
            progress("bcrypt alone, heartbeats alone, logins with heartbeats ...")
            alone: dict[str, list[Any]] = in_turn(
                settings.rounds,
                {
                    "bcrypt": partial(bcrypt_per_second, cost, seconds),
                    "heartbeats": partial(put, beats),
                    "storm": partial(storm, server, settings.clients, beats),
                },
            )
    storms: list[Storm] = alone["storm"]
    rates = [found.logins.answered / found.logins.seconds for found in storms]
    share, spread = ratio(rates, alone["bcrypt"])
    rows = [
        {"what": "bcrypt alone", "logins_per_second": median(alone["bcrypt"])},
        {"what": "heartbeats alone", **latencies(alone["heartbeats"])},
        {
            "what": "logins, heartbeats",
            "logins_per_second": median(rates),
            "of_bcrypt": share,
            "spread": spread,
            "of_bcrypt_target": OF_BCRYPT,
            "told_to_wait": sum(found.logins.told_to_wait for found in storms),
            **latencies([found.heartbeats for found in storms]),
            "p99_ms_target": P99_MS,
        },
    ]
    publish(settings, COLUMNS, rows)


def latencies(results: Sequence[Result]) -> dict[str, object]:
    """Return the figures of some slices of heartbeats."""
    return {
        "p50_ms": median(result.p50 for result in results) * 1000,
        "p99_ms": median(result.p99 for result in results) * 1000,
        "errors": wrong(results),
    }


def bcrypt_per_second(cost: int, seconds: float) -> float:
    """Return the number of passwords a second that all cores check with bcrypt alone."""

    def check(_thread: int) -> int:
        checked = 0
        while perf_counter() < start + seconds:
            hash_password(PASSWORD, cost)  # as much work as a check
            checked += 1
        return checked

    start, threads = perf_counter(), os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        checked = sum(pool.map(check, range(threads)))
    return checked / (perf_counter() - start)


def storm(server: Server, clients: int, heartbeats: Load) -> Storm:
    """Log in with all clients while heartbeats arrive."""
    with ThreadPoolExecutor(1) as beside:
        beating = beside.submit(put, heartbeats)
        logins = log_in(server.port, clients, heartbeats.seconds)
    return Storm(logins, beating.result())


def log_in(port: int, clients: int, seconds: float) -> Logins:
    """Log in with all clients, each one reader after the other, and obey Retry-After."""

    def client(number: int) -> tuple[int, int, float]:
        answered, told_to_wait, last = 0, 0, start
        mine = cycle(emails(READERS)[number::clients])
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        email = next(mine)
        while perf_counter() < start + seconds:
            body = json.dumps({"email": email, "password": PASSWORD, "device_type": "tablet"})
            connection.request("POST", "/api/login", body)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 429:
                told_to_wait += 1
                sleep(float(answer.headers["Retry-After"]))
            elif answer.status == 200:
                answered, last = answered + 1, perf_counter()
                email = next(mine)
            else:
                raise SystemExit(f"a login was answered with {answer.status}")
        connection.close()
        return answered, told_to_wait, last

    start = perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(client, range(clients)))
    answered, told_to_wait, last = zip(*found, strict=True)
    return Logins(sum(answered), sum(told_to_wait), max(last) - start)


if __name__ == "__main__":
    main()
