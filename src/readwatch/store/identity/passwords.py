"""Password hashes: bcrypt, with a configurable cost.

The service hashes in a few separate threads, with a lower priority if the system supports it, so
that many logins at once do not slow down heartbeats and activities.
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
"""The maximum number of passwords that wait, each with its request."""

LONGEST_RETRY_SECONDS = 60

_LOWER_PRIORITY = 10
_USUAL_SECONDS = 0.25  # the time of a hash of the default cost, until one was measured


def hash_password(password: str, cost: int = DEFAULT_COST) -> str:
    """Return the bcrypt hash of a checked password (72 bytes at most)."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def hash_queued(password: str, cost: int = DEFAULT_COST) -> str:
    """Return the bcrypt hash, computed by the hashing threads."""
    return _queue().wait_for(hash_password, password, cost)


def password_matches(password: str, password_hash: str | None, cost: int = DEFAULT_COST) -> bool:
    """Tell whether a password is right; without a hash, check a decoy of the same cost.

    The answer without a hash, or with the empty one of an account without a password, is False and
    takes the same time.
    """
    encoded = password.encode(errors="surrogatepass")
    right = _queue().wait_for(_check, encoded[:MAX_PASSWORD_BYTES], password_hash, cost)
    return right and bool(password_hash) and len(encoded) <= MAX_PASSWORD_BYTES


def precompute_decoy(cost: int) -> None:
    """Hash the decoy in advance; otherwise the first unknown account would take twice as long."""
    _queue().submit(_decoy, cost)


class HashingPool:
    """Work for a few threads, with a limit of jobs that wait.

    A refused job gets a time to try again. The times of refused jobs are as far apart as one job
    takes, so that the retries are not refused again.
    """

    def __init__(self, threads: int, max_waiting: int = MAX_WAITING) -> None:
        self._threads = ThreadPoolExecutor(threads, "bcrypt", initializer=_lower_priority)
        self._slots = threading.BoundedSemaphore(max_waiting)
        self._number, self._max_waiting = threads, max_waiting
        self._seconds_per_job = _USUAL_SECONDS / threads
        self._last_retry_at = 0.0
        self._retry_lock = threading.Lock()

    def wait_for(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the work and return its result; refuse it while too many jobs wait."""
        if not self._slots.acquire(blocking=False):
            seconds = self._retry_seconds()
            raise ReadwatchError(
                ErrorKind.THROTTLED,
                f"too many logins at once; try again in {seconds} s",
                retry_after=seconds,
            )
        try:
            return self._threads.submit(self._timed, partial(work, *args, **kwargs)).result()
        finally:
            self._slots.release()

    def submit(self, work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run the work without waiting for its result."""
        self._threads.submit(work, *args, **kwargs)

    def _timed(self, work: Callable[[], T]) -> T:
        began = monotonic()
        result = work()
        self._seconds_per_job = (monotonic() - began) / self._number
        return result

    def _retry_seconds(self) -> int:
        """Return the seconds until the next free slot, after the slots given to other jobs."""
        with self._retry_lock:
            now = monotonic()
            free_at = max(self._last_retry_at, now + self._max_waiting * self._seconds_per_job)
            # Retry-After is in whole seconds: at most `_max_waiting` jobs share one second.
            apart = max(self._seconds_per_job, 1 / self._max_waiting)
            # Without `now`, because the sum and difference of floats could be a little more.
            wait = min(free_at - now + apart, LONGEST_RETRY_SECONDS)
            self._last_retry_at = now + wait
            return max(1, ceil(wait))


@cache
def _queue() -> HashingPool:
    return HashingPool(os.cpu_count() or 1)


def _check(password: bytes, password_hash: str | None, cost: int) -> bool:
    return bcrypt.checkpw(password, password_hash.encode() if password_hash else _decoy(cost))


def _lower_priority() -> None:
    if sys.platform == "linux":  # on systems where a thread has its own priority
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWER_PRIORITY)


@cache
def _decoy(cost: int) -> bytes:
    return bcrypt.hashpw(b"no such account", bcrypt.gensalt(cost))
