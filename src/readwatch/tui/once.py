"""One view as text or JSON, printed once, for scripts and screen readers."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from readwatch.domain.arrivals import NO_ARRIVALS, arrivals_after
from readwatch.domain.audit import AuditAction, few_readers
from readwatch.domain.clock import Clock, rfc3339, system_clock
from readwatch.monitor.attention import Attention
from readwatch.monitor.build import read_items, snapshot_without_items
from readwatch.monitor.groups import Groups
from readwatch.monitor.login import authenticated, console_event
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import View, ViewSnapshot, list_for_log, masked
from readwatch.monitor.views import view_queries
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, close_all, connection, read_snapshot
from readwatch.store.engine.database import EngineSettings
from readwatch.store.engine.privileges import Role
from readwatch.store.lists.query import FIRST_PAGE, ListQuery
from readwatch.store.totals import heartbeats
from readwatch.tui.format.plain import snapshot_lines, stats_line
from readwatch.tui.format.text import DrawableCharacters
from readwatch.tui.terminal.driver import draws_ascii_only
from readwatch.tui.views import VIEW_SPECS
from readwatch.tui.views.options import option_texts, parse_options


def print_once(
    settings: ConsoleSettings,
    password: Callable[[], str],
    *,
    rows: int,
    width: int,
    encoding: str,
    as_json: bool,
    clock: Clock = system_clock,
) -> Iterator[str]:
    """Return the lines of one view, after the login and the export are logged.

    The result has at most `rows` rows; lines of text have at most `width` cells. `password` is
    called after the settings are checked. Invalid settings and a refused login raise
    `ReadwatchError`; a statement that the database refuses raises Peewee's `DatabaseError`.
    """
    view, query = parse_options(settings, clock())
    query = replace(query, length=max(FIRST_PAGE, rows))
    user = authenticated(
        settings,
        settings.email or "",
        password(),
        clock(),
        AuditAction.LOGGED_IN,
    )
    form = "json" if as_json else "text"
    snapshot = _read(settings, user.id, view, query, clock(), rows=rows, form=form)
    if settings.mask:
        snapshot = replace(snapshot, items=masked(snapshot.items, frozenset()))
    if as_json:
        return _json_lines(snapshot, rows, is_ascii=settings.ascii or encoding != "utf-8")
    is_ascii = settings.ascii or draws_ascii_only(encoding, os.environ)
    drawable = DrawableCharacters(encoding, ascii=is_ascii)
    return (line.translate(drawable) for line in _text_lines(snapshot, rows, width))


def _read(
    settings: ConsoleSettings,
    user_id: int,
    view: View,
    query: ListQuery,
    now: datetime,
    *,
    rows: int,
    form: str,
) -> ViewSnapshot:
    """Return the snapshot of a view with the items of the first `rows`, after the print of them is
    logged as `form`."""
    url, engine, attention = settings.database_url, settings.engine, Attention(settings.thresholds)
    # The access log first: a read-only connection needs the WAL files of SQLite, which a connection
    # that can write creates.
    with (
        _connected(url, Role.ACCESS_LOG, engine.for_writes()) as log,
        _connected(url, Role.CONSOLE, engine) as db,
    ):
        queries = view_queries(attention, Groups(attention), with_access_log=True)
        access = audit_log.list_access(db, user_id)
        with read_snapshot(db):
            arrivals = arrivals_after(NO_ARRIVALS, heartbeats(db, now, NO_ARRIVALS), now)
            if view in {View.ONLINE, View.ATTENTION, View.GROUPS}:
                attention.refresh(db, access, now, arrivals)
            snapshot = snapshot_without_items(db, access, view, now, query, queries)
            stats = replace(snapshot.stats, arrivals=arrivals)
            ids = snapshot.order.ids[:rows]
            details = f"from {list_for_log(view, query)}, {form}, rows {len(ids)}"
            event = console_event(user_id, AuditAction.EXPORTED_VIEW, details)
            # The entries are committed before the items are read.
            logged = audit_log.log_rows(log, access, event, _readers_of(snapshot, rows), now)
            of_view = queries[view].at(query.at)
            items = read_items(db, logged, of_view, ids, snapshot.shown_at)
    return replace(snapshot, stats=stats, items=items)


def _readers_of(snapshot: ViewSnapshot, rows: int) -> tuple[int | None, ...]:
    """Return the readers of whom the print tells: those of its rows or, since the number of all
    rows is printed too, all whom a filter or a time leaves if they are few."""
    is_about_few = snapshot.query.is_narrowed and few_readers(snapshot.reader_ids)
    return snapshot.reader_ids if is_about_few else snapshot.reader_ids[:rows]


@contextmanager
def _connected(url: str, role: Role, engine: EngineSettings) -> Iterator[Database]:
    db = migrations.open_current(url, role, engine)
    try:
        with connection(db):
            yield db
    finally:
        close_all(db)


def _text_lines(snapshot: ViewSnapshot, rows: int, width: int) -> Iterator[str]:
    filter_text, sort = option_texts(snapshot.query)
    yield stats_line(snapshot.stats)
    yield f"{snapshot.view}, sorted by {sort}{f', filter {filter_text}' if filter_text else ''}"
    yield from snapshot_lines(snapshot, width=width, height=rows, in_words=True)


def _json_lines(snapshot: ViewSnapshot, rows: int, *, is_ascii: bool) -> Iterator[str]:
    stats = snapshot.stats
    filter_text, sort = option_texts(snapshot.query)
    document = {
        "view": snapshot.view,
        "filter": filter_text,
        "sort": sort,
        "at": snapshot.query.at,
        "taken_at": stats.taken_at,
        "online": stats.online,
        "peak_online": stats.online if stats.peak is None else stats.peak.readers,
        "activities_a_minute": stats.activities_a_minute,
        "no_posts_since": None if stats.silence is None else stats.arrivals.last_post_at,
        "count": None if snapshot.has_older else len(snapshot.order.ids),
        "rows": _records(snapshot, rows),
    }
    yield json.dumps(document, indent=2, ensure_ascii=is_ascii, default=rfc3339)


def _records(snapshot: ViewSnapshot, rows: int) -> list[Mapping[str, object]]:
    """Return the first items in the order of the view, without items that no longer exist."""
    spec, now = VIEW_SPECS[snapshot.view], snapshot.shown_at
    keys = (row.key for row in spec.rows(snapshot.items, now))
    items = dict(zip(keys, snapshot.items, strict=True))
    ids = (id for id in snapshot.order.ids[:rows] if id in items)
    return [spec.options.json_fields(items[id], now) for id in ids]
