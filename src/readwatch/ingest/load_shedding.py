"""Load shedding: under load the service refuses heartbeats first; while no request gets an answer,
because the database hangs, it refuses all further ones."""

import logging
import random
import threading
from time import monotonic

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.load_shedding import (
    NOT_READY_AT,
    SHED_HEARTBEATS_AT,
    heartbeat_retry_seconds,
    heartbeat_seconds,
    load_of,
    pressure,
    retry_seconds,
)
from readwatch.ingest.logs import Episode
from readwatch.store.recording.writer import (
    MAX_WAIT_SECONDS,
    MAX_WAITING,
    WRITE_TIMEOUT_SECONDS,
    Backlog,
    Writer,
)

MAX_REQUESTS = 224
"""The maximum number of requests in progress, all but those for health checks and metrics. Most of
them wait for a commit, which they share."""

STANDSTILL_SECONDS = 0.5
"""If no request gets an answer for so long while all slots are in use, further ones are refused
until one does."""

_log = logging.getLogger(__name__)


def jitter() -> float:
    """Return a random number from 0 to 1 that spreads requests over time."""
    return random.random()  # noqa: S311


class LoadShedder:
    """Decides from the writer's backlog whether the service accepts heartbeats and is ready."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._shedding = False
        self._shedding_lock = threading.Lock()
        self.heartbeats_shed = 0

    def accept_heartbeat(self) -> int:
        """Return the seconds until the next heartbeat; under load refuse this heartbeat."""
        backlog = self._writer.backlog()
        load = _load(backlog)
        shedding = load >= SHED_HEARTBEATS_AT
        if shedding != self._shedding:
            self._set_shedding(shedding, backlog)
        if shedding:
            self.heartbeats_shed += 1
            raise ReadwatchError(
                ErrorKind.UNAVAILABLE,
                "heartbeats are refused under load",
                retry_after=heartbeat_retry_seconds(jitter()),
            )
        return heartbeat_seconds(pressure(load, backlog.busy), jitter())

    def heartbeat_seconds(self) -> int:
        """Return the seconds until the first heartbeat after a login."""
        backlog = self._writer.backlog()
        return heartbeat_seconds(pressure(_load(backlog), backlog.busy), jitter())

    def reasons_not_ready(self) -> list[str]:
        """Return the reasons why requests should go to another server, as sentences."""
        backlog = self._writer.backlog()
        return [] if _load(backlog) < NOT_READY_AT else [_reason(backlog)]

    def _set_shedding(self, shedding: bool, backlog: Backlog) -> None:
        with self._shedding_lock:
            if self._shedding == shedding:
                return
            self._shedding = shedding
        if shedding:
            _log.warning("refusing heartbeats: %s", _reason(backlog))
        else:
            _log.warning("accepting heartbeats again")


class RequestSlots:
    """A limited number of slots for the requests in progress: `with slots:` takes one.

    While the database does not answer, its requests wait for seconds. The server has more threads
    than slots, so that further requests are refused and health checks are answered. Under load
    requests get answers all the time, and further ones wait for a slot.
    """

    def __init__(self, most: int = MAX_REQUESTS) -> None:
        self._most, self._in_use = most, 0
        self._refuses_at: float | None = None
        self._condition = threading.Condition()
        self.refusals = Episode(
            f"{most} requests are in progress and the database answers none: further ones get 503",
            "requests get answers again: no further ones are refused",
        )

    def __enter__(self) -> None:
        """Take a slot; wait for one as long as requests get answers, otherwise refuse the request.

        The request that takes the last slot begins to measure the time without an answer.
        """
        with self._condition:
            while self._in_use == self._most:
                now = monotonic()
                if self._refuses_at is None:
                    self._refuses_at = now + STANDSTILL_SECONDS
                if now >= self._refuses_at:
                    break
                self._condition.wait(self._refuses_at - now)
            else:
                self._in_use += 1
                if self._in_use == self._most and self._refuses_at is None:
                    self._refuses_at = monotonic() + STANDSTILL_SECONDS
                return
        self.refusals.seen(monotonic())
        raise ReadwatchError(
            ErrorKind.UNAVAILABLE,
            "too many requests are in progress",
            retry_after=retry_seconds(jitter()),
        )

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: object
    ) -> None:
        """Give the slot back; whether the request got an answer tells its error."""
        with self._condition:
            self._in_use -= 1
            if _is_answer(error) or self._in_use < self._most / 2:
                self._refuses_at = None
            self._condition.notify()


def _is_answer(error: BaseException | None) -> bool:
    """Tell whether the database has answered, if only for a refusal such as 401."""
    return not (isinstance(error, ReadwatchError) and error.kind is ErrorKind.UNAVAILABLE)


def _load(backlog: Backlog) -> float:
    """Return the load, from 0 to 1; it is 1 after a write that failed, until one succeeds."""
    if backlog.last_error is not None:
        return 1.0
    load = load_of(backlog.waiting, MAX_WAITING, backlog.stuck_seconds, WRITE_TIMEOUT_SECONDS)
    return max(load, _load_of_waits(backlog))


def _load_of_waits(backlog: Backlog) -> float:
    return min(1.0, backlog.waited_seconds / MAX_WAIT_SECONDS)


def _reason(backlog: Backlog) -> str:
    error = backlog.last_error
    if not error and _load(backlog) == _load_of_waits(backlog):
        return f"requests wait {backlog.waited_seconds:.1f} s for the writer"
    if not error and (
        backlog.stuck_seconds / WRITE_TIMEOUT_SECONDS < backlog.waiting / MAX_WAITING
    ):
        return f"{backlog.waiting} requests wait for the writer, of {MAX_WAITING} at most"
    cause = error.message if error else "a commit is in progress"
    return f"the database has accepted no write for {backlog.stuck_seconds:.1f} s: {cause}"
