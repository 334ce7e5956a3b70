"""Arrivals: whether readers' posts still arrive, or nearly all readers fell silent at once.

One reader who falls silent may need a consultant. If nearly all fall silent within one interval of
heartbeats, the reason is not theirs: the service, its network or the end of a lesson. A night in
which nobody is online is no such stop, nor are readers who leave one after the other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.presence import SILENT_AFTER

HEARTBEAT_AT_LEAST_EVERY = timedelta(seconds=120)
"""Apps send a heartbeat at least this often: readers who fall silent together have their last one
within this time."""

FEWEST_READERS = 5
"""The silence of fewer readers together may be a coincidence."""


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """The last heartbeats of the open sessions, as numbers of readers.

    `newest` is the newest of all. `silent_since` is an overdue one; `together` have theirs within
    one interval before it, `earlier` ones in the rest of the time in which a reader counts as
    online, and `later` ones after it. While a stop goes on, these are not read: `still_silent` are
    silent since the stop, and `on_time` readers are not overdue. `later` and `on_time` readers are
    counted up to the number of the others.
    """

    newest: datetime | None = None
    silent_since: datetime | None = None
    together: int = 0
    earlier: int = 0
    later: int = 0
    still_silent: int = 0
    on_time: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """Nearly all readers, `readers` of them, fell silent at once."""

    since: datetime
    readers: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When the last post arrived, the stop that goes on now, and when the last stop ended."""

    last_post_at: datetime | None = None
    stop: Stop | None = None
    resumed_at: datetime | None = None

    def silent_for(self, now: datetime) -> timedelta | None:
        """Return for how long no post has arrived, if posts should arrive; otherwise None."""
        if self.stop is None or self.last_post_at is None:
            return None
        silence = now - self.last_post_at
        return silence if silence >= SILENT_AFTER else None


NO_ARRIVALS = Arrivals()


def arrivals_after(before: Arrivals, heartbeats: Heartbeats, now: datetime) -> Arrivals:
    """Return the arrivals at `now`, from those of the last time.

    A stop begins if nine of ten readers fell silent at once. It ends if as many as half of them are
    on time, or if more than half of them are no longer silent since the stop, for example because
    their sessions have ended; what was silent during the stop is then silent since its end.
    """
    stop = before.stop
    if stop is None and _is_stop(heartbeats):
        since = heartbeats.silent_since
        stop = Stop(since, heartbeats.together) if since is not None else None
    elif stop is not None and not _goes_on(stop, heartbeats):
        return Arrivals(heartbeats.newest, None, now)
    return Arrivals(heartbeats.newest, stop, before.resumed_at)


def _is_stop(heartbeats: Heartbeats) -> bool:
    return (
        heartbeats.together >= FEWEST_READERS
        and heartbeats.earlier * 4 <= heartbeats.together
        and heartbeats.later * 9 <= heartbeats.together
    )


def _goes_on(stop: Stop, heartbeats: Heartbeats) -> bool:
    return heartbeats.still_silent * 2 >= stop.readers and heartbeats.on_time * 2 < stop.readers
