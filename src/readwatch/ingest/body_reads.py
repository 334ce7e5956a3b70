"""The reads of request bodies: which are in progress, and how many may be without a token.

A thread waits for the body of its request, so slow bodies without a token could occupy all threads.
Such reads need a slot, of which a network has a few. An app sends the body together with the
header, so a slot is free again within milliseconds, and requests with a token need none.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from time import monotonic
from typing import Any

from readwatch.domain.addresses import network_of
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.load_shedding import retry_seconds
from readwatch.ingest.load_shedding import jitter
from readwatch.ingest.logs import Episode

MAX_ANONYMOUS = 16
"""The maximum number of reads without a token, half of the threads; a network may have half."""

MAX_DISCARDED = 8
"""The maximum number of bodies that are discarded at the same time; a network may have half."""

WAIT_SECONDS = 1.0
"""The longest wait for a slot; for `REFUSE_SECONDS` after a refusal nobody waits."""

REFUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class BodyRead:
    """A request that waits for its body: the address of its connection, and its client's network
    if it has no token. A discarded body is read after the response.

    The times are those of `monotonic`: of the request, or of the response if the body is discarded,
    and of the read, which may wait for a slot.
    """

    address: str
    requested_at: float
    since: float
    network: str | None = None
    is_discarded: bool = False


class _Slots:
    """A limited number of reads at the same time, of which one network may have half."""

    def __init__(self, most: int, refusals: Episode) -> None:
        self._most = most
        self._in_use: Counter[str] = Counter()
        self._condition = Condition()
        self._refused_at: float | None = None
        self._refusals = refusals

    @contextmanager
    def slot(self, network: str) -> Iterator[bool]:
        """Yield whether a slot is free, now or soon."""
        if not self._acquire(network):
            yield False
            return
        try:
            yield True
        finally:
            with self._condition:
                self._in_use[network] -= 1
                self._in_use += Counter()  # removes networks without a read
                self._condition.notify_all()

    def _acquire(self, network: str) -> bool:
        with self._condition:
            now = monotonic()
            waits = self._refused_at is None or now - self._refused_at > REFUSE_SECONDS
            if self._condition.wait_for(
                lambda: self._is_free(network), WAIT_SECONDS if waits else 0
            ):
                self._in_use[network] += 1
                return True
            self._refused_at = monotonic()
        self._refusals.seen(self._refused_at)
        return False

    def _is_free(self, network: str) -> bool:
        return self._in_use[network] < self._most // 2 and self._in_use.total() < self._most


class BodyReads:
    """The reads in progress; safe to use from many threads."""

    def __init__(self) -> None:
        self._reads: dict[int, BodyRead] = {}
        self.refusals = Episode(
            "many slow requests without a token: some get 503 or lose their connection",
            "no more slow requests without a token",
        )
        self._anonymous = _Slots(MAX_ANONYMOUS, self.refusals)
        self._discarded = _Slots(MAX_DISCARDED, self.refusals)

    def in_progress(self) -> list[BodyRead]:
        """Return the reads in progress."""
        return list(self._reads.values())

    def read(self, environ: dict[str, Any], size: int) -> bytes:
        """Return up to `size` bytes of a body, fewer only at its end."""
        return self._read(environ, size, None, monotonic())

    def read_anonymous(self, environ: dict[str, Any], size: int) -> bytes:
        """Read the body of a request without a token; without a free slot refuse it with 503."""
        network, requested_at = network_of(environ.get("REMOTE_ADDR")), monotonic()
        with self._anonymous.slot(network) as is_free:
            if not is_free:
                raise ReadwatchError(
                    ErrorKind.UNAVAILABLE,
                    "too many slow requests without a token",
                    retry_after=retry_seconds(jitter()),
                )
            return self._read(environ, size, network, requested_at)

    def discard(self, environ: dict[str, Any], size: int) -> None:
        """Read and discard a body if a slot is free.

        The response was sent already. Without this the connection would be closed, and an app that
        still sends might get a connection error instead of the response.
        """
        network, requested_at = network_of(environ.get("REMOTE_ADDR")), monotonic()
        with self._discarded.slot(network) as is_free:
            if is_free:
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
