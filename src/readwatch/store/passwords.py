"""Password hashes: bcrypt, whose cost is a setting.

Checks run in a few threads of their own, at a lower priority where the system has one for threads,
so that a morning's logins leave heartbeats and activities their answer times.
"""

import functools
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import bcrypt

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import MAX_PASSWORD_BYTES

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_COST = 12

MAX_WAITING = 16
"""How many checks wait at most: about two seconds of them on two cores, at the default cost."""

_LOWER_PRIORITY = 10

_room = threading.BoundedSemaphore(MAX_WAITING)


def hash_password(password: str, cost: int = DEFAULT_COST) -> str:
    """Return the bcrypt hash; the password was checked before (72 bytes at most)."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def hash_in_turn(password: str, cost: int = DEFAULT_COST) -> str:
    """Return the same, made by the threads that passwords are checked by."""
    return _in_turn(hash_password, password, cost)


def password_matches(password: str, password_hash: str | None, cost: int = DEFAULT_COST) -> bool:
    """Tell whether the password is right, in the same time whether there is an account or not.

    Without a hash a decoy of the same cost is checked and the answer is no.
    """
    whole = password.encode(errors="surrogatepass")
    right = _in_turn(_check, whole[:MAX_PASSWORD_BYTES], password_hash, cost)
    return right and password_hash is not None and len(whole) <= MAX_PASSWORD_BYTES


def _in_turn(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Let one of the threads do it and wait; with too many waiting this one is refused."""
    if not _room.acquire(blocking=False):
        raise ReadwatchError(ErrorKind.THROTTLED, "too many logins at once; try again")
    try:
        return _threads().submit(work, *arguments, **named).result()
    finally:
        _room.release()


def _check(password: bytes, password_hash: str | None, cost: int) -> bool:
    return bcrypt.checkpw(password, password_hash.encode() if password_hash else _decoy(cost))


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), "bcrypt", initializer=_give_way)


def _give_way() -> None:
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWER_PRIORITY)


@functools.cache
def _decoy(cost: int) -> bytes:
    return bcrypt.hashpw(b"no such account", bcrypt.gensalt(cost))
