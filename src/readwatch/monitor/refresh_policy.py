"""How often snapshots are made: many consoles must not cost the database more than a few."""

from datetime import timedelta

from readwatch.domain.clock import uptime

PAUSE_FACTOR = 40.0
"""The pause after a snapshot, as a multiple of the time that its queries took."""

LONGEST_PAUSE = timedelta(seconds=10)
"""One snapshot that had to wait, as for a lock, says little about the next one."""

REFRESH_SECONDS = 5.0
"""The longest time between snapshots of an unchanged database: presence changes with time alone."""


class RefreshPolicy:
    """Decides when the next snapshot is due; two are at least `refresh` apart.

    A version is the value of `data_version`: None where the database has no such number, so that
    every poll may find something new.
    """

    def __init__(self, refresh: timedelta) -> None:
        self._refresh = refresh
        self._version: int | None = None
        self._begun_at = 0.0
        self._pause_until = 0.0

    def begin(self, version: int | None) -> None:
        """Note that a snapshot of that version begins."""
        self._version = version
        self._begun_at = uptime()

    def pause(self, work: timedelta) -> timedelta:
        """Begin the pause after a snapshot whose queries took `work`, and return its length."""
        pause = max(self._refresh, min(PAUSE_FACTOR * work, LONGEST_PAUSE))
        self._pause_until = uptime() + pause.total_seconds()
        return pause

    def is_due(self, version: int | None) -> bool:
        """Tell whether there may be something new to show."""
        if uptime() < self._pause_until:
            return False
        is_old = uptime() - self._begun_at >= REFRESH_SECONDS
        return is_old or version is None or version != self._version

    def reset(self) -> None:
        """Drop the version: the next one may belong to another database."""
        self._version = None
