"""The reads of request bodies: which are in progress, and how many a client may have.

A thread waits for the body of its request, so slow bodies of one client could occupy all threads.
The reads at the same time are limited for each account and, without a token, for each network. Apps
send the body together with the header, so a read seldom waits.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from time import monotonic
from typing import Any

from readwatch.domain.addresses import network_of
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.load_shedding import retry_seconds
from readwatch.domain.sessions import Principal
from readwatch.ingest.load_shedding import MAX_REQUESTS, STANDSTILL_SECONDS, jitter
from readwatch.ingest.logs import Episode

STARTED_AT = "readwatch.started_at"
"""The name in the WSGI environment of the time at which the request began."""

MAX_ANONYMOUS = 16
"""The maximum number of reads without a token; a network may have half."""

MAX_ANONYMOUS_WAITING = 112
"""The maximum number of such reads that wait for others, as when a school logs in."""

MAX_OF_ACCOUNT = 64
"""The maximum number of reads of one account."""

MAX_OF_ACCOUNTS_WAITING = 16
"""The maximum number of reads of accounts that wait for others."""

MAX_DISCARDED = 8
"""The maximum number of bodies that are discarded at the same time, and of those that wait for it;
a network may have half."""

WAIT_SECONDS = 0.8 * STANDSTILL_SECONDS
"""The longest wait of a read for others, so that waiting alone never looks like a database that
does not answer."""


@dataclass(frozen=True, slots=True)
class BodyRead:
    """A request that waits for its body: the address of its connection, and its client's network
    if it has no token. A discarded body is read after the response.

    The times are those of `monotonic`: of the request, or of the response if the body is discarded,
    and of the read, which may wait for others to end.
    """

    address: str
    requested_at: float
    since: float
    network: str | None = None
    is_discarded: bool = False


class ReadLimit:
    """A limited number of reads at the same time, of which one client may have `of_one`.

    Some further ones wait, of which one client may have five sixths.
    """

    def __init__(self, most: int, of_one: int, waiting: int, refusals: Episode) -> None:
        self._most, self._of_one, self._most_waiting = most, of_one, waiting
        self._in_progress: Counter[Hashable] = Counter()
        self._waiting: Counter[Hashable] = Counter()
        self._condition = Condition()
        self._refusals = refusals

    @contextmanager
    def read_of(self, client: Hashable) -> Iterator[bool]:
        """Yield whether the client may read, now or soon."""
        if not self._begin(client):
            self._refusals.seen(monotonic())
            yield False
            return
        try:
            yield True
        finally:
            with self._condition:
                self._in_progress[client] -= 1
                if not self._in_progress[client]:
                    del self._in_progress[client]
                self._condition.notify_all()

    def _begin(self, client: Hashable) -> bool:
        with self._condition:
            may_begin = self._may_begin(client) or self._waits_for(client)
            if may_begin:
                self._in_progress[client] += 1
            return may_begin

    def _waits_for(self, client: Hashable) -> bool:
        waiting = self._waiting
        if waiting.total() == self._most_waiting or waiting[client] > self._most_waiting * 5 / 6:
            return False
        waiting[client] += 1
        try:
            return self._condition.wait_for(lambda: self._may_begin(client), WAIT_SECONDS)
        finally:
            waiting[client] -= 1
            if not waiting[client]:
                del waiting[client]

    def _may_begin(self, client: Hashable) -> bool:
        reads = self._in_progress
        return reads[client] < self._of_one and reads.total() < self._most


class BodyReads:
    """The reads in progress; safe to use from many threads."""

    def __init__(self) -> None:
        self._reads: dict[int, BodyRead] = {}
        self.refusals = Episode(
            "many slow request bodies: some requests get 503 or lose their connection",
            "no more slow request bodies",
        )
        self._anonymous = ReadLimit(
            MAX_ANONYMOUS, MAX_ANONYMOUS // 2, MAX_ANONYMOUS_WAITING, self.refusals
        )
        self._of_accounts = ReadLimit(
            MAX_REQUESTS, MAX_OF_ACCOUNT, MAX_OF_ACCOUNTS_WAITING, self.refusals
        )
        self._discarded = ReadLimit(MAX_DISCARDED, MAX_DISCARDED // 2, MAX_DISCARDED, self.refusals)

    def in_progress(self) -> list[BodyRead]:
        """Return the reads in progress."""
        return list(self._reads.values())

    def read(self, environ: dict[str, Any], size: int, principal: Principal | None) -> bytes:
        """Return up to `size` bytes of a body, fewer only at its end.

        `principal` is that of the token, None without one. Beyond the limit the request is
        refused.
        """
        requested_at = environ[STARTED_AT]
        if principal is None:
            network = network_of(environ.get("REMOTE_ADDR"))
            read = self._anonymous.read_of(network)
        else:
            network = None
            read = self._of_accounts.read_of(principal.user_id)
        with read as is_allowed:
            if not is_allowed:
                raise ReadwatchError(
                    ErrorKind.UNAVAILABLE,
                    "too many slow request bodies",
                    retry_after=retry_seconds(jitter()),
                )
            return self._read(environ, size, network, requested_at)

    def discard(self, environ: dict[str, Any], size: int) -> None:
        """Read and discard a body, if the limit allows it.

        The response was sent already. Without this the connection would be closed, and an app that
        still sends might get a connection error instead of the response.
        """
        network, requested_at = network_of(environ.get("REMOTE_ADDR")), monotonic()
        with self._discarded.read_of(network) as is_allowed:
            if is_allowed:
                self._read(environ, size, network, requested_at, is_discarded=True)

    def _read(
        self,
        environ: dict[str, Any],
        size: int,
        network: str | None,
        requested_at: float,
        *,
        is_discarded: bool = False,
    ) -> bytes:
        read = BodyRead(_peer(environ), requested_at, monotonic(), network, is_discarded)
        self._reads[id(read)] = read
        try:
            body: bytes = environ["wsgi.input"].read(size)
            return body
        finally:
            del self._reads[id(read)]


def _peer(environ: dict[str, Any]) -> str:
    """Return the address of the connection, which can be that of a reverse proxy."""
    return str(environ.get("werkzeug.proxy_fix.orig", environ).get("REMOTE_ADDR"))
