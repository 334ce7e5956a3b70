"""Snapshots: immutable data for the screens, which the worker reads from the database."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from readwatch.domain.activities import ContentProgress, MinuteCount, RecordedActivity
from readwatch.domain.arrivals import NO_ARRIVALS, Arrivals
from readwatch.domain.attention import Case, Rule
from readwatch.domain.cases import CaseNote
from readwatch.domain.clock import in_utc
from readwatch.domain.filters import filter_size
from readwatch.domain.group_figures import GroupDetail, Peers
from readwatch.domain.presence import OnlineCount, Presence, idle_since, presence_of
from readwatch.domain.reading import DayOfReading
from readwatch.domain.sessions import Session
from readwatch.domain.text import initials
from readwatch.domain.users import ReaderProfile, User
from readwatch.monitor.attention import AttentionItem
from readwatch.monitor.groups import GroupItem
from readwatch.monitor.online import OnlineItem
from readwatch.monitor.online_totals import OnlineTotals
from readwatch.monitor.viewport import RowOrder, row_order
from readwatch.store.lists.access_log import AccessLogRow
from readwatch.store.lists.day import ReaderOfDay
from readwatch.store.lists.query import ListQuery
from readwatch.store.lists.readers import ReaderSummary


class View(StrEnum):
    """The views of the console."""

    ONLINE = "online"
    ACTIVITY = "activity"
    READERS = "readers"
    ATTENTION = "attention"
    ACCESS_LOG = "access_log"
    GROUPS = "groups"
    DAY = "day"

    @property
    def label(self) -> str:
        """The name of the view for people."""
        return self.replace("_", " ")


def list_for_log(view: View, query: ListQuery) -> str:
    """Return which list it is, for the access log: the number of terms of the filter, but none of
    its words, and the time of the past."""
    as_of = "" if query.at is None else f", as of {in_utc(query.at):%Y-%m-%d %H:%M} UTC"
    return f"{view.label}{filter_size(query.terms)}{as_of}"


Item = (
    OnlineItem
    | RecordedActivity
    | ReaderSummary
    | AttentionItem
    | AccessLogRow
    | GroupItem
    | ReaderOfDay
)


@dataclass(frozen=True, slots=True)
class LiveStats:
    """The figures in the header of every screen."""

    taken_at: datetime
    online: int
    per_minute: tuple[MinuteCount, ...]
    peak: OnlineCount | None = None
    """The peak of the day, unless the peak is now."""
    arrivals: Arrivals = NO_ARRIVALS
    """Whether readers' posts still arrive."""
    refresh_pause: timedelta = timedelta(0)
    """The pause before the next snapshot."""
    unseen: frozenset[int] = frozenset()
    """The readers whose cases need the consultant and who are not set aside today."""
    muted: frozenset[Rule] = frozenset()
    """The rules of Attention that are muted today."""

    @property
    def activities_a_minute(self) -> int:
        """The number of activities in the last 60 s, estimated from whole minutes."""
        *_, previous, current = self.per_minute
        passed = self.taken_at.second / 60
        return current.activities + round(previous.activities * (1 - passed))

    @property
    def silence(self) -> timedelta | None:
        """For how long no post has arrived, if posts should arrive; otherwise None."""
        return self.arrivals.silent_for(self.taken_at)

    @property
    def activity_rate(self) -> str:
        """The number of activities a minute, as text."""
        number = self.activities_a_minute  # without commas, as all numbers of the header
        return f"{number} {'activity' if number == 1 else 'activities'} a minute"


@dataclass(frozen=True, slots=True)
class ViewSnapshot:
    """The result of a view's query, with the live statistics of the same time.

    `order` has the ids of all items of the view; `items` are the items in and near the viewport.
    `group` is the group under the cursor of the view of groups.
    """

    view: View
    query: ListQuery
    stats: LiveStats
    order: RowOrder
    reader_ids: tuple[int | None, ...]
    """The reader of each id, or None."""
    items: tuple[Item, ...] = ()
    has_older: bool = False
    """Whether there may be older items than the query returned, in a view with pages."""
    group: GroupDetail | None = None
    totals: OnlineTotals | None = None
    """Those of the readers online now, in Online."""

    @property
    def shown_at(self) -> datetime:
        """The time of which the items are: of the past, or of the snapshot."""
        return self.query.at or self.stats.taken_at


def with_older(before: ViewSnapshot, longer: ViewSnapshot) -> ViewSnapshot:
    """Return the snapshot `before`, of a view with pages and newest first, with the older ids of
    `longer` added at its end.
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
    """Return items with initials instead of the names of all readers who are not `revealed`, and
    without notes about them, which may contain names."""
    return tuple(_masked(item, revealed) for item in items)


def _masked(item: Item, revealed: Set[int]) -> Item:
    if isinstance(item, GroupItem) or item.user_id is None or item.user_id in revealed:
        return item
    if isinstance(item, AttentionItem):
        return replace(item, full_name=initials(item.full_name), last_note=None)
    return replace(item, full_name=initials(item.full_name))


@dataclass(frozen=True, slots=True)
class ReaderSnapshot:
    """One reader's data, read after the access of that `request_id` was logged.

    `zone` is None if the profile has no valid time zone; then `days` are in UTC. `days` are whole
    weeks that end today. `peers` is None for a reader without a group that has figures, `case` for
    a reader who is not in Attention. `notes` are the newest ones, newest first.
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
    peers: Peers | None
    case: Case | None
    notes: tuple[CaseNote, ...]

    @property
    def idle_since(self) -> datetime | None:
        """Return the time of the reader's last activity or login; None is never."""
        return idle_since(self.profile.last_login, self.profile.last_activity_at)

    def presence_at(self, now: datetime) -> Presence:
        """Return what the reader seems to be doing at `now`."""
        heartbeats = (session.last_heartbeat for session in self.sessions if session.is_active)
        return presence_of(max(heartbeats, default=None), self.idle_since, now)
