"""The order of a list and the part of it that is in view: pure functions of ids.

The table and the watcher use the same ones, so that a picture comes with the rows that will be
seen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median_low


@dataclass(frozen=True, slots=True)
class RowOrder:
    """The ids of all rows of a list, and the place of each."""

    ids: tuple[int, ...] = ()
    places: Mapping[int, int] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Viewport:
    """What of a list is in view: the ids from the place `top` on, in at most `height` lines.

    With `follows` the cursor goes to whatever comes first.
    """

    height: int
    top: int = 0
    ids: tuple[int, ...] = ()
    cursor: int | None = None
    follows: bool = True


def row_order(ids: Iterable[int]) -> RowOrder:
    """Return the order of ids, of which no two are the same."""
    ids = tuple(ids)
    return RowOrder(ids, {id: place for place, id in enumerate(ids)})


def with_departed_row(order: RowOrder, before: RowOrder, lost: int) -> RowOrder:
    """Return the order with the id `lost` of the one before, below the nearest that is left of
    those that were above it.
    """
    above = reversed(before.ids[: before.places[lost]])
    at = next((order.places[id] + 1 for id in above if id in order.places), 0)
    return row_order((*order.ids[:at], lost, *order.ids[at:]))


def top_index(order: RowOrder, sight: Viewport) -> int:
    """Return the place to show first, so that the cursor, or else most of what is in view, does
    not move.
    """
    if sight.follows:
        return 0
    places = order.places
    tops = {id: places[id] - line for line, id in enumerate(sight.ids) if id in places}
    if sight.cursor in tops:
        top = tops[sight.cursor]
    else:
        top = median_low(tops.values()) if tops else sight.top
    return max(0, min(top, len(order.ids) - sight.height))


def ids_near_viewport(order: RowOrder, top: int, height: int) -> tuple[int, ...]:
    """Return the ids of what is in view, of a screen above it and of one below."""
    return order.ids[max(0, top - height) : top + 2 * height]
