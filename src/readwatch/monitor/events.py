"""The events that the worker posts; results of requests are futures instead."""

from dataclasses import dataclass
from datetime import datetime

from readwatch.monitor.snapshots import ReaderSnapshot, View, ViewSnapshot
from readwatch.store.lists.query import ListQuery


@dataclass(frozen=True, slots=True)
class ViewSnapshotReady:
    """A new snapshot of the current view."""

    snapshot: ViewSnapshot


@dataclass(frozen=True, slots=True)
class ReadersReady:
    """New snapshots of the open page, of a reader or of two who are compared; they have the id of
    the request that opened it."""

    snapshots: tuple[ReaderSnapshot, ...]


@dataclass(frozen=True, slots=True)
class QueryRefused:
    """The query of a view is invalid, with the reason."""

    view: View
    query: ListQuery
    reason: str


@dataclass(frozen=True, slots=True)
class ReaderRefused:
    """A reader's data is not shown, with the reason."""

    request_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class EntryMissed:
    """What this consultant saw last in the access log is no longer in it, with the sentence."""

    message: str


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The consultant was logged out, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The database cannot be read since a time, with the reason; the worker tries again."""

    reason: str
    since: datetime


Event = (
    ViewSnapshotReady
    | ReadersReady
    | QueryRefused
    | ReaderRefused
    | EntryMissed
    | LoggedOut
    | ConnectionLost
)
