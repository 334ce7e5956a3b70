"""The view or the page that the console shows now."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from readwatch.domain.arrivals import NO_ARRIVALS, arrivals_after
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import midnight, uptime
from readwatch.domain.group_figures import GroupDetail
from readwatch.domain.presence import OnlineCount
from readwatch.monitor.attention import Attention
from readwatch.monitor.build import DEFAULT_VIEWPORT, live_stats, read_items, view_snapshot
from readwatch.monitor.groups import Groups
from readwatch.monitor.login import console_event
from readwatch.monitor.online_totals import Totals
from readwatch.monitor.reader_page import ReaderPage
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import (
    Item,
    LiveStats,
    ReaderSnapshot,
    View,
    ViewSnapshot,
    list_for_log,
    masked,
)
from readwatch.monitor.views import view_queries
from readwatch.store.audit.live_lists import AccessLog, LiveListLog
from readwatch.store.audit.log import ListAccess, OutsideScope, Permit, RowAccess
from readwatch.store.audit.scope import Scope, contains_all
from readwatch.store.engine.connections import Database
from readwatch.store.lists.query import ListQuery
from readwatch.store.totals import heartbeats

ATTENTION_SECONDS = 10.0
"""Seconds between two evaluations of the attention rules, while Attention is not shown."""


class CurrentView:
    """One view at a time and, above the view, at most one page, which shows a reader or compares
    two; used by one thread.

    `viewport` is the part of the view on the screen; any thread may replace it.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        self._mask = settings.mask
        self.attention = Attention(settings.thresholds)
        self.groups = Groups(self.attention)
        self._online_totals = Totals()
        self._attention_at = 0.0
        self._arrivals = NO_ARRIVALS
        self._peak: OnlineCount | None = None  # the highest number of readers shown today
        self.viewport = DEFAULT_VIEWPORT
        self._scope: Scope | None = None  # of the last snapshot
        self._log = LiveListLog()
        self.clear()

    def clear(self) -> None:
        """Show nothing, and drop all data before the next consultant logs in."""
        self.groups.reset()
        self._online_totals.reset()
        self._attention_at = 0.0  # whom a case needs depends on the consultant
        self.view: View | None = None
        self.query: ListQuery | None = None
        self._last_valid_query: ListQuery | None = None
        self._revealed: set[int] = set()
        self._queries = view_queries(self.attention, self.groups, with_access_log=False)
        self.reader_pages: tuple[ReaderPage, ...] = ()  # two are compared
        self.row_access: RowAccess | None = None
        self._log.close()

    def reset(self) -> None:
        """Drop all data from the database, because another database may have replaced it."""
        self._attention_at = 0.0
        self._arrivals, self._peak = NO_ARRIVALS, None
        self.row_access = None
        self.attention.reset()
        self.groups.reset()
        self._online_totals.reset()
        self._log.close()

    def show_view(self, view: View, query: ListQuery) -> None:
        """Show a view; an open reader's page is closed. The right to rows ends with their query."""
        if view is not self.view:
            self._last_valid_query = None
        if (view, query) != (self.view, self.query):
            self.row_access = None
        self.view, self.query = view, query
        self.close_readers()

    def restore_query(self) -> None:
        """Go back to the last query that succeeded; None is the view's first query."""
        self.query = self._last_valid_query

    def show_readers(self, request_id: int, permits: Iterable[Permit]) -> None:
        """Show the page of a reader, or of two who are compared; their names are not masked from
        now on."""
        self.reader_pages = tuple(ReaderPage(request_id, permit) for permit in permits)
        self._revealed.update(page.reader_id for page in self.reader_pages)

    def close_readers(self) -> None:
        """Go back to the view."""
        self.reader_pages = ()

    def open_access_log(self) -> None:
        """Show entries in the access log, which is empty before this call."""
        self._queries = view_queries(self.attention, self.groups, with_access_log=True)

    def snapshot(
        self,
        db: Database,
        access: ListAccess,
        now: datetime,
        access_log: AccessLog,
    ) -> ViewSnapshot | tuple[ReaderSnapshot, ...]:
        """Return the snapshot of the view, or those of the readers of the page, at `now`.

        The entries that a filtered view needs are in the access log before its rows are read.
        """
        if access.scope != self._scope:  # its figures are of other readers
            self._scope, self._peak, self._attention_at = access.scope, None, 0.0
            self.groups.reset()
            self._online_totals.reset()
        before = self._arrivals
        self._arrivals = arrivals_after(before, heartbeats(db, now, before), now)
        self._refresh_attention(db, access, now)
        if pages := self.reader_pages:
            if not contains_all(db, access.scope, [page.reader_id for page in pages]):
                raise OutsideScope
            stats = self._completed(live_stats(db, access.scope, now))
            case_of = self.attention.case_of
            return tuple(
                page.snapshot(db, access.scope, stats, case_of(page.reader_id)) for page in pages
            )
        view = self.view or View.ONLINE

        def log_rows(result: ViewSnapshot) -> RowAccess:
            self.row_access = None  # until the entries are on disk
            self.row_access = self._log_rows(access_log, access, result)
            return self.row_access

        snapshot = view_snapshot(
            db, access, view, now, self._queries, log_rows, self.query, self.viewport
        )
        self._last_valid_query = self.query
        stats = self._completed(snapshot.stats)
        group = self._group_under_cursor(db, access.scope, snapshot)
        is_online_now = view is View.ONLINE and snapshot.query.at is None
        totals = self._online_totals.of_online(db, access, now) if is_online_now else None
        items = self._masked(snapshot.items)
        return replace(snapshot, items=items, stats=stats, group=group, totals=totals)

    def _group_under_cursor(
        self, db: Database, scope: Scope, snapshot: ViewSnapshot
    ) -> GroupDetail | None:
        if snapshot.view is not View.GROUPS or not snapshot.order.ids:
            return None
        group_id = self.viewport.cursor
        if self.viewport.follows or group_id is None:
            group_id = snapshot.order.ids[0]
        return self.groups.detail(db, scope, group_id, snapshot.stats.taken_at)

    def _log_rows(
        self, access_log: AccessLog, access: ListAccess, result: ViewSnapshot
    ) -> RowAccess:
        """Log the access to the rows of a result if necessary, and return the right to them."""
        query, details = result.query, list_for_log(result.view, result.query)
        event = console_event(access.user_id, AuditAction.VIEWED_LIST, details)
        return self._log.access_to_rows(
            access_log,
            access,
            event,
            result.stats.taken_at,
            list_id=(result.view, query.at),
            filter=(*query.terms, *([] if query.at is None else [query.at])),
            reader_ids=result.reader_ids,
        )

    def _completed(self, stats: LiveStats) -> LiveStats:
        """Return the figures with those that depend on earlier snapshots."""
        return replace(
            stats,
            peak=self._peak_of(stats),
            arrivals=self._arrivals,
            unseen=frozenset(self.attention.unseen),
            muted=self.attention.muted,
        )

    def _peak_of(self, stats: LiveStats) -> OnlineCount | None:
        """Return the peak of the day, unless the peak is now: the highest number saved each minute,
        or shown in between."""
        current = OnlineCount(stats.taken_at, stats.online)
        peaks = [peak for peak in (self._peak, stats.peak, current) if peak is not None]
        today = midnight(stats.taken_at)
        self._peak = max(
            (peak for peak in peaks if peak.minute >= today), key=lambda peak: peak.readers
        )
        return self._peak if self._peak.readers > stats.online else None

    def evaluate_attention_next(self) -> None:
        """Evaluate the rules of Attention with the next snapshot, because a case has changed."""
        self._attention_at = 0.0

    def items(
        self,
        db: Database,
        access: RowAccess,
        view: View,
        ids: Sequence[int],
        now: datetime,
        at: datetime | None,
    ) -> tuple[Item, ...]:
        """Return items of a view at a time of the past, or now, with names masked if necessary."""
        of_view = self._queries[view].at(at)
        return self._masked(read_items(db, access, of_view, ids, at or now))

    def _masked(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        return masked(items, self._revealed) if self._mask else items

    def _refresh_attention(self, db: Database, access: ListAccess, now: datetime) -> None:
        """Evaluate the rules: for Attention each time, for the header at intervals."""
        if self.view is View.ATTENTION or uptime() >= self._attention_at:
            self.attention.refresh(db, access, now, self._arrivals)
            self._attention_at = uptime() + ATTENTION_SECONDS
