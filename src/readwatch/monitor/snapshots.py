"""What the screens show: immutable snapshots of the database, made by the worker."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from readwatch.domain.activities import ContentProgress, MinuteCount, RecordedActivity
from readwatch.domain.presence import OnlineCount, Presence, idle_since, presence_of
from readwatch.domain.reading import DayOfReading
from readwatch.domain.sessions import Session
from readwatch.domain.text import initials
from readwatch.domain.users import ReaderProfile, User
from readwatch.monitor.attention import AttentionItem
from readwatch.monitor.viewport import RowOrder, row_order
from readwatch.store.lists.access_log import AccessLogRow
from readwatch.store.lists.online import TracedReader
from readwatch.store.lists.query import ListQuery
from readwatch.store.lists.readers import ReaderSummary


class View(StrEnum):
    """The views of the console; each reads only its own rows."""

    ONLINE = "online"
    ACTIVITY = "activity"
    READERS = "readers"
    ATTENTION = "attention"
    ACCESS_LOG = "access_log"

    @property
    def label(self) -> str:
        """Its name as people read it."""
        return self.replace("_", " ")


Item = TracedReader | RecordedActivity | ReaderSummary | AttentionItem | AccessLogRow


@dataclass(frozen=True, slots=True)
class LiveStats:
    """The figures in the header of every screen."""

    taken_at: datetime
    online: int
    per_minute: tuple[MinuteCount, ...]
    peak: OnlineCount | None = None
    """The most readers of the day, where that was not now."""
    refresh_pause: timedelta = timedelta(0)
    """How long until the next snapshot: a multiple of the time that this one took."""
    in_need: frozenset[int] = frozenset()
    """The readers who may need a consultant."""
    unseen: frozenset[int] = frozenset()
    """Those of them who were not seen today."""

    @property
    def activities_a_minute(self) -> int:
        """The number of activities in the last 60 s, estimated from whole minutes."""
        *_, previous, current = self.per_minute
        passed = self.taken_at.second / 60
        return current.activities + round(previous.activities * (1 - passed))

    @property
    def activity_rate(self) -> str:
        """The same as text."""
        number = self.activities_a_minute
        return f"{number} {'activity' if number == 1 else 'activities'} a minute"


@dataclass(frozen=True, slots=True)
class ViewSnapshot:
    """The answer to a view's query, with the figures of the same moment.

    `order` has all items of the view; `items` are those in and near the viewport.
    """

    view: View
    query: ListQuery
    stats: LiveStats
    order: RowOrder
    reader_ids: tuple[int | None, ...]
    """The reader of each id; None where there is none."""
    items: tuple[Item, ...] = ()
    has_older: bool = False
    """Of a view with pages: whether there may be more than was queried."""


def with_older(before: ViewSnapshot, longer: ViewSnapshot) -> ViewSnapshot:
    """Return the snapshot of a view with pages, newest first, extended at its end by the older ids
    of a longer one.
    """
    oldest = min(before.order.ids, default=0)
    pairs = zip(longer.order.ids, longer.reader_ids, strict=True)
    older = [(id, reader_id) for id, reader_id in pairs if id < oldest]
    return replace(
        longer,
        stats=before.stats,
        order=row_order((*before.order.ids, *(id for id, _ in older))),
        reader_ids=(*before.reader_ids, *(reader_id for _, reader_id in older)),
    )


def masked(items: Iterable[Item], revealed: Set[int]) -> tuple[Item, ...]:
    """Return items with initials instead of the names of all readers who are not `revealed`."""
    return tuple(
        item
        if item.user_id is None or item.user_id in revealed
        else replace(item, full_name=initials(item.full_name))
        for item in items
    )


@dataclass(frozen=True, slots=True)
class ReaderSnapshot:
    """One reader's data, read after the access of that `request_id` was logged.

    `zone` is None where the profile has no valid one; `days` are those of UTC then. They are whole
    weeks, and today is the last day.
    """

    request_id: int
    stats: LiveStats
    user: User
    profile: ReaderProfile
    zone: ZoneInfo | None
    contents: tuple[ContentProgress, ...]
    sessions: tuple[Session, ...]
    activities: tuple[RecordedActivity, ...]
    has_older: bool
    days: tuple[DayOfReading, ...]

    @property
    def idle_since(self) -> datetime | None:
        """Return when the reader last did anything, a login included; None is never."""
        return idle_since(self.profile.last_login, self.profile.last_activity_at)

    def presence_at(self, now: datetime) -> Presence:
        """Return what the reader seems to be doing at `now`."""
        heartbeats = (it.last_heartbeat for it in self.sessions if it.is_active)
        return presence_of(max(heartbeats, default=None), self.idle_since, now)
