"""How loaded the service is, and what it does about it: heartbeats are shed first."""

import logging
import random
import threading

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.load_shedding import (
    NOT_READY_AT,
    SHED_HEARTBEATS_AT,
    heartbeat_retry_seconds,
    heartbeat_seconds,
    load_of,
    pressure,
)
from readwatch.store.recording import writer as limits
from readwatch.store.recording.writer import Backlog, Writer

_log = logging.getLogger(__name__)


def chance() -> float:
    """Return a random number from 0 to 1; it spreads requests and guards nothing."""
    return random.random()  # noqa: S311


class LoadShedding:
    """What the writer has before it, and whether that is too much."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._shedding = False
        self._turn = threading.Lock()
        self.heartbeats_shed = 0

    def admit_heartbeat(self) -> int:
        """Return in how many seconds the next heartbeat is due; under load this one is refused."""
        backlog = self._writer.backlog()
        load = _load(backlog)
        sheds = load >= SHED_HEARTBEATS_AT
        if sheds != self._shedding:
            self._turn_to(sheds, backlog)
        if sheds:
            self.heartbeats_shed += 1
            raise ReadwatchError(
                ErrorKind.UNAVAILABLE,
                "heartbeats are shed",
                retry_after=heartbeat_retry_seconds(chance()),
            )
        return heartbeat_seconds(pressure(load, backlog.busy), chance())

    def heartbeat_seconds(self) -> int:
        """Return in how many seconds the first heartbeat after a login is due."""
        backlog = self._writer.backlog()
        return heartbeat_seconds(pressure(_load(backlog), backlog.busy), chance())

    def reasons_not_ready(self) -> list[str]:
        """Return why the service should get no requests at the moment, a sentence each."""
        backlog = self._writer.backlog()
        return [] if _load(backlog) < NOT_READY_AT else [_sentence(backlog)]

    def _turn_to(self, sheds: bool, backlog: Backlog) -> None:
        with self._turn:
            if self._shedding == sheds:
                return
            self._shedding = sheds
        if sheds:
            _log.warning("heartbeats are shed: %s", _sentence(backlog))
        else:
            _log.warning("heartbeats are taken again")


def _load(backlog: Backlog) -> float:
    return load_of(
        backlog.waiting, limits.MAX_WAITING, backlog.stuck_seconds, limits.WRITE_TIMEOUT_SECONDS
    )


def _sentence(backlog: Backlog) -> str:
    if backlog.stuck_seconds / limits.WRITE_TIMEOUT_SECONDS < backlog.waiting / limits.MAX_WAITING:
        return f"the queue of the writer is filling: {backlog.waiting} of {limits.MAX_WAITING} wait"
    why = backlog.last_error or "a commit is under way"
    return f"the database could not be written for {backlog.stuck_seconds:.1f} s: {why}"
