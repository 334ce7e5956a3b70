"""The interval of snapshots: many consoles together must not overload the database."""

from datetime import timedelta

from readwatch.domain.clock import uptime

PAUSE_FACTOR = 40.0
"""The factor between the time of a snapshot's queries and the pause after the snapshot."""

LONGEST_PAUSE = timedelta(seconds=10)
"""The longest pause: one slow snapshot, for example after a wait for a lock, is an exception."""

REFRESH_SECONDS = 5.0
"""The longest time between snapshots of an unchanged database, because presence depends on time."""


class RefreshPolicy:
    """Decides when the next snapshot is due; two snapshots are at least `refresh` apart.

    A version is the value of `data_version`; with None (PostgreSQL) every poll may find new data.
    """

    def __init__(self, refresh: timedelta) -> None:
        self._refresh = refresh
        self._version: int | None = None
        self._begun_at = 0.0
        self._pause_until = 0.0

    def begin(self, version: int | None) -> None:
        """Store that a snapshot of this version begins."""
        self._version = version
        self._begun_at = uptime()

    def pause(self, work: timedelta) -> timedelta:
        """Begin the pause after a snapshot whose queries took `work`, and return its length."""
        pause = max(self._refresh, min(PAUSE_FACTOR * work, LONGEST_PAUSE))
        self._pause_until = uptime() + pause.total_seconds()
        return pause

    def is_due(self, version: int | None) -> bool:
        """Tell whether the pause is over and there may be new data."""
        if uptime() < self._pause_until:
            return False
        is_old = uptime() - self._begun_at >= REFRESH_SECONDS
        return is_old or version is None or version != self._version

    def reset(self) -> None:
        """Drop the version, because the next one may belong to another database."""
        self._version = None
