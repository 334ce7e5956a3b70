"""Access log: who looked at whose data; consultants see their own looks, admins everybody's."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from readwatch.domain.audit import AuditAction
from readwatch.domain.users import User
from readwatch.store.engine.connections import Database
from readwatch.store.lists.access_log import FIELDS, AccessLogRow, access_log_ids, access_log_rows
from readwatch.store.lists.query import ListQuery, ResultIds
from readwatch.tui.format.cells import Row, Toned
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import activity_words, repeated_in_feed, time_in_feed
from readwatch.tui.views.spec import Sort, ViewSpec

_TROUBLE = frozenset(
    map(str, (AuditAction.FAILED_SIGN_IN, AuditAction.LOCKED_OUT, AuditAction.REFUSED_LOOK))
)


def row(entry: AccessLogRow, now: datetime) -> Row:
    """Return an entry's row, with how often it was repeated up to then."""
    what = activity_words(entry.action_type)
    return Row(
        entry.id,
        (
            time_in_feed(entry.created_at, now)
            if entry.repeats == 1
            else repeated_in_feed(entry.repeats, entry.first_created_at, entry.created_at, now),
            entry.consultant_name,
            Toned(what, "warn") if entry.action_type in _TROUBLE else what,
            entry.full_name,
            entry.action_details,
        ),
        entry.reader_id,
    )


def listing_of(asker: User) -> ViewSpec[AccessLogRow]:
    """Return the list as it is for one who may see it by now."""
    return replace(
        LISTING,
        order=partial(access_log_ids, asker=asker),
        items=partial(access_log_rows, asker=asker),
    )


def _nothing(_db: Database, _question: ListQuery, _now: datetime) -> ResultIds:
    return ResultIds((), ())


def _no_rows(_db: Database, _ids: Sequence[int], _now: datetime) -> tuple[AccessLogRow, ...]:
    return ()


# Nobody's: it is not known yet who asks, or an admin's look at it is not yet on record.
LISTING: ViewSpec[AccessLogRow] = ViewSpec(
    columns=(
        Column("created_at", "When", width=15),
        Column("consultant_name", "Who", width=13, flex=2),
        Column("action_type", "What", width=21),
        Column("full_name", "Whom", width=13, flex=2),
        Column("action_details", "Details", width=16, flex=4, from_width=110),
    ),
    row=row,
    sorts=(Sort("created_at", descending=True, newest_first=True),),
    empty="no entries yet",
    order=_nothing,
    items=_no_rows,
    fields=FIELDS,
    pages="entries",
)
