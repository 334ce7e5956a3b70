"""The strip of totals of Online: who is online by state and group, who logged in and left, and
today beside the same weekday of the weeks before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from readwatch.domain.clock import in_utc, midnight
from readwatch.domain.group_figures import has_figures
from readwatch.domain.presence import Presence
from readwatch.domain.text import SafeText
from readwatch.domain.week import a_week_earlier
from readwatch.monitor.groups import READ_AGAIN_AFTER
from readwatch.store import group_totals, online_totals
from readwatch.store.audit.log import ListAccess
from readwatch.store.audit.scope import Scope
from readwatch.store.engine.connections import Database
from readwatch.store.lists.groups import group_ids
from readwatch.store.lists.query import ListQuery

LATELY = timedelta(minutes=5)
"""Who logged in and who left is counted for this time."""

_WEEKS = 4
_READ_AGAIN_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Today:
    """The activities of today, and the change in percent against the median of the same weekday of
    those of four weeks that have any, both until the last full hour; None if there are none."""

    activities: int
    trend: int | None


@dataclass(frozen=True, slots=True)
class OnlineTotals:
    """The totals of the readers online. `by_group` has the groups with readers online, those with
    most first, without groups of a few readers."""

    by_presence: Mapping[Presence, int]
    by_group: tuple[tuple[SafeText, int], ...]
    logged_in: int
    left: int
    today: Today


class Totals:
    """Keeps the totals of Online until they are read again, after a few seconds."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Drop what was read, because the next totals may be of another database or user."""
        self._totals: tuple[datetime, OnlineTotals] | None = None
        self._today: tuple[datetime, Today] | None = None

    def of_online(self, db: Database, access: ListAccess, now: datetime) -> OnlineTotals:
        """Return the totals of the readers whom the user may see."""
        scope = access.scope
        if self._totals is None or abs(now - self._totals[0]) >= _READ_AGAIN_AFTER:
            totals = OnlineTotals(
                by_presence=online_totals.readers_by_presence(db, scope, now),
                by_group=_by_group(db, access, now),
                logged_in=online_totals.readers_who_logged_in(db, scope, now, LATELY),
                left=online_totals.readers_who_left(db, scope, now, LATELY),
                today=self._today_of(db, scope, now),
            )
            self._totals = now, totals
        return self._totals[1]

    def _today_of(self, db: Database, scope: Scope, now: datetime) -> Today:
        if self._today is None or abs(now - self._today[0]) >= READ_AGAIN_AFTER:
            self._today = now, _today(db, scope, now)
        return self._today[1]


def _by_group(db: Database, access: ListAccess, now: datetime) -> tuple[tuple[SafeText, int], ...]:
    ids = group_ids(db, access, ListQuery("name"), now).ids
    named = [
        group
        for group in group_totals.named_groups(db, access.scope, ids)
        if has_figures(group.readers)
    ]
    online = group_totals.online_readers(db, [group.id for group in named], now)
    counted = ((group.name, online.get(group.id, 0)) for group in named)
    return tuple(sorted((it for it in counted if it[1]), key=lambda it: -it[1]))


def _today(db: Database, scope: Scope, now: datetime) -> Today:
    this_minute_too = now + timedelta(minutes=1)
    activities = online_totals.activities_between(db, scope, midnight(now), this_minute_too)
    hour = max(in_utc(now).replace(minute=0, second=0, microsecond=0), midnight(now))
    until_hour, *before = (
        online_totals.activities_between(db, scope, midnight(at), at)
        for at in _same_time_of_weeks(hour)
    )
    usual = median(with_any) if (with_any := [number for number in before if number]) else 0
    trend = round(100 * (until_hour - usual) / usual) if usual else None
    return Today(activities, trend)


def _same_time_of_weeks(hour: datetime) -> list[datetime]:
    """Return a time and the same time of day on this weekday of the weeks before."""
    times = [hour]
    for _ in range(_WEEKS):
        times.append(a_week_earlier(times[-1]))
    return times
