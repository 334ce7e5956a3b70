"""The order of a view and its viewport, the part on the screen: pure functions of ids.

The table and the worker use the same functions, so that a snapshot contains the rows to show.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median_low


@dataclass(frozen=True, slots=True)
class RowOrder:
    """The ids of all rows of a view, and the position of each."""

    ids: tuple[int, ...] = ()
    positions: Mapping[int, int] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Viewport:
    """The part of a view on the screen: `ids` from the index `top` on, in `height` lines.

    With `follows` the cursor stays on the first row, even if another row becomes the first.
    """

    height: int
    top: int = 0
    ids: tuple[int, ...] = ()
    cursor: int | None = None
    follows: bool = True


def row_order(ids: Iterable[int]) -> RowOrder:
    """Return the order of distinct ids."""
    ids = tuple(ids)
    return RowOrder(ids, {id: position for position, id in enumerate(ids)})


def with_departed_row(order: RowOrder, before: RowOrder, departed: int) -> RowOrder:
    """Return the order with the id `departed` added, which was in the order `before`: it comes
    below the nearest row that was above it and is in both orders.
    """
    above = reversed(before.ids[: before.positions[departed]])
    index = next((order.positions[id] + 1 for id in above if id in order.positions), 0)
    return row_order((*order.ids[:index], departed, *order.ids[index:]))


def without_row(order: RowOrder, id: int) -> RowOrder:
    """Return the order without one of its ids."""
    index = order.positions[id]
    return row_order((*order.ids[:index], *order.ids[index + 1 :]))


def top_index(order: RowOrder, viewport: Viewport) -> int:
    """Return the index of the first row to show, at which the cursor, or else most of the rows on
    the screen, do not move.
    """
    if viewport.follows:
        return 0
    positions = order.positions
    tops = {id: positions[id] - line for line, id in enumerate(viewport.ids) if id in positions}
    if viewport.cursor in tops:
        top = tops[viewport.cursor]
    else:
        top = median_low(tops.values()) if tops else viewport.top
    return max(0, min(top, len(order.ids) - viewport.height))


def ids_near_viewport(order: RowOrder, top: int, height: int) -> tuple[int, ...]:
    """Return the ids on the screen, on one screen above and on one screen below."""
    return order.ids[max(0, top - height) : top + 2 * height]
