"""When to try again after the database could not be read."""

from datetime import datetime
from random import uniform

from readwatch.domain.clock import uptime

LONGEST_PAUSE_SECONDS = 4.0
"""Short enough that the account is checked soon after the database is back."""


class Retry:
    """The failures in a row: when the first was, and how long to wait after the last."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start again from no failure: the database has answered."""
        self._failures = 0
        self._since: datetime | None = None
        self._retry_at = 0.0

    def record_failure(self, now: datetime) -> datetime:
        """Make the pause longer; return when the first failure in a row was."""
        longest = min(2.0**self._failures, LONGEST_PAUSE_SECONDS)
        self._failures += 1
        # Consoles must not all reconnect at the same time when a server is back.
        self._retry_at = uptime() + uniform(longest / 2, longest)  # noqa: S311 - no secret
        self._since = self._since or now
        return self._since

    @property
    def is_pausing(self) -> bool:
        """Whether it is too early for the next try."""
        return uptime() < self._retry_at
