"""A loss of the database: since when, and how long until the next try."""

from datetime import datetime
from random import uniform

from readwatch.domain.clock import uptime

LONGEST_PAUSE_SECONDS = 4.0
"""So that soon after a loss it is known whether who sits there may still look."""


class Retry:
    """Begins with the first failure, and ends with the first answer."""

    def __init__(self) -> None:
        self.end()

    def end(self) -> None:
        """Forget the failures: the database has answered."""
        self._failures = 0
        self._since: datetime | None = None
        self._retry_at = 0.0

    def note(self, now: datetime) -> datetime:
        """Note a failure, after which the pause is longer; return when it began."""
        longest = min(2.0**self._failures, LONGEST_PAUSE_SECONDS)
        self._failures += 1
        # Not all consoles at the same moment, when a server is back.
        self._retry_at = uptime() + uniform(longest / 2, longest)  # noqa: S311 - no secret
        self._since = self._since or now
        return self._since

    @property
    def is_pausing(self) -> bool:
        """Whether it is too early for the next try."""
        return uptime() < self._retry_at
