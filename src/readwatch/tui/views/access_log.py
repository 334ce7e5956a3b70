"""Access log: who looked at whose data; consultants see their own looks, admins everybody's."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from readwatch.domain.audit import Action
from readwatch.domain.users import User
from readwatch.store.engine.connections import Database
from readwatch.store.lists.access_log import FIELDS, LogRow, entry_order, entry_rows
from readwatch.store.lists.query import Found, Question
from readwatch.tui.format.cells import Row, Toned
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import activity_words, repeated_in_feed, time_in_feed
from readwatch.tui.views.spec import Listing, Sort

_TROUBLE = frozenset(map(str, (Action.FAILED_SIGN_IN, Action.LOCKED_OUT, Action.REFUSED_LOOK)))


def row(entry: LogRow, now: datetime) -> Row:
    """Return an entry's row, with how often it was repeated up to then."""
    what = activity_words(entry.action_type)
    return Row(
        entry.id,
        (
            time_in_feed(entry.created_at, now)
            if entry.times == 1
            else repeated_in_feed(entry.times, entry.begun_at, entry.created_at, now),
            entry.consultant_name,
            Toned(what, "warn") if entry.action_type in _TROUBLE else what,
            entry.full_name,
            entry.action_details,
        ),
        entry.reader_id,
    )


def listing_of(asker: User) -> Listing[LogRow]:
    """Return the list as it is for one who may see it by now."""
    return replace(
        LISTING,
        order=partial(entry_order, asker=asker),
        items=partial(entry_rows, asker=asker),
    )


def _nothing(_db: Database, _question: Question, _now: datetime) -> Found:
    return Found((), ())


def _no_rows(_db: Database, _ids: Sequence[int], _now: datetime) -> tuple[LogRow, ...]:
    return ()


# Nobody's: it is not known yet who asks, or an admin's look at it is not yet on record.
LISTING: Listing[LogRow] = Listing(
    columns=(
        Column("time", "When", width=15),
        Column("consultant", "Who", width=13, flex=2),
        Column("action", "What", width=21),
        Column("name", "Whom", width=13, flex=2),
        Column("details", "Details", width=16, flex=4, from_width=110),
    ),
    row=row,
    sorts=(Sort("time", descending=True, newest_first=True),),
    empty="no entries yet",
    order=_nothing,
    items=_no_rows,
    fields=FIELDS,
    pages="entries",
)
