"""The order of a view and the part of it that is on the screen: pure functions of ids.

The table and the worker use the same ones, so that a snapshot has the rows that will be shown.
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
    """The part of a view on the screen: `ids` from the position `top` on, in `height` lines.

    With `follows` the cursor stays on the first row, whichever that is.
    """

    height: int
    top: int = 0
    ids: tuple[int, ...] = ()
    cursor: int | None = None
    follows: bool = True


def row_order(ids: Iterable[int]) -> RowOrder:
    """Return the order of ids, which are distinct."""
    ids = tuple(ids)
    return RowOrder(ids, {id: position for position, id in enumerate(ids)})


def with_departed_row(order: RowOrder, before: RowOrder, departed: int) -> RowOrder:
    """Return the order with the id `departed` of the order before, below the nearest row that was
    above it and is still there.
    """
    above = reversed(before.ids[: before.positions[departed]])
    index = next((order.positions[id] + 1 for id in above if id in order.positions), 0)
    return row_order((*order.ids[:index], departed, *order.ids[index:]))


def top_index(order: RowOrder, viewport: Viewport) -> int:
    """Return the position of the first row to show, so that the cursor, or else most of the rows
    on the screen, do not move.
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
    """Return the ids on the screen, of one screen above it and of one below."""
    return order.ids[max(0, top - height) : top + 2 * height]
