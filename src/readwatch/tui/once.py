"""One screen, once: as text or as JSON, for scripts and screen readers."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import Clock, system_clock
from readwatch.domain.filters import filter_size
from readwatch.monitor.attention import Attention
from readwatch.monitor.build import read_items, view_order
from readwatch.monitor.login import authenticated, terminal_address
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import View, ViewSnapshot, masked
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, close_all, connection, read_snapshot
from readwatch.store.engine.privileges import Role
from readwatch.store.lists.query import FIRST_PAGE
from readwatch.tui.format.plain import overview_lines, pulse_line
from readwatch.tui.format.text import Drawable
from readwatch.tui.terminal.driver import draws_ascii_only
from readwatch.tui.views import VIEW_SPECS, view_specs
from readwatch.tui.views.options import option_texts, parse_options


def look_once(
    settings: ConsoleSettings,
    password: Callable[[], str],
    *,
    rows: int,
    width: int,
    encoding: str,
    as_json: bool,
    clock: Clock = system_clock,
) -> Iterator[str]:
    """Return the lines of one screen, once the sign-in and the export are on record.

    It has `rows` rows at the most; lines of text are up to `width` cells wide. `password` is called
    when what is asked for is understood. What cannot be asked or answered is a `ReadwatchError`; a
    statement that the database refuses is peewee's `DatabaseError`.
    """
    view, question = parse_options(
        settings.view, settings.filter, settings.sort, masked=settings.mask
    )
    question = replace(question, length=max(FIRST_PAGE, rows))
    url = settings.database_url
    user = authenticated(url, settings.email or "", password(), clock(), AuditAction.LOGGED_IN)
    # The log's connection can write, so it makes the files that a read-only one needs.
    with _opened(url, Role.ACCESS_LOG) as log, _opened(url, Role.CONSOLE) as db:
        now, attention = clock(), Attention(settings.thresholds)
        listings = view_specs(attention, user)
        access = audit_log.list_access(db, user.id)
        with read_snapshot(db):
            if view is View.ATTENTION:
                attention.refresh(db, now)
            overview = view_order(db, view, now, question, listings)
            ids = overview.order.ids[:rows]
            details = (
                f"console, from {view.words}{filter_size(question.terms)}, "
                f"{'json' if as_json else 'text'}, rows {len(ids)}"
            )
            look = AuditEvent(user.id, AuditAction.EXPORTED_VIEW, None, details, terminal_address())
            # Committed before what the ids stand for is read.
            audit_log.log_list_access(log, access, look, now)
            overview = replace(overview, items=read_items(db, listings[view], ids, now))
    if settings.mask:
        overview = replace(overview, items=masked(overview.items, frozenset()))
    if as_json:
        return _json_lines(overview, rows, is_ascii=settings.ascii or encoding != "utf-8")
    is_ascii = settings.ascii or draws_ascii_only(encoding, os.environ)
    marks = Drawable(encoding, ascii=is_ascii)
    return (line.translate(marks) for line in _text_lines(overview, rows, width))


@contextmanager
def _opened(url: str, role: Role) -> Iterator[Database]:
    db = migrations.open_current(url, role)
    try:
        with connection(db):
            yield db
    finally:
        close_all(db)


def _text_lines(overview: ViewSnapshot, rows: int, width: int) -> Iterator[str]:
    words, sort = option_texts(overview.query)
    yield pulse_line(overview.stats)
    yield f"{overview.view}, sorted by {sort}{f', filter {words}' if words else ''}"
    yield from overview_lines(overview, width=width, height=rows, in_words=True)


def _json_lines(overview: ViewSnapshot, rows: int, *, is_ascii: bool) -> Iterator[str]:
    pulse, listing = overview.stats, VIEW_SPECS[overview.view]
    words, sort = option_texts(overview.query)
    known = dict(
        zip(
            (row.key for row in listing.rows(overview.items, pulse.taken_at)),
            overview.items,
            strict=True,
        )
    )
    shown = [known[id] for id in overview.order.ids[:rows] if id in known]
    told = {
        "view": overview.view,
        "filter": words,
        "sort": sort,
        "taken_at": pulse.taken_at,
        "online": pulse.online,
        "peak_online": pulse.online if pulse.peak is None else pulse.peak.readers,
        "activities_a_minute": pulse.activities_a_minute,
        "count": None if overview.has_older else len(overview.order.ids),
        "rows": [listing.record(item, pulse.taken_at) for item in shown],
    }
    yield json.dumps(told, indent=2, ensure_ascii=is_ascii, default=datetime.isoformat)
