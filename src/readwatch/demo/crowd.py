"""The crowd: simulated readers who keep a server busy over real HTTP."""

import json
import socket
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from heapq import heapify, heapreplace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from math import exp2, log2
from random import Random
from threading import Event, Lock, Thread
from time import monotonic
from typing import Final, Self, TypeAlias
from urllib.parse import urlsplit

from readwatch.demo.cast import Person
from readwatch.demo.habits import DEMO, Place, Reading, Rhythm, Signal, begin, step
from readwatch.domain.activities import Activity

Request: TypeAlias = Signal | tuple[Activity, ...]

CONNECT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 30.0
LONGEST_PAUSE: Final = 30.0  # the longest Retry-After that a simulated reader has patience for
LONGEST_BACKOFF: Final = 2.0  # so that a restarted server has its readers back at once
STOP_SECONDS: Final = 0.6
GOODBYE_SECONDS: Final = 0.5

_FINEST: Final = 1e-5  # seconds; one step of the ladder is 2 ** (1 / 16), which is 4.4 %
_STEPS_PER_OCTAVE: Final = 16
_STEPS: Final = 24 * _STEPS_PER_OCTAVE  # up to 168 s


@dataclass(frozen=True, slots=True)
class Latencies:
    """A histogram of durations, 10 µs to 168 s in steps of 4.4 %: its size never grows."""

    counts: tuple[int, ...] = (0,) * _STEPS

    def quantile(self, share: float) -> float:
        """Tell the seconds that `share` of all stayed within, rounded up to a step; 0.0 if none."""
        rank, seen = share * sum(self.counts), 0
        for number, count in enumerate(self.counts):
            seen += count
            if count and seen >= rank:
                return _FINEST * exp2((number + 1) / _STEPS_PER_OCTAVE)
        return 0.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What a crowd has done so far.

    `accepted`, `duplicates` and `rejected` count activities. `errors` counts answers by status
    ("503") and exchanges without a usable answer by the name of the exception. `latencies` are by
    request (login, heartbeat, activities, logout); `lateness` is how far the crowd itself ran
    behind its readers: where it is large, the crowd was the bottleneck or the server stalled it.
    """

    logins: int = 0
    logouts: int = 0
    heartbeats: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    retries: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    latencies: Mapping[str, Latencies] = field(default_factory=dict)
    lateness: Latencies = field(default_factory=Latencies)


class Crowd:
    """Simulated readers against the API at `base_url`; use it once, best as a context manager.

    `clock` is asked for the time once, at the start. Everybody has the same `password`. Readers
    log in evenly over `ramp_seconds` and go on at their entry in `places` (by e-mail). The crowd
    ends at `stop()`, or by itself after `duration` seconds; with `log_out_at_end` its readers
    then send what they still have and log out, as far as half a second carries.
    """

    def __init__(
        self,
        base_url: str,
        people: Sequence[Person],
        password: str,
        *,
        rng: Random,
        clock: Callable[[], datetime],
        rhythm: Rhythm = DEMO,
        threads: int = 4,
        ramp_seconds: float = 10.0,
        duration: float | None = None,
        batch_size: int = 1,
        places: Mapping[str, Place] | None = None,
        log_out_at_end: bool = False,
        keep_acknowledged: bool = False,
    ) -> None:
        """Prepare the crowd; nothing is sent before `start()`."""
        self._people = people
        self._password = password
        self._rng = rng
        self._clock = clock
        self._rhythm = rhythm
        self._ramp = timedelta(seconds=ramp_seconds)
        self._duration = duration
        self._batch_size = batch_size
        self._places = places or {}
        self._log_out_at_end = log_out_at_end
        self._count = _Count(keep_acknowledged)
        self._stopped = Event()
        self._lines = [_Line(base_url) for _ in range(max(1, min(threads, len(people))))]
        self._threads: list[Thread] = []
        self._ends_at: datetime | None = None

    def start(self) -> Self:
        """Let the readers in."""
        self._started_at, self._origin = self._clock(), monotonic()
        if self._duration is not None:
            self._ends_at = self._started_at + timedelta(seconds=self._duration)
        for number, line in enumerate(self._lines):
            # A stream of chance for each thread: what a reader does hangs on no other thread.
            rng = Random(self._rng.getrandbits(64))  # noqa: S311 - invented behaviour, no secret
            share = range(number, len(self._people), len(self._lines))
            apps = [self._app(reader, rng) for reader in share]
            name = f"crowd-{number}"
            thread = Thread(target=self._drive, args=(line, apps), name=name, daemon=True)
            self._threads.append(thread)
        for thread in self._threads:
            thread.start()
        return self

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the crowd has ended; False if it has not within `timeout` seconds."""
        ends_at = None if timeout is None else monotonic() + timeout
        for thread in self._threads:
            thread.join(None if ends_at is None else max(0.0, ends_at - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> Tally:
        """End the crowd within about a second, whatever the server does, and leave no thread."""
        self._stopped.set()
        if not self.wait(STOP_SECONDS):
            for line in self._lines:
                line.cut()
            self.wait()
        return self.tally()

    def tally(self) -> Tally:
        """Tell what has been done so far, at any moment and from any thread."""
        return self._count.tally()

    def acknowledged(self) -> dict[str, int]:
        """Give the server's id of each activity it has acknowledged, by event_id (if kept)."""
        return self._count.acknowledged()

    def __enter__(self) -> Self:
        """Start the crowd."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop the crowd."""
        self.stop()

    def _app(self, number: int, rng: Random) -> "_App":
        person = self._people[number]
        login_at = self._started_at + self._ramp * (number / len(self._people))
        reading = begin(person, self._rhythm, login_at, rng, self._places.get(person.email))
        return _App(reading, rng, self._count, self._password, self._batch_size)

    def _now(self) -> datetime:
        return self._started_at + timedelta(seconds=monotonic() - self._origin)

    def _drive(self, line: "_Line", apps: Sequence["_App"]) -> None:
        """One thread: whoever is due first, over one connection."""
        heap = [(app.reading.due, number, app) for number, app in enumerate(apps)]
        heapify(heap)
        ends_at = self._ends_at
        while heap and not self._stopped.is_set():
            now = self._now()
            if ends_at is not None and now >= ends_at:
                break
            due, number, app = heap[0]
            if now < due:
                self._stopped.wait((min(due, ends_at or due) - now).total_seconds())
                continue
            self._count.late((now - due).total_seconds())
            heapreplace(heap, (app.serve(line, now), number, app))
        if self._log_out_at_end:
            goodbye_until = monotonic() + GOODBYE_SECONDS
            for app in apps:
                if line.is_cut or monotonic() > goodbye_until:
                    break
                app.say_goodbye(line, self._now())
        line.close()


class _App:
    """One reader's app: the client's side of the contract."""

    def __init__(
        self, reading: Reading, rng: Random, count: "_Count", password: str, batch_size: int
    ) -> None:
        self.reading = reading
        self._rng = rng
        self._count = count
        self._password = password
        self._batch_size = batch_size
        self._token: str | None = None
        self._basket: list[Activity] = []
        self._outbox: deque[Request] = deque()
        self._failures = 0  # in a row

    def serve(self, line: "_Line", now: datetime) -> datetime:
        """Do what is due and give the moment at which to come back.

        While something waits to be sent again the reader does nothing new: the outbox stays small.
        """
        if not self._outbox:
            self.reading, actions = step(self.reading, now, self._rng)
            for action in actions:
                if isinstance(action, Activity):
                    self._basket.append(action)
                if action is Signal.LOGOUT or len(self._basket) >= self._batch_size:
                    self._empty_basket()
                if isinstance(action, Signal):
                    self._outbox.append(action)
        pause = self._send_all(line, now)
        return self.reading.due if pause is None else now + timedelta(seconds=pause)

    def say_goodbye(self, line: "_Line", now: datetime) -> None:
        """Send what is left and log out, if logged in."""
        if self._token:
            self._empty_basket()
            self._outbox.append(Signal.LOGOUT)
            self._send_all(line, now)

    def _empty_basket(self) -> None:
        if self._basket:
            self._outbox.append(tuple(self._basket))
            self._basket.clear()

    def _send_all(self, line: "_Line", now: datetime) -> float | None:
        """Empty the outbox in its order, or give the seconds to pause before the next attempt."""
        while self._outbox:
            wanted = self._outbox[0]
            request = wanted if self._token else Signal.LOGIN
            try:
                pause = self._send(line, request, now)
            except (OSError, HTTPException, ValueError) as problem:
                self._count.error(type(problem).__name__)
                pause = self._backoff()
            if pause is not None:
                self._count.add("retries")
                if pause > 0:
                    return pause
            elif request is wanted:
                self._outbox.popleft()
        return None

    def _send(self, line: "_Line", request: Request, now: datetime) -> float | None:
        """One exchange: None if it is settled, else the seconds after which to try again."""
        name = request.value if isinstance(request, Signal) else "activities"
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self.reading.person.user_agent,
        }
        if request is not Signal.LOGIN:
            headers["Authorization"] = f"Bearer {self._token}"
        body = json.dumps(self._body(request, now), ensure_ascii=False).encode()
        began = monotonic()
        answer = line.post(f"/api/{name}", body, headers)
        self._count.took(name, monotonic() - began)
        if answer.status in (200, 201, 204):
            self._settle(request, json.loads(answer.body or b"null"), now)
            return None
        self._count.error(str(answer.status))
        if answer.status in (429, 502, 503, 504):
            return max(self._backoff(), min(answer.retry_after, LONGEST_PAUSE))
        if request is Signal.LOGIN:
            return LONGEST_PAUSE
        if answer.status == 401:
            # The session has ended: a logout has nothing left to do, all else wants a new login.
            self._token = None
            pause = self._backoff()
            if request is Signal.LOGOUT:
                return None
            return 0.0 if self._failures == 1 else pause
        if not isinstance(request, Signal):
            self._count.add("rejected", len(request))
        return None

    def _body(self, request: Request, now: datetime) -> Mapping[str, object]:
        if request is Signal.LOGIN:
            person = self.reading.person
            return {
                "email": person.email,
                "password": self._password,
                "device_type": person.device_type,
            }
        if isinstance(request, Signal):
            return {}
        if self._batch_size == 1:
            return as_sent(request[0])
        sent_at = now.isoformat(timespec="milliseconds")
        return {"activities": [as_sent(activity) for activity in request], "sent_at": sent_at}

    def _settle(self, request: Request, said: object, now: datetime) -> None:
        """Take in a good answer; ValueError if it is not what the contract promises."""
        match request, said:
            case (
                Signal.LOGIN,
                {"token": str(token), "heartbeat_seconds": int(seconds) | float(seconds)},
            ):
                self._token = token
                self.reading = self.reading.told(seconds, now)
                self._count.add("logins")
                return  # a login alone does not show that the server takes the token it gave
            case Signal.HEARTBEAT, {"heartbeat_seconds": int(seconds) | float(seconds)}:
                self.reading = self.reading.told(seconds, now)
                self._count.add("heartbeats")
            case Signal.LOGOUT, _:
                self._token = None
                self._count.add("logouts")
            case (Activity() as activity,), {"status": _}:
                self._count.result(activity, said)
            case tuple(), {"results": list(results)} if len(results) == len(request):
                for activity, result in zip(request, results, strict=True):
                    self._count.result(activity, result)
            case _:
                raise ValueError("not an answer of the contract")
        self._failures = 0

    def _backoff(self) -> float:
        self._failures += 1
        doubled = 0.05 * 2.0 ** min(self._failures, 10)
        return min(LONGEST_BACKOFF, doubled) * self._rng.uniform(0.5, 1.0)


_PLAIN_FIELDS: Final = tuple(f.name for f in fields(Activity) if f.name != "occurred_at")


def as_sent(activity: Activity) -> dict[str, object]:
    """Write an activity as `POST /api/activities` takes it, `occurred_at` in RFC 3339."""
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


class _Line:
    """One persistent connection, which another thread can cut."""

    def __init__(self, base_url: str) -> None:
        url = urlsplit(base_url)
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        self._connection = kind(url.hostname or "127.0.0.1", url.port, timeout=CONNECT_SECONDS)
        self._prefix = url.path.rstrip("/")
        self.is_cut = False

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
        """Send and get the answer; OSError or HTTPException if there is none."""
        connection = self._connection
        try:
            if connection.sock is None:
                self._connect()
            connection.request("POST", self._prefix + path, body, dict(headers))
            response = connection.getresponse()
            pause = response.headers.get("Retry-After", "")
            seconds = float(pause) if pause.isascii() and pause.isdigit() else 0.0
            return _Answer(response.status, response.read(), seconds)
        except (OSError, HTTPException):
            connection.close()
            raise

    def cut(self) -> None:
        """Make the exchange under way, if any, and all later ones fail."""
        self.is_cut = True
        sock = self._connection.sock
        if sock is not None:
            with suppress(OSError):  # its own thread may have closed it meanwhile
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _connect(self) -> None:
        self._connection.connect()
        self._connection.sock.settimeout(ANSWER_SECONDS)
        # Looked at after connecting, because `cut` sets it before it looks for a socket.
        if self.is_cut:
            raise ConnectionAbortedError


class _Count:
    """The counters of a crowd, written by its threads and read by anybody."""

    def __init__(self, keep_acknowledged: bool) -> None:
        self._lock = Lock()
        self._numbers: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._latencies: dict[str, list[int]] = {}
        self._lateness = [0] * _STEPS
        self._acknowledged: dict[str, int] | None = {} if keep_acknowledged else None

    def add(self, name: str, number: int = 1) -> None:
        with self._lock:
            self._numbers[name] += number

    def error(self, name: str) -> None:
        with self._lock:
            self._errors[name] += 1

    def took(self, name: str, seconds: float) -> None:
        with self._lock:
            self._latencies.setdefault(name, [0] * _STEPS)[_step_of(seconds)] += 1

    def late(self, seconds: float) -> None:
        with self._lock:
            self._lateness[_step_of(seconds)] += 1

    def result(self, activity: Activity, result: object) -> None:
        match result:
            case {"status": "accepted" | "duplicate" as status, "id": int(row_id)}:
                self.add("accepted" if status == "accepted" else "duplicates")
                if self._acknowledged is not None and activity.event_id is not None:
                    with self._lock:
                        self._acknowledged[activity.event_id] = row_id
            case _:
                self.add("rejected")

    def acknowledged(self) -> dict[str, int]:
        with self._lock:
            return dict(self._acknowledged or {})

    def tally(self) -> Tally:
        with self._lock:
            latencies = {name: Latencies(tuple(held)) for name, held in self._latencies.items()}
            return Tally(
                **self._numbers,
                errors=dict(self._errors),
                latencies=latencies,
                lateness=Latencies(tuple(self._lateness)),
            )


def _step_of(seconds: float) -> int:
    return min(int(_STEPS_PER_OCTAVE * log2(max(seconds / _FINEST, 1.0))), _STEPS - 1)
