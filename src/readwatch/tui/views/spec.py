"""The specification of a view, for screens and for printed text."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from textual.content import Content

from readwatch.domain.filters import canonical
from readwatch.monitor.snapshots import ViewSnapshot
from readwatch.monitor.views import ViewOptions
from readwatch.store.lists.query import ListQuery
from readwatch.tui.format.cells import Row
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import day_in_words

ItemT = TypeVar("ItemT")


def past_note(snapshot: ViewSnapshot) -> str:
    """Return of which time of the past the list is, or empty text."""
    at = snapshot.query.at
    if at is None:
        return ""
    return f"as of {day_in_words(at)}, {at.astimezone():%H:%M}"


@dataclass(frozen=True, slots=True)
class ViewSpec(Generic[ItemT]):
    """A view: its options, its columns, the function from an item to a row, and the text of an
    empty view.

    `preview` returns what a wide terminal shows about the row under the cursor. With `has_cases`
    the rows are cases, and readers can be marked as seen. `note` is a line about the whole view, or
    empty; `past_empty` is the text of an empty view of the past, if it is another.
    """

    options: ViewOptions[ItemT]
    columns: tuple[Column, ...]
    row: Callable[[ItemT, datetime], Row]
    empty: str
    preview: Callable[[ItemT, datetime], Iterable[Content]] | None = None
    has_cases: bool = False
    note: Callable[[ViewSnapshot], str] = past_note
    past_empty: str = ""

    def empty_text(self, query: ListQuery) -> str:
        """Return the text to show if no row matches the query."""
        if query.terms:
            return f"nothing matches {canonical(query.terms)}"
        return self.empty if query.at is None else self.past_empty or self.empty

    def rows(self, items: Iterable[ItemT], now: datetime) -> list[Row]:
        """Return the rows of items."""
        return [self.row(item, now) for item in items]
