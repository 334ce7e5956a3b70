"""The picture of a list at a moment: what it asks of the store, and in which order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from readwatch.domain.clock import midnight
from readwatch.monitor.snapshots import Overview, Pulse, View
from readwatch.monitor.viewport import Order, Sight, order_of, top_of, window
from readwatch.store.engine.connections import Database
from readwatch.store.lists.online import count_online
from readwatch.store.lists.query import Question
from readwatch.store.recording.online_counts import peak_today
from readwatch.store.totals import activities_per_minute
from readwatch.tui.views import LISTINGS
from readwatch.tui.views.spec import Listing

ITEMS_AT_ONCE = 500
"""The most that one statement is asked for."""

ANY_SIGHT = Sight(height=50)
"""What is in view where nobody said so."""


def take_overview(
    db: Database,
    view: View,
    now: datetime,
    question: Question | None = None,
    sight: Sight = ANY_SIGHT,
    listings: Mapping[View, Listing[Any]] = LISTINGS,
) -> Overview:
    """Return the picture of a view at `now`, with the items that will be in sight.

    Without a question it is what the view begins with.
    """
    taken = take_order(db, view, now, question or listings[view].question(), listings)
    ids = window(taken.order, top_of(taken.order, sight), sight.height)
    return replace(taken, items=read_items(db, listings[view], ids, now))


def take_order(
    db: Database,
    view: View,
    now: datetime,
    question: Question,
    listings: Mapping[View, Listing[Any]],
) -> Overview:
    """Return the same picture without items: it has ids, and numbers of all readers together."""
    found = listings[view].order(db, question, now)
    order = order_of(found.ids)
    return Overview(
        view,
        question,
        take_pulse(db, now, _online_in(view, question, order)),
        order,
        found.reader_ids,
        has_older=found.has_older,
    )


def read_items(
    db: Database, listing: Listing[Any], ids: Sequence[int], now: datetime
) -> tuple[Any, ...]:
    """Return the items of ids, in any order, however many they are."""
    return tuple(item for some in portions(ids) for item in listing.items(db, some, now))


def portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield ids in such portions as one statement is asked for."""
    for start in range(0, len(ids), ITEMS_AT_ONCE):
        yield ids[start : start + ITEMS_AT_ONCE]


def take_pulse(db: Database, now: datetime, online: int | None = None) -> Pulse:
    """Return what the header says at `now`; `online` is how many are, where that is known."""
    online = count_online(db, now) if online is None else online
    peak = peak_today(db, midnight(now))
    return Pulse(
        taken_at=now,
        online=online,
        per_minute=activities_per_minute(db, now),
        peak=peak if peak is not None and peak.readers > online else None,
    )


def _online_in(view: View, question: Question, order: Order) -> int | None:
    """Tell how many are online, where the order says so already."""
    return len(order.ids) if view is View.ONLINE and not question.terms else None
