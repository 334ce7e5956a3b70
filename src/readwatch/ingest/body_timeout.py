"""Bodies that do not arrive: their connections are closed, so that they cannot hold all threads.

Granian lends a thread to a request as soon as its header is there, and a read waits for the body
without end (https://github.com/emmett-framework/granian/issues/728). Such a read ends only with
its connection, which granian keeps to itself; so that is looked for among the process's sockets,
which only Linux lets one do. Elsewhere only a proxy in front can keep slow bodies away.
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

BODY_SECONDS = 30.0
"""What an app on a bad line is given for its body."""

SLOW_SECONDS = 1.0
"""After which a body is one of the few that may be slow at the same time."""

_LAST_DATA_SENT = slice(44, 48)  # of Linux's struct tcp_info, in milliseconds

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class BodyRead:
    """A request that waits for its body."""

    address: str
    since: float


class BodyTimeout:
    """A WSGI application whose bodies are not waited for without end."""

    def __init__(self, app: Wsgi, port: int, most_slow: int) -> None:
        self._app = app
        self._port = port
        self._most_slow = most_slow
        self._waits: dict[int, BodyRead] = {}
        if sys.platform == "linux":
            Thread(target=self._watch, name="slow bodies", daemon=True).start()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        environ["wsgi.input"] = _Body(environ["wsgi.input"], environ["REMOTE_ADDR"], self._waits)
        return self._app(environ, start_response)

    def _watch(self) -> None:
        while True:
            sleep(SLOW_SECONDS / 4)
            for wait in reads_to_abort(list(self._waits.values()), self._most_slow, monotonic()):
                with suppress(
                    OSError
                ):  # no descriptor is left to look with; the next look may find one
                    close_connections(self._port, wait.address, monotonic() - wait.since)


class _Body:
    """The input of one request."""

    def __init__(self, stream: Any, address: str, waits: dict[int, BodyRead]) -> None:
        self._stream = stream
        self._wait = BodyRead(address, monotonic())
        self._waits = waits

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, fewer only at the end of the body or of the connection."""
        self._waits[id(self)] = self._wait
        try:
            data: bytes = self._stream.read(size if size >= 0 else None)
            return data
        finally:
            del self._waits[id(self)]


def reads_to_abort(waits: list[BodyRead], most_slow: int, now: float) -> Iterator[BodyRead]:
    """Yield those that are late, and the oldest ones if too many are slow."""
    slow = sorted((wait for wait in waits if now - wait.since > SLOW_SECONDS), key=_since)
    too_many = len(slow) - most_slow
    for place, wait in enumerate(slow):
        if place < too_many or now - wait.since > BODY_SECONDS:
            yield wait


def _since(wait: BodyRead) -> float:
    return wait.since


def close_connections(port: int, address: str, seconds: float) -> None:
    """Close the connections of an address to this port that got no answer for so many seconds.

    Which one of them has the body cannot be told: others of that address that wait for an answer,
    or are idle, are closed with it, and their apps have to send again.
    """
    for connection in _sockets():
        with suppress(OSError):  # it may end by itself meanwhile
            here, there = connection.getsockname(), connection.getpeername()
            if (here[1:2], there[:1]) == ((port,), (address,)):
                told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 48)
                silent = int.from_bytes(told[_LAST_DATA_SENT], sys.byteorder) / 1000
                if silent > seconds - 0.1:
                    connection.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """Yield the sockets of the process; none of its files is opened or closed for it.

    To close even a copy of SQLite's descriptor would let go of its locks on the database
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
