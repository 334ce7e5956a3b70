"""The groups of readers with their figures, most of which are read again only every half minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.clock import midnight
from readwatch.domain.group_figures import (
    GroupDetail,
    GroupReading,
    by_day,
    by_progress,
    by_weekday_and_hour,
    days_until,
    first_hour,
    has_figures,
    median_progress,
    this_week,
    trend,
)
from readwatch.domain.text import SafeText
from readwatch.monitor.attention import Attention
from readwatch.store import group_totals
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.audit.scope import Scope
from readwatch.store.engine.connections import Database
from readwatch.store.group_totals import NamedGroup
from readwatch.store.lists import groups
from readwatch.store.lists.query import ListQuery, ResultIds

READ_AGAIN_AFTER = timedelta(seconds=30)
"""The age at which figures that come from many hours and many readers are read again."""

MAX_TITLES = 20
"""The maximum number of titles in the detail of a group."""


@dataclass(frozen=True, slots=True)
class GroupItem:
    """A group in the list; without figures if it has only a few readers.

    `online` is the number of readers online, `in_need` of those whose cases need the consultant and
    who are not set aside. `reading` is None also if only a few make up the hours that it covers.
    """

    group_id: int
    name: SafeText
    readers: int
    online: int | None = None
    in_need: int | None = None
    reading: GroupReading | None = None


_OF_READING = frozenset({"read_today", "seconds_this_week", "trend", "median_progress"})
_FIGURES = _OF_READING | {"online", "in_need"}
"""The columns that can be sorted only after the figures of all groups are read."""


class Groups:
    """Keeps figures until they are read again, each with the time at which it was read."""

    def __init__(self, attention: Attention) -> None:
        """`attention` has the readers who need somebody."""
        self._attention = attention
        self.reset()

    def reset(self) -> None:
        """Drop all figures, because the next ones may be of another database or user."""
        self._readings: dict[int, tuple[datetime, GroupReading | None]] = {}
        self._details: dict[int, tuple[datetime, GroupDetail | None]] = {}
        self._items_of: tuple[datetime, dict[int, GroupItem]] | None = None

    def ids(self, db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
        """Return the ids of the matching groups, in order; groups without the figure come last."""
        self._items_of = None
        result = groups.group_ids(db, access, query, now)
        if query.sort not in _FIGURES:
            return result
        items = {it.group_id: it for it in self._items(db, access.scope, result.ids, now)}
        self._items_of = now, items  # those near the viewport are asked for next
        figures = {
            id: value
            for id, item in items.items()
            if (value := _figure(item, query.sort)) is not None
        }
        having = sorted(
            (id for id in result.ids if id in figures),
            key=figures.__getitem__,
            reverse=query.descending,
        )
        ids = (*having, *(id for id in result.ids if id not in figures))
        return ResultIds(ids, result.reader_ids)

    def items(
        self, db: Database, access: RowAccess, ids: Sequence[int], now: datetime
    ) -> tuple[GroupItem, ...]:
        """Return the groups with these ids that the user may see."""
        if self._items_of is not None and self._items_of[0] == now:
            return tuple(item for id in ids if (item := self._items_of[1].get(id)) is not None)
        return self._items(db, access.scope, ids, now)

    def _items(
        self, db: Database, scope: Scope, ids: Sequence[int], now: datetime
    ) -> tuple[GroupItem, ...]:
        named = group_totals.named_groups(db, scope, ids)
        having_figures = [group.id for group in named if has_figures(group.readers)]
        online = group_totals.online_readers(db, having_figures, now)
        in_need = group_totals.readers_among(db, having_figures, self._attention.unseen)
        self._read(db, having_figures, now)
        return tuple(
            GroupItem(
                group.id,
                group.name,
                group.readers,
                online=online.get(group.id, 0),
                in_need=in_need.get(group.id, 0),
                reading=self._readings[group.id][1],
            )
            if has_figures(group.readers)
            else GroupItem(group.id, group.name, group.readers)
            for group in named
        )

    def detail(
        self, db: Database, scope: Scope, group_id: int, now: datetime
    ) -> GroupDetail | None:
        """Return the detail of a group; None if it has only a few readers, if only a few have read,
        or if it is not there."""
        for group in group_totals.named_groups(db, scope, [group_id]):
            if has_figures(group.readers):
                if _is_old(self._details.get(group_id), now):
                    self._details[group_id] = now, _detail(db, group, now)
                return self._details[group_id][1]
        return None

    def _read(self, db: Database, ids: Sequence[int], now: datetime) -> None:
        """Read the figures of groups that are not read yet, or too old."""
        old = [id for id in ids if _is_old(self._readings.get(id), now)]
        if not old:
            return
        days = days_until(now.astimezone().date())
        hours = group_totals.hours(db, old, first_hour(now))
        read_today = group_totals.readers_since(db, old, midnight(now))
        progress = group_totals.progress(db, old)
        with_time = group_totals.readers_with_time(db, old, first_hour(now))
        for id in old:
            reading = GroupReading(
                read_today=read_today.get(id, 0),
                seconds_by_day=by_day(hours[id], days),
                seconds_this_week=this_week(hours[id], now),
                trend=trend(hours[id], now),
                median_progress=median_progress(_of_many(progress[id])),
            )
            self._readings[id] = now, reading if has_figures(with_time.get(id, 0)) else None


def _figure(item: GroupItem, column: str) -> int | None:
    value: int | None = getattr(item.reading if column in _OF_READING else item, column, None)
    return value


def _of_many(percentages: Sequence[int]) -> Sequence[int]:
    """Return the progress of readers, none of a few."""
    return percentages if has_figures(len(percentages)) else ()


def _is_old(entry: tuple[datetime, object] | None, now: datetime) -> bool:
    return entry is None or abs(now - entry[0]) >= READ_AGAIN_AFTER


def _detail(db: Database, group: NamedGroup, now: datetime) -> GroupDetail | None:
    days, since = days_until(now.astimezone().date()), first_hour(now)
    if not has_figures(group_totals.readers_with_time(db, [group.id], since).get(group.id, 0)):
        return None
    hours = group_totals.hours(db, [group.id], since)[group.id]
    return GroupDetail(
        group_id=group.id,
        name=group.name,
        days=days,
        seconds_by_day=by_day(hours, days),
        seconds_by_hour=by_weekday_and_hour(hours),
        titles=group_totals.titles(db, group.id, since, MAX_TITLES),
        readers_by_progress=by_progress(_of_many(group_totals.progress(db, [group.id])[group.id])),
    )
