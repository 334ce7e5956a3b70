"""Simulated readers who send requests to a server over real HTTP."""

import json
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from heapq import heapify, heapreplace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from random import Random
from threading import Event, Thread
from time import monotonic
from typing import Final, Self
from urllib.parse import urlsplit

from readwatch.demo.cast import SimulatedReader
from readwatch.demo.habits import (
    DEMO,
    AppRequest,
    BookPosition,
    Reading,
    Rhythm,
    Signal,
    begin,
    step,
)
from readwatch.domain.activities import Activity

THREADS: Final = 4
CONNECT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 30.0
LONGEST_PAUSE: Final = 30.0  # the maximum of Retry-After
LONGEST_BACKOFF: Final = 2.0  # so that the readers return soon after a restart of the server
STOP_SECONDS: Final = 0.6


class Crowd:
    """Simulated readers of the API at `base_url`, as a context manager that can be used once.

    `clock` is read once, at the start. All readers have the same `password`. They log in evenly
    over `ramp_seconds` and continue at their entry in `positions` (by e-mail). On leaving, all
    threads end within about a second, even if the server does not answer.
    """

    def __init__(
        self,
        base_url: str,
        readers: Sequence[SimulatedReader],
        password: str,
        *,
        rng: Random,
        clock: Callable[[], datetime],
        rhythm: Rhythm = DEMO,
        ramp_seconds: float = 10.0,
        positions: Mapping[str, BookPosition] | None = None,
    ) -> None:
        """Prepare the crowd; requests begin when the context is entered."""
        self._readers = readers
        self._password = password
        self._rng = rng
        self._clock = clock
        self._rhythm = rhythm
        self._ramp = timedelta(seconds=ramp_seconds)
        self._positions = positions or {}
        self._stopped = Event()
        self._connections = [_Connection(base_url) for _ in range(min(THREADS, len(readers)))]
        self._threads: list[Thread] = []

    def __enter__(self) -> Self:
        """Start the readers."""
        self._started_at, self._origin = self._clock(), monotonic()
        for number, connection in enumerate(self._connections):
            # Each thread has its own generator, so that threads do not affect each other's readers.
            rng = Random(self._rng.getrandbits(64))  # noqa: S311 - simulated behaviour, no secret
            indexes = range(number, len(self._readers), len(self._connections))
            apps = [self._app(index, rng) for index in indexes]
            name = f"crowd-{number}"
            thread = Thread(target=self._run, args=(connection, apps), name=name, daemon=True)
            self._threads.append(thread)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the readers."""
        self._stopped.set()
        deadline = monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))
        for connection in self._connections:
            connection.cut()
        for thread in self._threads:
            thread.join()

    def _app(self, index: int, rng: Random) -> "_App":
        reader = self._readers[index]
        login_at = self._started_at + self._ramp * (index / len(self._readers))
        position = self._positions.get(reader.email)
        return _App(begin(reader, self._rhythm, login_at, rng, position), rng, self._password)

    def _now(self) -> datetime:
        return self._started_at + timedelta(seconds=monotonic() - self._origin)

    def _run(self, connection: "_Connection", apps: Sequence["_App"]) -> None:
        """The loop of one thread: the app that is due first uses the connection."""
        heap = [(app.reading.due, number, app) for number, app in enumerate(apps)]
        heapify(heap)
        while not self._stopped.is_set():
            now = self._now()
            due, number, app = heap[0]
            if now < due:
                self._stopped.wait((due - now).total_seconds())
            else:
                heapreplace(heap, (app.serve(connection, now), number, app))
        connection.close()


class _App:
    """One reader's app: the client side of the API."""

    def __init__(self, reading: Reading, rng: Random, password: str) -> None:
        self.reading = reading
        self._rng = rng
        self._password = password
        self._token: str | None = None
        self._outbox: deque[AppRequest] = deque()
        self._failures = 0  # in a row

    def serve(self, connection: "_Connection", now: datetime) -> datetime:
        """Send all due requests and return the time of the next call.

        While a request waits to be sent again, the reader does nothing, so the outbox stays small.
        """
        if not self._outbox:
            self.reading, requests = step(self.reading, now, self._rng)
            self._outbox.extend(requests)
        pause = self._send_all(connection, now)
        return self.reading.due if pause is None else now + timedelta(seconds=pause)

    def _send_all(self, connection: "_Connection", now: datetime) -> float | None:
        """Send the outbox in order; return the seconds to wait before trying again, if any."""
        while self._outbox:
            first = self._outbox[0]
            request = first if self._token else Signal.LOGIN
            try:
                pause = self._send(connection, request, now)
            except (OSError, HTTPException, ValueError):
                pause = self._backoff()
            if pause:
                return pause
            if pause is None and request is first:
                self._outbox.popleft()
        return None

    def _send(self, connection: "_Connection", request: AppRequest, now: datetime) -> float | None:
        """Send one request; return None if it is done, otherwise the seconds until a retry."""
        name = request.value if isinstance(request, Signal) else "activities"
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self.reading.reader.user_agent,
        }
        if request is not Signal.LOGIN:
            headers["Authorization"] = f"Bearer {self._token}"
        body = json.dumps(self._body(request), ensure_ascii=False).encode()
        answer = connection.post(f"/api/{name}", body, headers)
        if answer.status in (200, 201, 204):
            self._accept(request, json.loads(answer.body or b"null"), now)
            return None
        if answer.status in (429, 502, 503, 504):
            return max(self._backoff(), min(answer.retry_after, LONGEST_PAUSE))
        if request is Signal.LOGIN:
            return LONGEST_PAUSE
        if answer.status == 401:
            # The session has ended: a logout is done, all other requests need a new login.
            self._token = None
            pause = self._backoff()
            if request is Signal.LOGOUT:
                return None
            return 0.0 if self._failures == 1 else pause
        return None

    def _body(self, request: AppRequest) -> Mapping[str, object]:
        if isinstance(request, Activity):
            return as_sent(request)
        if request is not Signal.LOGIN:
            return {}
        reader = self.reading.reader
        return {
            "email": reader.email,
            "password": self._password,
            "device_type": reader.device_type,
        }

    def _accept(self, request: AppRequest, answer: object, now: datetime) -> None:
        """Use a successful response; raise ValueError if it differs from the documented form."""
        match request, answer:
            case (
                Signal.LOGIN,
                {"token": str(token), "heartbeat_seconds": int(seconds) | float(seconds)},
            ):
                self._token = token
                self.reading = self.reading.with_heartbeat_interval(seconds, now)
                return  # a login does not prove that the server accepts the token
            case Signal.HEARTBEAT, {"heartbeat_seconds": int(seconds) | float(seconds)}:
                self.reading = self.reading.with_heartbeat_interval(seconds, now)
            case Signal.LOGOUT, _:
                self._token = None
            case Activity(), {"status": _}:
                pass
            case _:
                raise ValueError("not an answer of the API")
        self._failures = 0

    def _backoff(self) -> float:
        self._failures += 1
        doubled = 0.05 * 2.0 ** min(self._failures, 10)
        return min(LONGEST_BACKOFF, doubled) * self._rng.uniform(0.5, 1.0)


_PLAIN_FIELDS: Final = tuple(f.name for f in fields(Activity) if f.name != "occurred_at")


def as_sent(activity: Activity) -> dict[str, object]:
    """Return an activity as `POST /api/activities` takes it, `occurred_at` in RFC 3339."""
    sent: dict[str, object] = {name: getattr(activity, name) for name in _PLAIN_FIELDS}
    if activity.metadata is not None:
        sent["metadata"] = json.loads(activity.metadata)
    if activity.occurred_at is not None:
        sent["occurred_at"] = activity.occurred_at.isoformat(timespec="milliseconds")
    return sent


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    retry_after: float


class _Connection:
    """A persistent HTTP connection, which another thread can cut."""

    def __init__(self, base_url: str) -> None:
        url = urlsplit(base_url)
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        self._http = kind(url.hostname or "127.0.0.1", url.port, timeout=CONNECT_SECONDS)
        self._prefix = url.path.rstrip("/")
        self._is_cut = False

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
        """Send a request and return the response; raise OSError or HTTPException without one."""
        http = self._http
        try:
            if http.sock is None:
                self._connect()
            http.request("POST", self._prefix + path, body, dict(headers))
            response = http.getresponse()
            retry_after = response.headers.get("Retry-After", "")
            is_seconds = retry_after.isascii() and retry_after.isdigit()
            seconds = float(retry_after) if is_seconds else 0.0
            return _Answer(response.status, response.read(), seconds)
        except (OSError, HTTPException):
            http.close()
            raise

    def cut(self) -> None:
        """Make the current request, if any, and all later requests fail."""
        self._is_cut = True
        sock = self._http.sock
        if sock is not None:
            with suppress(OSError):  # the thread of the connection may have closed it
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _connect(self) -> None:
        self._http.connect()
        self._http.sock.settimeout(ANSWER_SECONDS)
        # Checked after connecting, because `cut` sets the flag before it shuts the socket down.
        if self._is_cut:
            raise ConnectionAbortedError
