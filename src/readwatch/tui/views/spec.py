"""What a list needs to be asked for and shown, on a screen or as text."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

from readwatch.domain.filters import canonical
from readwatch.store.engine.connections import Database
from readwatch.store.lists.filter_sql import Fields
from readwatch.store.lists.query import ListQuery, ResultIds
from readwatch.tui.format.cells import Row
from readwatch.tui.format.columns import Column

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Sort:
    """A column to sort by, and the direction that is of most use.

    With `newest_first` what is new comes in at the top then, and the cursor follows it.
    """

    column: str
    descending: bool = False
    newest_first: bool = False


def fields_of(item: Any, _now: datetime) -> dict[str, object]:
    """Return what is known of an item; its fields are named as the columns of the database."""
    return {field.name: getattr(item, field.name) for field in fields(item)}


@dataclass(frozen=True, slots=True)
class ViewSpec(Generic[ItemT]):
    """A list: its columns, the row of an item, the columns to sort by, what a filter can ask for,
    what it says when it is empty, and the questions to the store: one for the order of all ids, one
    for some items.

    The first sort is how it begins. A list that `pages` such things has no end: its order is asked
    for up to a length. For programs an item is a `record`. In one that `marks` readers can be
    marked as seen.
    """

    columns: tuple[Column, ...]
    row: Callable[[ItemT, datetime], Row]
    sorts: tuple[Sort, ...]
    fields: Fields
    empty: str
    order: Callable[[Database, ListQuery, datetime], ResultIds]
    items: Callable[[Database, Sequence[int], datetime], tuple[ItemT, ...]]
    pages: str = ""
    record: Callable[[ItemT, datetime], Mapping[str, object]] = fields_of
    marks: bool = False

    def query(self, *, masked: bool = False) -> ListQuery:
        """Return what it is asked for in the beginning."""
        return ListQuery(self.sorts[0].column, self.sorts[0].descending, masked=masked)

    def sort_by(self, column: str) -> Sort | None:
        """Return the sort by a column; None where there is none."""
        return next((sort for sort in self.sorts if sort.column == column), None)

    def follows_top(self, question: ListQuery) -> bool:
        """Tell whether what is new comes in at the top."""
        sort = self.sort_by(question.sort)
        return bool(sort and sort.newest_first and sort.descending == question.descending)

    def nothing(self, question: ListQuery) -> str:
        """Return what is said where no row is wanted, or there is none."""
        return f"nothing fits: {canonical(question.terms)}" if question.terms else self.empty

    def rows(self, items: Iterable[ItemT], now: datetime) -> list[Row]:
        """Return the rows of items."""
        return [self.row(item, now) for item in items]
