"""The picture of a list at a moment: what it asks of the store, and in which order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from readwatch.domain.clock import midnight
from readwatch.monitor.snapshots import LiveStats, View, ViewSnapshot
from readwatch.monitor.viewport import RowOrder, Viewport, ids_near_viewport, row_order, top_index
from readwatch.store.engine.connections import Database
from readwatch.store.lists.online import count_online
from readwatch.store.lists.query import ListQuery
from readwatch.store.recording.online_counts import peak_today
from readwatch.store.totals import activities_per_minute
from readwatch.tui.views import VIEW_SPECS
from readwatch.tui.views.spec import ViewSpec

ITEMS_AT_ONCE = 500
"""The most that one statement is asked for."""

DEFAULT_VIEWPORT = Viewport(height=50)
"""What is in view where nobody said so."""


def view_snapshot(
    db: Database,
    view: View,
    now: datetime,
    question: ListQuery | None = None,
    sight: Viewport = DEFAULT_VIEWPORT,
    listings: Mapping[View, ViewSpec[Any]] = VIEW_SPECS,
) -> ViewSnapshot:
    """Return the picture of a view at `now`, with the items that will be in sight.

    Without a question it is what the view begins with.
    """
    taken = view_order(db, view, now, question or listings[view].query(), listings)
    ids = ids_near_viewport(taken.order, top_index(taken.order, sight), sight.height)
    return replace(taken, items=read_items(db, listings[view], ids, now))


def view_order(
    db: Database,
    view: View,
    now: datetime,
    question: ListQuery,
    listings: Mapping[View, ViewSpec[Any]],
) -> ViewSnapshot:
    """Return the same picture without items: it has ids, and numbers of all readers together."""
    found = listings[view].order(db, question, now)
    order = row_order(found.ids)
    return ViewSnapshot(
        view,
        question,
        live_stats(db, now, _online_in(view, question, order)),
        order,
        found.reader_ids,
        has_older=found.has_older,
    )


def read_items(
    db: Database, listing: ViewSpec[Any], ids: Sequence[int], now: datetime
) -> tuple[Any, ...]:
    """Return the items of ids, in any order, however many they are."""
    return tuple(item for some in chunks(ids) for item in listing.items(db, some, now))


def chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield ids in such portions as one statement is asked for."""
    for start in range(0, len(ids), ITEMS_AT_ONCE):
        yield ids[start : start + ITEMS_AT_ONCE]


def live_stats(db: Database, now: datetime, online: int | None = None) -> LiveStats:
    """Return what the header says at `now`; `online` is how many are, where that is known."""
    online = count_online(db, now) if online is None else online
    peak = peak_today(db, midnight(now))
    return LiveStats(
        taken_at=now,
        online=online,
        per_minute=activities_per_minute(db, now),
        peak=peak if peak is not None and peak.readers > online else None,
    )


def _online_in(view: View, question: ListQuery, order: RowOrder) -> int | None:
    """Tell how many are online, where the order says so already."""
    return len(order.ids) if view is View.ONLINE and not question.terms else None
