"""What the worker posts by itself; what it is asked for are results of futures."""

from dataclasses import dataclass
from datetime import datetime

from readwatch.monitor.snapshots import ReaderSnapshot, View, ViewSnapshot
from readwatch.store.lists.query import ListQuery


@dataclass(frozen=True, slots=True)
class ViewSnapshotReady:
    """A new snapshot of the current view."""

    snapshot: ViewSnapshot


@dataclass(frozen=True, slots=True)
class ReaderSnapshotReady:
    """A new snapshot of the open reader; it carries the request that opened the page."""

    snapshot: ReaderSnapshot


@dataclass(frozen=True, slots=True)
class QueryRefused:
    """A view cannot be queried in this way, for a reason."""

    view: View
    query: ListQuery
    reason: str


@dataclass(frozen=True, slots=True)
class ReaderRefused:
    """A reader's data is not shown, for a reason."""

    request_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The account may not read the data any more, for a reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The database cannot be read since a time; the worker tries again by itself."""

    reason: str
    since: datetime


Event = (
    ViewSnapshotReady
    | ReaderSnapshotReady
    | QueryRefused
    | ReaderRefused
    | LoggedOut
    | ConnectionLost
)
