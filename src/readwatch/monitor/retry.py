"""The time of the next try after the database could not be read."""

from datetime import datetime
from random import uniform

from readwatch.domain.clock import uptime

LONGEST_PAUSE_SECONDS = 4.0
"""The longest pause; it is short, so that the account is checked soon after a failure ends."""


class Retry:
    """The consecutive failures: the time of the first one, and the pause after the last one."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the failures, because the database has answered."""
        self._failures = 0
        self._since: datetime | None = None
        self._retry_at = 0.0

    def record_failure(self, now: datetime) -> datetime:
        """Begin a longer pause; return the time of the first of the consecutive failures."""
        longest = min(2.0**self._failures, LONGEST_PAUSE_SECONDS)
        self._failures += 1
        # A random part, so that consoles do not all reconnect at the same time.
        self._retry_at = uptime() + uniform(longest / 2, longest)  # noqa: S311 - no secret
        self._since = self._since or now
        return self._since

    @property
    def is_failing(self) -> bool:
        """Whether the database has not answered since the last failure."""
        return self._failures > 0

    @property
    def is_pausing(self) -> bool:
        """Whether it is too early for the next try."""
        return uptime() < self._retry_at
