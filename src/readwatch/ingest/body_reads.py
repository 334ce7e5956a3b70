"""The reads of request bodies: which are in progress, and how many may be without a token.

A thread waits for the body of its request, so slow bodies without a token could occupy all threads.
Such reads need a slot, of which a network has a few. An app sends the body together with the
header, so a slot is free again within milliseconds, and requests with a token need none.
"""

import logging
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
"""The maximum number of reads without a token, half of the threads."""

MAX_ANONYMOUS_OF_NETWORK = 4
"""The maximum number of reads without a token of one network."""

WAIT_SECONDS = 0.25
"""The longest wait for a slot; for `REFUSE_SECONDS` after a refusal nobody waits."""

REFUSE_SECONDS = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BodyRead:
    """A request that waits for its body: the address of its connection, and its client's network
    if it has no token."""

    address: str
    since: float
    network: str | None = None


class BodyReads:
    """The reads in progress; safe to use from many threads."""

    def __init__(self) -> None:
        self._reads: dict[int, BodyRead] = {}
        self._anonymous: Counter[str] = Counter()
        self._slots = Condition()
        self._refused_at: float | None = None
        self.refusals = Episode(
            "bodies without a token arrive too slowly: some of these requests get 503",
            "bodies without a token are accepted again",
        )

    def in_progress(self) -> list[BodyRead]:
        """Return the reads in progress."""
        return list(self._reads.values())

    def read(self, environ: dict[str, Any], size: int) -> bytes:
        """Return up to `size` bytes of a body, fewer only at its end."""
        return self._read(environ, size, BodyRead(_peer(environ), monotonic()))

    def read_anonymous(self, environ: dict[str, Any], size: int) -> bytes:
        """Read the body of a request without a token; without a free slot refuse it with 503."""
        with self._slot(environ, WAIT_SECONDS) as read:
            if read is None:
                raise ReadwatchError(
                    ErrorKind.UNAVAILABLE,
                    "too many slow requests without a token",
                    retry_after=retry_seconds(jitter()),
                )
            return self._read(environ, size, read)

    def discard(self, environ: dict[str, Any], size: int) -> None:
        """Read and discard a body if a slot is free.

        The response was sent already. Without this the connection would be closed, and an app that
        still sends might get a connection error instead of the response.
        """
        with self._slot(environ, 0) as read:
            if read is not None:
                self._read(environ, size, read)

    def _read(self, environ: dict[str, Any], size: int, read: BodyRead) -> bytes:
        self._reads[id(read)] = read
        try:
            body: bytes = environ["wsgi.input"].read(size)
            return body
        finally:
            del self._reads[id(read)]

    @contextmanager
    def _slot(self, environ: dict[str, Any], seconds: float) -> Iterator[BodyRead | None]:
        """Yield the read that has a slot; None if none was free within some seconds."""
        network = network_of(environ["REMOTE_ADDR"])
        if not self._acquire(network, seconds):
            yield None
            return
        try:
            yield BodyRead(_peer(environ), monotonic(), network)
        finally:
            with self._slots:
                self._anonymous[network] -= 1
                self._anonymous += Counter()  # removes networks without a read
                self._slots.notify_all()

    def _acquire(self, network: str, seconds: float) -> bool:
        with self._slots:
            now = monotonic()
            if self._refused_at is not None and now - self._refused_at < REFUSE_SECONDS:
                seconds = 0
            if self._slots.wait_for(lambda: self._has_slot(network), seconds):
                self._anonymous[network] += 1
                return True
            self._refused_at = monotonic()
        self.refusals.seen(self._refused_at)
        return False

    def _has_slot(self, network: str) -> bool:
        return (
            self._anonymous[network] < MAX_ANONYMOUS_OF_NETWORK
            and self._anonymous.total() < MAX_ANONYMOUS
        )


def _peer(environ: dict[str, Any]) -> str:
    """Return the address of the connection, which can be that of a reverse proxy."""
    address: str = environ.get("werkzeug.proxy_fix.orig", environ)["REMOTE_ADDR"]
    return address
