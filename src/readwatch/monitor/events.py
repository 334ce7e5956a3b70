"""Everything that the watcher can tell the console."""

from datetime import datetime

from textual.message import Message

from readwatch.domain.errors import ReadwatchError
from readwatch.domain.users import User
from readwatch.monitor.snapshots import Item, ReaderSnapshot, View, ViewSnapshot
from readwatch.store.lists.query import ListQuery
from readwatch.store.lists.readers import ReaderSummary


class LoggedIn(Message):
    """A consultant or admin signed in, and that is on record."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user


class LoginRefused(Message):
    """Nobody signed in, for a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Unlocked(Message):
    """The one who sits here gave the password again, and that is on record."""


class UnlockRefused(Message):
    """The console stays covered, for a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class LoggedOut(Message):
    """The account may not look any more, for a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class ViewSnapshotReady(Message):
    """A new picture of a view."""

    def __init__(self, overview: ViewSnapshot) -> None:
        super().__init__()
        self.overview = overview

    def can_replace(self, message: Message) -> bool:
        """Let a newer picture take the place of one that is still waiting."""
        return (
            isinstance(message, ViewSnapshotReady) and message.overview.view == self.overview.view
        )


class EventLogged(Message):
    """What was asked for under a number is on record, and done."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class EventRefused(Message):
    """What was asked for under a number is not done, for a reason."""

    def __init__(self, number: int, refusal: ReadwatchError) -> None:
        super().__init__()
        self.number = number
        self.refusal = refusal


class ItemsReady(Message):
    """Items of a view that were lacking, as they are by now."""

    def __init__(self, view: View, items: tuple[Item, ...]) -> None:
        super().__init__()
        self.view = view
        self.items = items


class ReadersFound(Message):
    """Readers whose names have some words, by name."""

    def __init__(self, words: str, readers: tuple[ReaderSummary, ...]) -> None:
        super().__init__()
        self.words = words
        self.readers = readers


class QueryRefused(Message):
    """A view cannot be asked for in this way, for a reason."""

    def __init__(self, view: View, question: ListQuery, reason: str) -> None:
        super().__init__()
        self.view = view
        self.question = question
        self.reason = reason


class ReaderSnapshotReady(Message):
    """A new picture of a reader, of one opening: a later one waits for an entry of its own."""

    def __init__(self, page: ReaderSnapshot) -> None:
        super().__init__()
        self.page = page


class ReaderRefused(Message):
    """A reader's data is not shown, for a reason."""

    def __init__(self, opening: int, reason: str) -> None:
        super().__init__()
        self.opening = opening
        self.reason = reason


class ConnectionLost(Message):
    """The database could not be read; the watcher tries again by itself."""

    def __init__(self, reason: str, since: datetime) -> None:
        super().__init__()
        self.reason = reason
        self.since = since
