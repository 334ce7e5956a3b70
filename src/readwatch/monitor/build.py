"""Snapshots of a view: the order of all items, and the items in the viewport."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from readwatch.domain.clock import midnight
from readwatch.monitor.snapshots import LiveStats, View, ViewSnapshot
from readwatch.monitor.viewport import RowOrder, Viewport, ids_near_viewport, row_order, top_index
from readwatch.monitor.views import VIEW_OPTIONS, ViewQueries
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.audit.scope import Scope
from readwatch.store.engine.connections import Database
from readwatch.store.lists.online import count_online
from readwatch.store.lists.query import ListQuery
from readwatch.store.recording.online_counts import peak_today
from readwatch.store.totals import activities_per_minute

CHUNK_LENGTH = 500
"""The maximum number of ids in one statement."""

DEFAULT_VIEWPORT = Viewport(height=50)
"""The viewport of a view that has not been on the screen."""


def view_snapshot(
    db: Database,
    access: ListAccess,
    view: View,
    now: datetime,
    queries: Mapping[View, ViewQueries[Any]],
    log_rows: Callable[[ViewSnapshot], RowAccess],
    query: ListQuery | None = None,
    viewport: Viewport = DEFAULT_VIEWPORT,
) -> ViewSnapshot:
    """Return the snapshot of a view at `now`, with the items in and near the viewport.

    They are read with the right that `log_rows` returns, after it has logged the access to the rows
    if necessary. Without a query it is the view's first query.
    """
    snapshot = snapshot_without_items(
        db, access, view, now, query or VIEW_OPTIONS[view].first_query(), queries
    )
    top = top_index(snapshot.order, viewport)
    ids = ids_near_viewport(snapshot.order, top, viewport.height)
    rows, of_view = log_rows(snapshot), queries[view].at(snapshot.query.at)
    items = read_items(db, rows, of_view, ids, snapshot.shown_at)
    return replace(snapshot, items=items)


def snapshot_without_items(
    db: Database,
    access: ListAccess,
    view: View,
    now: datetime,
    query: ListQuery,
    queries: Mapping[View, ViewQueries[Any]],
) -> ViewSnapshot:
    """Return the snapshot of a view without items: only ids, and totals."""
    result = queries[view].at(query.at).ids(db, access, query, query.at or now)
    order = row_order(result.ids)
    return ViewSnapshot(
        view,
        query,
        live_stats(db, access.scope, now, _online_count(view, query, order)),
        order,
        result.reader_ids,
        has_older=result.has_older,
    )


def read_items(
    db: Database,
    access: RowAccess,
    queries: ViewQueries[Any],
    ids: Sequence[int],
    now: datetime,
) -> tuple[Any, ...]:
    """Return the items of any number of ids, in any order."""
    return tuple(item for chunk in id_chunks(ids) for item in queries.items(db, access, chunk, now))


def id_chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the ids in parts of at most the number that one statement accepts."""
    for start in range(0, len(ids), CHUNK_LENGTH):
        yield ids[start : start + CHUNK_LENGTH]


def live_stats(db: Database, scope: Scope, now: datetime, online: int | None = None) -> LiveStats:
    """Return the header's figures at `now`; `online` is the number of readers online, if known.

    The peaks of the past are those of all readers, so a limited scope has none.
    """
    online = count_online(db, scope, now) if online is None else online
    peak = None if scope.is_limited else peak_today(db, midnight(now))
    return LiveStats(
        taken_at=now,
        online=online,
        per_minute=activities_per_minute(db, scope, now),
        peak=peak if peak is not None and peak.readers > online else None,
    )


def _online_count(view: View, query: ListQuery, order: RowOrder) -> int | None:
    """Return the number of readers online if the order contains exactly these; otherwise None."""
    is_of_all_now = view is View.ONLINE and query.at is None and not query.terms
    return len(order.ids) if is_of_all_now else None
