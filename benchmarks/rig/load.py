"""A load from a separate process: raw HTTP over non-blocking sockets, to 127.0.0.1 only.

In a closed loop each connection sends its next request when the last one is answered. In an open
loop (with a rate) requests are due at random times, as the requests of many independent readers
are, even if the server is too slow. A latency counts from the time at which the request was due, so
that it includes the wait inside the load.
"""

import json
import select
import socket
import sys
from array import array
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from math import inf
from random import Random
from time import perf_counter, process_time

from rig.traffic import TRAFFIC

PATIENCE_SECONDS = 5.0
"""The longest wait for responses at the end."""

_READ = select.EPOLLIN
_READ_AND_WRITE = select.EPOLLIN | select.EPOLLOUT


@dataclass(frozen=True, slots=True)
class Load:
    """The requests, the server, the rate (requests a second; 0: closed loop) and the duration."""

    traffic: str
    port: int
    tokens: list[str]
    seconds: float
    batch: int = 1
    connections: int = 32
    rate: float = 0.0
    requests: int | None = None  # at most
    reconnect: bool = False  # a new connection for each request


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a load; latencies in seconds."""

    asked: int  # requests that fell due
    answered: int  # of them with 2xx, also after the time was up
    in_time: int  # of them before it was up; in a closed loop all
    behind: int  # due and without an answer when the time was up
    accepted: int  # activities that were acknowledged
    seconds: float  # in a closed loop until the last answer
    p50: float
    p99: float
    longest: float
    cpu_seconds: float  # of the load itself
    refused: dict[str, int] = field(default_factory=dict)  # by status; 0: a lost connection

    @property
    def per_second(self) -> float:
        """The number of requests a second that were answered with 2xx."""
        return self.in_time / self.seconds

    @property
    def errors(self) -> int:
        """The number of requests without a 2xx response."""
        return self.asked - self.answered

    @property
    def unanswered(self) -> int:
        """The number of requests without any response."""
        return self.errors - sum(self.refused.values()) + self.refused.get("0", 0)

    def words(self) -> str:
        """Return the errors as text, or empty text."""
        parts = [f"{number} x {status}" for status, number in sorted(self.refused.items())]
        return ", ".join(parts + [f"{self.unanswered} unanswered"] * (self.unanswered > 0))


class _Connection:
    """One connection, with at most one request on it."""

    __slots__ = ("due", "received", "socket", "unsent")

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", port))
        self.due = 0.0
        self.received = b""
        self.unsent = b""

    def send_more(self) -> None:
        """Send as much as the socket accepts now."""
        try:
            self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            return
        except OSError:  # what comes back, or nothing, tells what was wrong
            self.unsent = b""

    def receive(self) -> tuple[int, bytes] | None:
        """Return status and body of a complete response; None while it is incomplete."""
        chunk = self.socket.recv(32_768)
        if not chunk:
            raise ConnectionError
        self.received += chunk
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return None
        at = head.lower().find(b"content-length:")
        if at >= 0 and len(body) < int(head[at + 15 :].split(b"\r\n", 1)[0]):
            return None
        self.received = b""
        return int(head[9:12]), body

    def close(self) -> None:
        """Close without TIME_WAIT; otherwise thousands of connections would use up the ports."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


class _Run:
    """A running load."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._requests = islice(TRAFFIC[load.traffic](load.tokens, load.batch), load.requests)
        self._epoll = select.epoll()
        self._open: dict[int, _Connection] = {}
        self._idle: dict[int, _Connection] = {}
        self._waiting: deque[float] = deque()  # the time at which each was due
        self._latencies = array("d")
        self._refused: Counter[str] = Counter()
        self._asked = self._in_time = self._accepted = 0
        self._behind: int | None = None
        self._cpu_before = process_time()
        self._start = perf_counter()
        self._end = self._start + load.seconds

    def __call__(self) -> Result:
        arrivals = self._arrivals()
        due = next(arrivals, inf)
        while True:
            now = perf_counter()
            while due <= now:
                self._waiting.append(due)
                due = next(arrivals, inf)
            self._send_waiting()
            busy = len(self._open) - len(self._idle)
            if self._behind is None and now >= self._end:
                self._behind = len(self._waiting) + busy
            if now >= self._end + PATIENCE_SECONDS or (
                due == inf and not self._waiting and not busy
            ):
                break
            # Whole milliseconds: a request can leave one late, which counts in its latency.
            for descriptor, event in self._epoll.poll(min(max(0.0, due - now), 0.1)):
                self._serve(self._open[descriptor], event)
        for connection in self._open.values():
            connection.close()
        return self._result(self._load.seconds if self._load.rate else now - self._start)

    def _arrivals(self) -> Iterator[float]:
        """Yield the times at which requests are due; in a closed loop only the start."""
        if not self._load.rate:
            yield from [self._start] * self._load.connections
            return
        random = Random(self._load.seconds)
        due = self._start + random.expovariate(self._load.rate)
        while due < self._end:
            yield due
            due += random.expovariate(self._load.rate)

    def _send_waiting(self) -> None:
        while self._waiting and (self._idle or len(self._open) < self._load.connections):
            request = next(self._requests, None)
            if request is None:
                self._waiting.clear()
                return
            connection = self._idle.popitem()[1] if self._idle else self._connect()
            connection.due = self._waiting.popleft()
            self._asked += 1
            connection.unsent = request
            connection.send_more()
            if connection.unsent:
                self._epoll.modify(connection.socket, _READ_AND_WRITE)

    def _connect(self) -> _Connection:
        connection = _Connection(self._load.port)
        self._open[connection.socket.fileno()] = connection
        self._epoll.register(connection.socket, _READ)
        return connection

    def _serve(self, connection: _Connection, event: int) -> None:
        if connection.unsent and event & select.EPOLLOUT:
            connection.send_more()
            if not connection.unsent:
                self._epoll.modify(connection.socket, _READ)
        if not event & ~select.EPOLLOUT:
            return
        try:
            answer = connection.receive()
        except OSError:
            if connection.socket.fileno() not in self._idle:
                self._note(connection, 0, b"")
            self._drop(connection)
            return
        if answer is not None:
            self._note(connection, *answer)
            if self._load.reconnect:
                self._drop(connection)
            else:
                self._idle[connection.socket.fileno()] = connection

    def _note(self, connection: _Connection, status: int, body: bytes) -> None:
        now = perf_counter()
        if 200 <= status < 300:
            self._latencies.append(now - connection.due)
            self._in_time += now < self._end or not self._load.rate
            self._accepted += body.count(b'"accepted"')
        else:
            self._refused[str(status)] += 1
        if not self._load.rate and now < self._end:
            self._waiting.append(now)

    def _drop(self, connection: _Connection) -> None:
        self._idle.pop(connection.socket.fileno(), None)
        del self._open[connection.socket.fileno()]
        connection.close()

    def _result(self, seconds: float) -> Result:
        latencies = sorted(self._latencies) or [0.0]
        return Result(
            asked=self._asked + len(self._waiting),
            answered=len(self._latencies),
            in_time=self._in_time,
            behind=self._behind or 0,
            accepted=self._accepted,
            seconds=seconds,
            p50=latencies[len(latencies) // 2],
            p99=latencies[int(len(latencies) * 0.99)],
            longest=latencies[-1],
            cpu_seconds=process_time() - self._cpu_before,
            refused=dict(self._refused),
        )


if __name__ == "__main__":
    print(json.dumps(asdict(_Run(Load(**json.load(sys.stdin)))())))
