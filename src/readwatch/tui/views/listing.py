"""What a list needs to be shown, on a screen or as text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from readwatch.tui.columns import Column
from readwatch.tui.rows import Row

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Order(Generic[ItemT]):
    """One way to sort a list, and the column that shows it."""

    column: str
    descending: bool
    by: Callable[[ItemT], Any]


@dataclass(frozen=True, slots=True)
class Listing(Generic[ItemT]):
    """A list: its columns, its rows, whom they are about, what the filter looks in, its orders.

    Without orders the items stay as they come, and the cursor follows the newest.
    """

    columns: tuple[Column, ...]
    row: Callable[[ItemT, datetime], Row]
    reader_id: Callable[[ItemT], int]
    texts: Callable[[ItemT], Sequence[str]]
    empty: str
    orders: tuple[Order[ItemT], ...] = ()

    def rows(
        self, items: Sequence[ItemT], now: datetime, *, words: Sequence[str] = (), order: int = 0
    ) -> tuple[tuple[Row, int], ...]:
        """Return the rows of the items that have all the words, each with its reader's id."""
        wanted = [item for item in items if self._has(item, words)]
        if self.orders:
            wanted.sort(key=self.orders[order].by, reverse=self.orders[order].descending)
        return tuple((self.row(item, now), self.reader_id(item)) for item in wanted)

    def _has(self, item: ItemT, words: Sequence[str]) -> bool:
        if not words:
            return True
        text = " ".join(self.texts(item)).casefold()
        return all(word in text for word in words)


def newest_first(moment: datetime | None) -> float:
    """Return what sorts moments with the newest first and those that never were last."""
    return -(moment or datetime(1970, 1, 1, tzinfo=UTC)).timestamp()
