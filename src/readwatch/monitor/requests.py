"""Everything that the console can ask of the watcher."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from readwatch.domain.audit import AuditAction
from readwatch.monitor.snapshots import Item, View
from readwatch.store.lists.query import ListQuery

ReadItems = Callable[[View, Sequence[int]], tuple[Item, ...]]
"""Reads items of a view by their ids, as long as who asks may look."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Let somebody in."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Uncover:
    """Let the one who sits here see the screen again."""

    password: str


@dataclass(frozen=True, slots=True)
class Watch:
    """Take pictures of a view from now on."""

    view: View
    question: ListQuery


@dataclass(frozen=True, slots=True)
class Fetch:
    """Read items of a view that are lacking."""

    view: View
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Find:
    """Find readers whose names have some words."""

    words: str


@dataclass(frozen=True, slots=True)
class Open:
    """Take pictures of a reader from now on."""

    opening: int
    reader_id: int
    seen_in: str


@dataclass(frozen=True, slots=True)
class ReadOlder:
    """Go further back in the activities of the open reader."""

    opening: int
    oldest: int


@dataclass(frozen=True, slots=True)
class PutOnRecord:
    """Append an entry to the access log, and then do what it is about."""

    number: int
    action: AuditAction
    reader_id: int | None
    details: str
    then: Callable[[ReadItems], object]


@dataclass(frozen=True, slots=True)
class OpenLog:
    """Let the access log be watched."""

    number: int


@dataclass(frozen=True, slots=True)
class KnowSeen:
    """Know whom the consultant has marked as seen by now."""

    readers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Stop:
    """Let go of the database."""


Request = (
    SignIn
    | Uncover
    | Watch
    | Fetch
    | Find
    | Open
    | ReadOlder
    | PutOnRecord
    | OpenLog
    | KnowSeen
    | Stop
)
