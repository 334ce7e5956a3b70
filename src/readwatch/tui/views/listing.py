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
    """One way to sort a list, and the column that shows it.

    With `newest_first` the cursor follows the top until somebody moves it.
    """

    column: str
    descending: bool
    by: Callable[[ItemT], Any]
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Listing(Generic[ItemT]):
    """A list: its columns, its rows, whom they are about, what the filter looks in, its orders.

    Without orders the items stay as they come, the newest first.
    """

    columns: tuple[Column, ...]
    row: Callable[[ItemT, datetime], Row]
    reader_id: Callable[[ItemT], int]
    texts: Callable[[ItemT], Sequence[str]]
    empty: str
    orders: tuple[Order[ItemT], ...] = ()

    def follows_top(self, order: int) -> bool:
        """Tell whether what is new comes in at the top."""
        return not self.orders or self.orders[order].newest_first

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


def newest_first(column: str, moment_of: Callable[[ItemT], datetime | None]) -> Order[ItemT]:
    """Return the order by a moment: the newest first, those that never were last."""
    never = datetime(1970, 1, 1, tzinfo=UTC)
    # The column says how long ago it was, so the newest first is its ascending order.
    return Order(column, False, lambda item: -(moment_of(item) or never).timestamp(), True)
