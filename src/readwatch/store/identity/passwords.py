"""Password hashes: bcrypt, whose cost is a setting.

The service has them made by a few threads of their own, at a lower priority where the system has
one for threads, so that a morning's logins leave heartbeats and activities their answer times.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from math import ceil
from time import monotonic
from typing import ParamSpec, TypeVar

import bcrypt

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import MAX_PASSWORD_BYTES

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_COST = 12

MAX_WAITING = 16
"""How many passwords wait at most: half of the threads that the service answers requests with."""

LONGEST_RETRY_SECONDS = 60

_LOWER_PRIORITY = 10
_USUAL_SECONDS = 0.25  # what a hash of the default cost takes, until it was measured


def hash_password(password: str, cost: int = DEFAULT_COST) -> str:
    """Return the bcrypt hash; the password was checked before (72 bytes at most)."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def hash_in_turn(password: str, cost: int = DEFAULT_COST) -> str:
    """Return the same, made by the threads that passwords are checked by."""
    return _queue().wait_for(hash_password, password, cost)


def password_matches(password: str, password_hash: str | None, cost: int = DEFAULT_COST) -> bool:
    """Tell whether the password is right, in the same time whether there is an account or not.

    Without a hash a decoy of the same cost is checked and the answer is no.
    """
    whole = password.encode(errors="surrogatepass")
    right = _queue().wait_for(_check, whole[:MAX_PASSWORD_BYTES], password_hash, cost)
    return right and password_hash is not None and len(whole) <= MAX_PASSWORD_BYTES


def prepare(cost: int) -> None:
    """Make the decoy before it is needed: the first unknown account would take twice as long."""
    _queue().begin(_decoy, cost)


class Queue:
    """Work for a few threads, at which not many may wait.

    Who finds it full is told when to come again: each one at a time of its own, as far apart as
    the work takes, so that all who do so are served.
    """

    def __init__(self, threads: int, max_waiting: int = MAX_WAITING) -> None:
        self._threads = ThreadPoolExecutor(threads, "bcrypt", initializer=_give_way)
        self._room = threading.BoundedSemaphore(max_waiting)
        self._number, self._max_waiting = threads, max_waiting
        self._pace = _USUAL_SECONDS / threads  # seconds from one that is done to the next
        self._promised = 0.0
        self._promising = threading.Lock()

    def wait_for(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Return the result of the work; refuse it while too many wait."""
        if not self._room.acquire(blocking=False):
            seconds = self._promise()
            raise ReadwatchError(
                ErrorKind.THROTTLED,
                f"too many logins at once; try again in {seconds} s",
                retry_after=seconds,
            )
        try:
            return self._threads.submit(self._timed, partial(work, *arguments, **named)).result()
        finally:
            self._room.release()

    def begin(self, work: Callable[P, object], *arguments: P.args, **named: P.kwargs) -> None:
        """Have work done that nobody waits for."""
        self._threads.submit(work, *arguments, **named)

    def _timed(self, work: Callable[[], T]) -> T:
        began = monotonic()
        result = work()
        self._pace = (monotonic() - began) / self._number
        return result

    def _promise(self) -> int:
        """Return in how many seconds there will be room for one more, after all those promised."""
        with self._promising:
            now = monotonic()
            room_at = max(self._promised, now + self._max_waiting * self._pace)
            # Times are told in whole seconds: no more may share one than there is room for.
            apart = max(self._pace, 1 / self._max_waiting)
            self._promised = min(room_at + apart, now + LONGEST_RETRY_SECONDS)
            return max(1, ceil(self._promised - now))


@cache
def _queue() -> Queue:
    return Queue(os.cpu_count() or 1)


def _check(password: bytes, password_hash: str | None, cost: int) -> bool:
    return bcrypt.checkpw(password, password_hash.encode() if password_hash else _decoy(cost))


def _give_way() -> None:
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWER_PRIORITY)


@cache
def _decoy(cost: int) -> bytes:
    return bcrypt.hashpw(b"no such account", bcrypt.gensalt(cost))
