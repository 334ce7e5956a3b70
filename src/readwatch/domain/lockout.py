"""The wait before the next login after failed logins: it grows, has a maximum, and expires.

Failures are counted for an account at one address, for an account, and for an address. Only the
count for an account at one address leads to a long wait. At an address from which the account has
logged in before, only that count applies: failures from other addresses never lock a reader out.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from readwatch.domain.addresses import network_of

FAILURE_EXPIRES_AFTER = timedelta(minutes=5)
"""The count of failures decreases by one after each of these intervals."""

MAX_FAILURES = 120
"""The maximum of the count; each limit reaches its longest wait before."""

ALL_FAILURES_EXPIRE_AFTER = MAX_FAILURES * FAILURE_EXPIRES_AFTER
"""After this time without a failure the count is zero."""

_MAX_DOUBLINGS = 30


class FailureScope(StrEnum):
    """The scopes in which failures are counted."""

    ACCOUNT_AT_ADDRESS = "account at address"
    ACCOUNT = "account"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Limit:
    """The first `free` failures cause no wait; each further one doubles it up to `longest`."""

    free: int
    longest: timedelta


LIMITS = {
    FailureScope.ACCOUNT_AT_ADDRESS: Limit(5, timedelta(minutes=15)),
    FailureScope.ACCOUNT: Limit(20, timedelta(seconds=30)),
    # A school has one address: hundreds of people mistype in the same minute.
    FailureScope.ADDRESS: Limit(100, timedelta(seconds=60)),
}


@dataclass(frozen=True, slots=True)
class Failures:
    """The failed logins that are counted under one key."""

    failures: int
    last_failed_at: datetime

    def left(self, now: datetime) -> int:
        """Return how many failures still count."""
        expired = max(timedelta(0), now - self.last_failed_at) // FAILURE_EXPIRES_AFTER
        return max(0, self.failures - expired)


def failure_keys(email: str | None, address: str | None) -> dict[FailureScope, str]:
    """Return the key under which the failures of a login are counted in each scope.

    It is a SHA-256 hash of the typed text. All addresses of an IPv6 network have one count. A wrong
    code of an invitation names no account, so without an e-mail only the address counts.
    """
    network = network_of(address)
    names = {FailureScope.ADDRESS: network}
    if email is not None:
        names[FailureScope.ACCOUNT_AT_ADDRESS] = f"{email.lower()} {network}"
        names[FailureScope.ACCOUNT] = email.lower()
    return {
        scope: hashlib.sha256(f"{scope}: {name}".encode()).hexdigest()
        for scope, name in names.items()
    }


def scope_delay(scope: FailureScope, failures: Failures | None, now: datetime) -> timedelta:
    """Return the wait before the next login; zero if a login is allowed now."""
    if failures is None:
        return timedelta(0)
    limit = LIMITS[scope]
    beyond = failures.left(now) - limit.free
    if beyond < 0:
        return timedelta(0)
    delay = min(timedelta(seconds=1 << min(beyond, _MAX_DOUBLINGS)), limit.longest)
    left = failures.last_failed_at + delay - now
    # A failure in the far future was stored before the clock was set back: it causes no wait.
    return left if timedelta(0) < left <= 2 * delay else timedelta(0)
