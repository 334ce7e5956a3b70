"""How often pictures are taken: a crowd in front of the screen costs no more than a few."""

from datetime import timedelta

from readwatch.domain.clock import uptime

PAUSE_FACTOR = 40
"""How many times as long as a picture's work the watcher rests after it."""

LONGEST_PAUSE = timedelta(seconds=10)
"""One picture that had to wait, as for a lock, says little about the next one."""

REFRESH_SECONDS = 5.0
"""The longest without a picture otherwise: presence changes with time alone."""


class RefreshPolicy:
    """Tells when the next picture is due; two are `refresh` apart at the least.

    A version is what `data_version` says: None where every moment may have brought something new.
    """

    def __init__(self, refresh: timedelta) -> None:
        self._refresh = refresh
        self._version: int | None = None
        self._begun_at = 0.0
        self._rest_until = 0.0

    def begin(self, version: int | None) -> None:
        """Begin a picture of that version."""
        self._version = version
        self._begun_at = uptime()

    def rest(self, work: timedelta) -> timedelta:
        """Begin to rest after a picture that cost so much work, and return how long."""
        rest = max(self._refresh, min(PAUSE_FACTOR * work, LONGEST_PAUSE))
        self._rest_until = uptime() + rest.total_seconds()
        return rest

    def is_due(self, version: int | None) -> bool:
        """Tell whether there may be something new to show."""
        if uptime() < self._rest_until:
            return False
        is_old = uptime() - self._begun_at >= REFRESH_SECONDS
        return is_old or version is None or version != self._version

    def forget(self) -> None:
        """Forget the version: the next one may be of another database."""
        self._version = None
