"""A closed-loop HTTP load: each connection sends its next request when the last one is answered.

Raw requests over non-blocking sockets, so that the load costs far less than the server: about
20 µs a request. Bounded in time, and to 127.0.0.1.
"""

import argparse
import json
import selectors
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter


@dataclass(frozen=True)
class Result:
    """What came of a load; latencies in seconds."""

    requests: int
    failures: int
    seconds: float
    p50: float
    p99: float

    @property
    def per_second(self) -> float:
        """Requests that were answered with 2xx, a second."""
        return (self.requests - self.failures) / self.seconds


class Connection:
    """One connection and the requests that it sends, the n-th made by `request(n)`."""

    def __init__(self, port: int, request: Callable[[int], bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.request = request
        self.sent = 0
        self.started = 0.0
        self.received = b""

    def send(self) -> None:
        """Send the next request."""
        self.started = perf_counter()
        data = self.request(self.sent)
        self.sent += 1
        while data:
            try:
                data = data[self.socket.send(data) :]
            except BlockingIOError:
                continue

    def receive(self) -> int | None:
        """Return the status of an answer that is complete, None while it is not."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self.received += chunk
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return None
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) < length:
            return None
        self.received = b""
        return int(head[9:12])


def run(port: int, requests: Sequence[Callable[[int], bytes]], seconds: float) -> Result:
    """Load the server at `port` for some seconds, one connection for each maker of requests."""
    selector = selectors.DefaultSelector()
    for maker in requests:
        connection = Connection(port, maker)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send()
    latencies: list[float] = []
    failures = 0
    start = perf_counter()
    end = start + seconds
    while (now := perf_counter()) < end:
        for key, _ in selector.select(timeout=1):
            connection = key.data
            status = connection.receive()
            if status is None:
                continue
            latencies.append(perf_counter() - connection.started)
            failures += not 200 <= status < 300
            connection.send()
    took = now - start
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    latencies.sort()
    return Result(
        requests=len(latencies),
        failures=failures,
        seconds=took,
        p50=latencies[len(latencies) // 2] if latencies else 0.0,
        p99=latencies[int(len(latencies) * 0.99)] if latencies else 0.0,
    )


def post(path: str, body: bytes = b"", token: str | None = None) -> bytes:
    """Return the bytes of a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    if token:
        head += f"Authorization: Bearer {token}\r\n"
    return head.encode() + b"\r\n" + body


def activities(token: str, batch: int, name: str) -> Callable[[int], bytes]:
    """Return the maker of requests with one activity (`batch` 0) or a batch of them."""

    def one(number: int) -> dict[str, object]:
        return {
            "activity_type": "page_read",
            "content_id": f"book-{number % 7}",
            "content_title": "Pride and Prejudice",
            "progress_percentage": number % 100,
            "duration_seconds": 30,
            "event_id": f"{name}-{number}",
            "metadata": {"page": number},
        }

    def request(number: int) -> bytes:
        if batch == 0:
            body: dict[str, object] = one(number)
        else:
            body = {"activities": [one(number * batch + item) for item in range(batch)]}
        return post("/api/activities", json.dumps(body).encode(), token)

    return request


def main() -> None:
    """Run one load in a process of its own and print its result as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("kind", choices=("bare", "heartbeat", "activities"))
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=16)
    settings = parser.parse_args()
    tokens = sys.stdin.read().split() or [""]
    makers: list[Callable[[int], bytes]] = []
    for number in range(settings.connections):
        token = tokens[number % len(tokens)]
        fixed = post("/bare" if settings.kind == "bare" else "/api/heartbeat", b"", token)
        makers.append(
            activities(token, settings.batch, f"{number}")
            if settings.kind == "activities"
            else lambda _number, fixed=fixed: fixed
        )
    print(json.dumps(asdict(run(settings.port, makers, settings.seconds))))


if __name__ == "__main__":
    main()
