"""Everything that the watcher can tell the console."""

from datetime import datetime

from textual.message import Message

from readwatch.domain.errors import ReadwatchError
from readwatch.domain.users import User
from readwatch.monitor.snapshots import Item, Overview, ReaderPage, View
from readwatch.store.lists.query import Question
from readwatch.store.lists.readers import ReaderSummary


class SignedIn(Message):
    """A consultant or admin signed in, and that is on record."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user


class SignInRefused(Message):
    """Nobody signed in, for a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Uncovered(Message):
    """The one who sits here gave the password again, and that is on record."""


class UncoverRefused(Message):
    """The console stays covered, for a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class SignedOut(Message):
    """The account may not look any more, for a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class OverviewArrived(Message):
    """A new picture of a view."""

    def __init__(self, overview: Overview) -> None:
        super().__init__()
        self.overview = overview

    def can_replace(self, message: Message) -> bool:
        """Let a newer picture take the place of one that is still waiting."""
        return isinstance(message, OverviewArrived) and message.overview.view == self.overview.view


class Recorded(Message):
    """What was asked for under a number is on record, and done."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class RecordRefused(Message):
    """What was asked for under a number is not done, for a reason."""

    def __init__(self, number: int, refusal: ReadwatchError) -> None:
        super().__init__()
        self.number = number
        self.refusal = refusal


class ItemsArrived(Message):
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


class QuestionRefused(Message):
    """A view cannot be asked for in this way, for a reason."""

    def __init__(self, view: View, question: Question, reason: str) -> None:
        super().__init__()
        self.view = view
        self.question = question
        self.reason = reason


class ReaderArrived(Message):
    """A new picture of a reader, of one opening: a later one waits for an entry of its own."""

    def __init__(self, page: ReaderPage) -> None:
        super().__init__()
        self.page = page


class LookRefused(Message):
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
