"""Access log: who accessed whose data; consultants see their own entries, admins all."""

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from readwatch.domain.audit import AuditAction
from readwatch.monitor.snapshots import View
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.store.lists.access_log import AccessLogRow
from readwatch.tui.format.cells import Row, TonedText
from readwatch.tui.format.columns import Column
from readwatch.tui.format.preview import facts, title
from readwatch.tui.format.text import day_and_time, repeated_in_feed, time_in_feed, type_in_words
from readwatch.tui.views.spec import ViewSpec

_WARNINGS = frozenset(
    map(str, (AuditAction.FAILED_LOGIN, AuditAction.LOCKED_OUT, AuditAction.REFUSED_ACCESS))
)


def row(entry: AccessLogRow, now: datetime) -> Row:
    """Return the row of an entry, with the number of repeats."""
    action = type_in_words(entry.action_type)
    return Row(
        entry.id,
        (
            time_in_feed(entry.created_at, now)
            if entry.repeats == 1
            else repeated_in_feed(entry.repeats, entry.first_created_at, entry.created_at, now),
            entry.consultant_name,
            TonedText(action, "warn") if entry.action_type in _WARNINGS else action,
            entry.full_name,
            entry.action_details,
        ),
        entry.reader_id,
    )


def preview(entry: AccessLogRow, _now: datetime) -> Iterator[Content]:
    """Yield the lines about an entry, or about the first and the last of several."""
    yield title(type_in_words(entry.action_type))
    yield facts(f"by {entry.consultant_name}")
    if entry.full_name:
        yield facts(f"about {entry.full_name}")
    yield Content("")
    if entry.repeats == 1:
        yield facts(f"at {day_and_time(entry.created_at)}")
    else:
        yield facts(f"{entry.repeats} times from {day_and_time(entry.first_created_at)}")
        yield facts(f"to {day_and_time(entry.created_at)}")
    yield Content("")
    yield facts(entry.action_details)


SPEC: ViewSpec[AccessLogRow] = ViewSpec(
    options=VIEW_OPTIONS[View.ACCESS_LOG],
    columns=(
        Column("created_at", "When", width=15),
        Column("consultant_name", "Who", width=13, flex=2),
        Column("action_type", "What", width=21),
        Column("full_name", "Whom", width=13, flex=2),
        Column("action_details", "Details", width=16, flex=4, from_width=110),
    ),
    row=row,
    empty="no entries yet",
    preview=preview,
)
