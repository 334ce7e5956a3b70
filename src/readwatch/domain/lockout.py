"""How long one has to wait after failed logins: growing, capped, and forgotten with time.

Counted are an account from one address, an account from anywhere, and an address. Only the first
grows long, and only it counts where the account was signed in before: a stranger who keeps failing
from elsewhere never locks a reader out.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FORGET_ONE_AFTER = timedelta(minutes=5)
"""Each of these that passes takes back one failure."""

MAX_FAILURES = 120
"""More are not counted; it is more than any limit needs for its longest wait."""

FORGET_ALL_AFTER = MAX_FAILURES * FORGET_ONE_AFTER
"""After this long without a failure nothing counts any more, whatever there was."""

_MOST_DOUBLINGS = 30


class Counted(StrEnum):
    """What failures are counted for."""

    ACCOUNT_AT_ADDRESS = "account at address"
    ACCOUNT = "account"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures are free; each further one doubles the wait, up to the longest."""

    free: int
    longest: timedelta


LIMITS = {
    Counted.ACCOUNT_AT_ADDRESS: Limit(5, timedelta(minutes=15)),
    Counted.ACCOUNT: Limit(20, timedelta(seconds=30)),
    # A school is one address: hundreds of people mistype in the same minute.
    Counted.ADDRESS: Limit(100, timedelta(seconds=60)),
}


@dataclass(frozen=True, slots=True)
class Failures:
    """What is remembered of failed logins."""

    failures: int
    last_failed_at: datetime

    def left(self, now: datetime) -> int:
        """Return how many failures still count."""
        forgotten = max(timedelta(0), now - self.last_failed_at) // FORGET_ONE_AFTER
        return max(0, self.failures - forgotten)


def subjects(email: str, address: str | None) -> dict[Counted, str]:
    """Return what a login is counted under: SHA-256 hashes, as a stranger may type anything."""
    named = {
        Counted.ACCOUNT_AT_ADDRESS: f"{email.lower()} {address}",
        Counted.ACCOUNT: email.lower(),
        Counted.ADDRESS: str(address),
    }
    return {
        counted: hashlib.sha256(f"{counted}: {name}".encode()).hexdigest()
        for counted, name in named.items()
    }


def wait(counted: Counted, remembered: Failures | None, now: datetime) -> timedelta:
    """Return how long the next try has to wait; zero for one that may be made now."""
    if remembered is None:
        return timedelta(0)
    limit = LIMITS[counted]
    beyond = remembered.left(now) - limit.free
    if beyond < 0:
        return timedelta(0)
    pause = min(timedelta(seconds=1 << min(beyond, _MOST_DOUBLINGS)), limit.longest)
    left = remembered.last_failed_at + pause - now
    # A failure from far ahead was noted before the clock was set back: it counts, its wait is over.
    return left if timedelta(0) < left <= 2 * pause else timedelta(0)
