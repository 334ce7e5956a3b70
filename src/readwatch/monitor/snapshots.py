"""What the screens show: immutable pictures of the database, made by the watcher."""

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
    """The screens of the overview; each asks for its own rows only."""

    ONLINE = "online"
    ACTIVITY = "activity"
    READERS = "readers"
    ATTENTION = "attention"
    ACCESS_LOG = "access_log"

    @property
    def words(self) -> str:
        """Its name for people."""
        return self.replace("_", " ")


Item = TracedReader | RecordedActivity | ReaderSummary | AttentionItem | AccessLogRow


@dataclass(frozen=True, slots=True)
class LiveStats:
    """What the header of every screen says."""

    taken_at: datetime
    online: int
    per_minute: tuple[MinuteCount, ...]
    peak: OnlineCount | None = None
    """The most readers of the day, where that was not now."""
    rest: timedelta = timedelta(0)
    """How long no other picture is taken: the longer this one took, the longer."""
    in_need: frozenset[int] = frozenset()
    """The readers who may need a consultant."""
    unseen: frozenset[int] = frozenset()
    """Those of them who were not seen today."""

    @property
    def activities_a_minute(self) -> int:
        """How many activities the last 60 s had, as well as whole minutes tell."""
        *_, before, running = self.per_minute
        passed = self.taken_at.second / 60
        return running.activities + round(before.activities * (1 - passed))

    @property
    def pace(self) -> str:
        """The same in words."""
        number = self.activities_a_minute
        return f"{number} {'activity' if number == 1 else 'activities'} a minute"


@dataclass(frozen=True, slots=True)
class ViewSnapshot:
    """One view as it was asked for, with the pulse of the same moment: the order of all that is in
    it, and the items in view and near it.
    """

    view: View
    query: ListQuery
    stats: LiveStats
    order: RowOrder
    reader_ids: tuple[int | None, ...]
    """Whom each of them is about."""
    items: tuple[Item, ...] = ()
    has_older: bool = False
    """Of a list without end: whether there may be more than was asked for."""


def with_older(before: ViewSnapshot, longer: ViewSnapshot) -> ViewSnapshot:
    """Return a picture of a list without end, newest first, and below it what a longer one has of
    the time before.
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
    """Return items with initials for all readers but those whose page was opened."""
    return tuple(
        item
        if item.user_id is None or item.user_id in revealed
        else replace(item, full_name=initials(item.full_name))
        for item in items
    )


@dataclass(frozen=True, slots=True)
class ReaderSnapshot:
    """One reader's data, after the look of that `opening` is on record.

    `zone` is None where the profile names none that there is; `days` then are those of UTC. They
    are whole weeks up to today, which is the last one.
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
