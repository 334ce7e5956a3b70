"""Closes connections whose body does not arrive and, if there are too many, idle ones.

Granian assigns a thread to a request as soon as the header has arrived, and reading the body has no
timeout (https://github.com/emmett-framework/granian/issues/728), so slow clients could occupy all
threads. Only closing the connection ends such a read. This works on Linux only; on other systems
only a reverse proxy protects the service from slow bodies and idle connections.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from threading import Thread
from time import monotonic, sleep

from readwatch.domain.addresses import network_of
from readwatch.ingest.body_reads import BodyRead, BodyReads
from readwatch.ingest.logs import Episode
from readwatch.ingest.sockets import (
    Connection,
    close_connection,
    open_connections,
    open_descriptors,
)

BODY_TIMEOUT_SECONDS = 30.0
"""The longest time for a body, enough for an app with a bad connection."""

SLOW_SECONDS = 1.0
"""After this time a read is slow; the number of slow reads at the same time is limited."""

MAX_SLOW_OF_NETWORK = 2
"""The maximum number of slow reads without a token of one network."""

CROWDED = 7 / 8
"""From this share of the limit of connections on, idle connections are closed."""

ROOM = 3 / 4
"""The share of the limit that is left after that."""

UNANSWERED_SECONDS = 10.0
"""No response takes longer, so a connection that waits for one did not send its whole request."""

_TICK_SECONDS = SLOW_SECONDS / 4
_TOLERANCE_SECONDS = 0.1


class BodyTimeout:
    """A thread that closes slow and idle connections to a port, and ends episodes of the log."""

    def __init__(
        self,
        reads: BodyReads,
        port: int,
        *,
        max_slow: int,
        max_connections: int,
        episodes: Sequence[Episode],
    ) -> None:
        self._reads = reads
        self._port = port
        self._max_slow = max_slow
        self._max_connections = max_connections
        self._episodes = episodes
        self._crowd = Episode(
            "too many open connections: idle ones are closed, those of one network first",
            "idle connections are no longer closed",
        )
        self._waiting: dict[tuple[str, int], float] = {}

    def start(self) -> None:
        """Start the thread; it ends with the process."""
        if sys.platform == "linux":
            Thread(target=self._run, name="body timeout", daemon=True).start()

    def _run(self) -> None:
        for tick in count():
            sleep(_TICK_SECONDS)
            with suppress(OSError):  # no descriptor was free; the next tick tries again
                self._close_slow(monotonic())
                if tick % 4 == 0:
                    self._close_idle()
            for episode in (self._crowd, *self._episodes):
                episode.check(monotonic())

    def _close_slow(self, now: float) -> None:
        reads = self._reads.in_progress()
        if all(now - read.since < _TOLERANCE_SECONDS for read in reads):
            self._waiting = {}
            return
        connections = list(open_connections(self._port))
        self._waiting = waiting_since(self._waiting, connections, monotonic())
        for read in reads_to_abort(reads, self._max_slow, now):
            connection = connection_of(read, connections, self._waiting, now)
            if connection is not None:
                connections.remove(connection)
                close_connection(connection)

    def _close_idle(self) -> None:
        if open_descriptors() < CROWDED * self._max_connections:
            return
        connections = list(open_connections(self._port))
        if len(connections) < CROWDED * self._max_connections:
            return
        self._crowd.seen(monotonic())
        for connection in idle_to_close(connections, int(ROOM * self._max_connections)):
            close_connection(connection)


def reads_to_abort(reads: Sequence[BodyRead], max_slow: int, now: float) -> Iterator[BodyRead]:
    """Yield the reads that have timed out and, of too many slow ones, the oldest: in total, and of
    one network without a token."""
    slow = sorted((read for read in reads if now - read.since > SLOW_SECONDS), key=_since)
    excess = len(slow) - max_slow
    left = Counter(read.network for read in slow)
    for index, read in enumerate(slow):
        is_excess = read.network is not None and left[read.network] > MAX_SLOW_OF_NETWORK
        if index < excess or is_excess or now - read.since > BODY_TIMEOUT_SECONDS:
            left[read.network] -= 1
            yield read


def _since(read: BodyRead) -> float:
    return read.since


def waiting_since(
    before: Mapping[tuple[str, int], float],
    connections: Sequence[Connection],
    now: float,
) -> dict[tuple[str, int], float]:
    """Return for each connection that waits for a response since when this is known.

    `before` is the last result, and the `connections` were listed just before `now`. Whatever was
    sent over a connection ended the wait that was known before.
    """
    waiting = (each for each in connections if each.waits_for_response)
    return {
        each.peer: since if (since := before.get(each.peer, now)) > now - each.since_sent else now
        for each in waiting
    }


def connection_of(
    read: BodyRead,
    connections: Sequence[Connection],
    waiting: Mapping[tuple[str, int], float],
    now: float,
) -> Connection | None:
    """Return the connection of a slow read, as far as the kernel shows it.

    Nothing was sent over it since the request. It waits for its response, and its last data arrived
    with the request, or its request is not complete: `waiting` has the time since which each is
    known to wait. If the body is discarded, the response was sent when the read began.
    """
    seconds = now - read.requested_at
    candidates = [
        (abs(since - seconds), connection.peer, connection)
        for connection in connections
        if connection.peer[0] == read.address
        and connection.since_sent > seconds - _TOLERANCE_SECONDS
        for since in _times_of_request(read, connection)
        if abs(since - seconds) < _TICK_SECONDS
        or _is_incomplete(connection, waiting.get(connection.peer, now), now)
    ]
    return min(candidates)[-1] if candidates else None


def _is_incomplete(connection: Connection, waits_since: float, now: float) -> bool:
    """Tell whether a part of a request is missing: data arrived after it began to wait, or it waits
    for longer than any complete request."""
    arrived_at = now - connection.since_received
    return arrived_at > waits_since + _TOLERANCE_SECONDS or now - waits_since > UNANSWERED_SECONDS


def _times_of_request(read: BodyRead, connection: Connection) -> Iterator[float]:
    """Yield the seconds since the request, if the connection can be that of the read."""
    if connection.waits_for_response:
        yield connection.since_received
    elif read.is_discarded:
        yield connection.since_sent


def idle_to_close(connections: Sequence[Connection], most: int) -> list[Connection]:
    """Return the idle connections to close so that `most` are left: of the networks with most of
    them first, and of a network those without any response and then the longest silent."""
    idle = defaultdict(list)
    for connection in sorted(connections, key=lambda one: (not one.was_answered, one.silent)):
        if connection.silent > (
            UNANSWERED_SECONDS if connection.waits_for_response else SLOW_SECONDS
        ):
            idle[network_of(connection.peer[0])].append(connection)
    ranked = [each for of_network in idle.values() for each in enumerate(of_network)]
    ranked.sort(key=lambda each: each[0], reverse=True)
    return [connection for _, connection in ranked[: max(0, len(connections) - most)]]
