"""A timeout for request bodies: a connection is closed if the body does not arrive in time.

Granian assigns a thread to a request as soon as the header has arrived, and reading the body has no
timeout (https://github.com/emmett-framework/granian/issues/728), so slow clients could occupy all
threads. Only closing the connection ends such a read. Granian does not expose the connection, so
this module finds it among the sockets of the process, which works on Linux only. On other systems
only a reverse proxy protects the service from slow bodies.
"""

import os
import socket
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from time import monotonic, sleep
from typing import Any

BODY_TIMEOUT_SECONDS = 30.0
"""The longest time for a body, enough for an app with a bad connection."""

SLOW_SECONDS = 1.0
"""After this time a read is slow; the number of slow reads at the same time is limited."""

_LAST_DATA_SENT = slice(44, 48)  # of Linux's struct tcp_info, in milliseconds

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class BodyRead:
    """A request that waits for its body."""

    address: str
    since: float


class BodyTimeout:
    """A WSGI application that limits the time to read a body."""

    def __init__(self, app: Wsgi, port: int, max_slow: int) -> None:
        self._app = app
        self._port = port
        self._max_slow = max_slow
        self._reads: dict[int, BodyRead] = {}
        if sys.platform == "linux":
            Thread(target=self._abort_slow_reads, name="body timeout", daemon=True).start()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        environ["wsgi.input"] = _Body(environ["wsgi.input"], environ["REMOTE_ADDR"], self._reads)
        return self._app(environ, start_response)

    def _abort_slow_reads(self) -> None:
        while True:
            sleep(SLOW_SECONDS / 4)
            for read in reads_to_abort(list(self._reads.values()), self._max_slow, monotonic()):
                with suppress(OSError):  # no file descriptor was free; the next round tries again
                    close_connections(self._port, read.address, monotonic() - read.since)


class _Body:
    """The input of one request."""

    def __init__(self, stream: Any, address: str, reads: dict[int, BodyRead]) -> None:
        self._stream = stream
        self._read = BodyRead(address=address, since=monotonic())
        self._reads = reads

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, fewer only at the end of the body or of the connection."""
        self._reads[id(self)] = self._read
        try:
            data: bytes = self._stream.read(size if size >= 0 else None)
            return data
        finally:
            del self._reads[id(self)]


def reads_to_abort(reads: list[BodyRead], max_slow: int, now: float) -> Iterator[BodyRead]:
    """Yield the reads that have timed out and, if more than `max_slow` are slow, the oldest."""
    slow = sorted((read for read in reads if now - read.since > SLOW_SECONDS), key=_since)
    excess = len(slow) - max_slow
    for index, read in enumerate(slow):
        if index < excess or now - read.since > BODY_TIMEOUT_SECONDS:
            yield read


def _since(read: BodyRead) -> float:
    return read.since


def close_connections(port: int, address: str, seconds: float) -> None:
    """Close the connections from an address to this port that received nothing for `seconds`.

    Any of them may be the connection of the slow body, so connections from the same address that
    are idle or wait for a response are closed too; their apps have to send again.
    """
    for connection in _sockets():
        with suppress(OSError):  # the connection may have ended
            local, remote = connection.getsockname(), connection.getpeername()
            if (local[1:2], remote[:1]) == ((port,), (address,)):
                tcp_info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 48)
                silent = int.from_bytes(tcp_info[_LAST_DATA_SENT], sys.byteorder) / 1000
                if silent > seconds - 0.1:
                    connection.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """Yield the sockets of the process; no descriptor is opened or closed.

    Closing even a copy of SQLite's descriptor would release its locks on the database
    (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                connection = socket.socket(fileno=int(name))
                try:
                    yield connection
                finally:
                    connection.detach()
