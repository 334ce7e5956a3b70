"""The feed of activities, newest first; its pages are by id, never by time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from readwatch.domain.activities import MAX_METADATA_BYTES, RecordedActivity, canonical_json
from readwatch.domain.errors import invalid
from readwatch.domain.text import clean
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.audit.scope import (
    FEW_READERS,
    READERS_OF_CONSULTANT,
    Scope,
    number_of_readers,
    readers_inside,
)
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import MAX_ID
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, to_db_time
from readwatch.store.lists.filter_sql import (
    AgeField,
    DurationField,
    FilterableFields,
    GroupField,
    NumberField,
    TextField,
    WordField,
)
from readwatch.store.lists.query import (
    MAX_ROWS_SEARCHED,
    ListQuery,
    ResultIds,
    SortKey,
    order_by,
    result_ids,
    where_clause,
)

# An activity may have no title; the rollup of its content has the last one.
TITLE = """coalesce(
    nullif(a.content_title, ''),
    (
        SELECT c.content_title FROM reader_content_progress c
        WHERE c.user_id = a.user_id AND c.content_id = a.content_id
    )
)"""

# Metadata is shown only on the page of a reader, after the access is logged.
_SELECT = f"""
    SELECT
        a.id, a.user_id, u.full_name, a.activity_type, a.content_id, {TITLE} AS content_title,
        a.progress_percentage, a.duration_seconds, NULL AS metadata_json,
        a.occurred_at, a.created_at
    FROM reader_activities a JOIN users u ON u.id = a.user_id
"""
_ROWS = BulkStatement({"id": "bigint"}, f"{_SELECT} WHERE a.id IN (SELECT id FROM given)")
_LAST_ID = Statement("SELECT coalesce(max(id), 0) AS id FROM reader_activities WHERE id <= :until")
_LAST_ID_AT = Statement(
    """
    SELECT id FROM reader_activities WHERE created_at <= :at ORDER BY created_at DESC, id DESC
    LIMIT 1
    """
)
_NEWEST_ID_OUTSIDE = Statement(
    "SELECT id FROM reader_activities WHERE id > 0 ORDER BY id DESC LIMIT 1 OFFSET :most"
)

# The activities of few readers come from the index of each. Of one reader so many are searched that
# those of all are `MAX_ROWS_SEARCHED`. What is older than the oldest of these is left out for all
# of them, because there would be gaps, unless it is among the last `MAX_ROWS_SEARCHED` of all.
_OF_ALL = "reader_activities a WHERE a.id > :after AND a.id <= :until"
_READERS = f"(SELECT DISTINCT user_id FROM ({READERS_OF_CONSULTANT}) AS of_groups) AS r"
_OF_FEW = f"""
    {_READERS} CROSS JOIN reader_activities a
    WHERE a.user_id = r.user_id AND a.id > :after AND a.id <= :until
"""
_OF_MANY = f"""
    (
        SELECT * FROM reader_activities WHERE id > 0 AND id <= :until
        ORDER BY id DESC LIMIT :searched
    ) AS a WHERE a.user_id IN ({READERS_OF_CONSULTANT}) AND a.id > :after
"""
_NEWEST_ID_OUTSIDE_OF_FEW = Statement(
    f"""
    SELECT max(id) AS id FROM (
        SELECT (
            SELECT a.id FROM reader_activities a WHERE a.user_id = r.user_id AND a.id <= :until
            ORDER BY a.id DESC LIMIT 1 OFFSET :most
        ) AS id FROM {_READERS}
    ) AS outside
    """
)
_SORTS = {
    "created_at": SortKey("a.id", has_nulls=False),
    "full_name": SortKey("lower(u.full_name)", has_nulls=False),
    "activity_type": SortKey("lower(a.activity_type)", has_nulls=False),
    "content_title": SortKey(f"nullif(lower({TITLE}), '')"),
    "progress_percentage": SortKey("a.progress_percentage"),
    "duration_seconds": SortKey("a.duration_seconds"),
}
FILTERABLE_FIELDS = FilterableFields(
    {
        "created_at": AgeField("a.created_at"),
        "full_name": TextField("u.full_name"),
        "group": GroupField("u.id"),
        "activity_type": WordField("a.activity_type"),
        "content_title": TextField(TITLE),
        "progress_percentage": NumberField("a.progress_percentage"),
        "duration_seconds": DurationField("a.duration_seconds"),
    },
    ("u.full_name", TITLE, "a.activity_type"),
    reader_id=None,
)


def feed_page(db: Database, access: ListAccess, *, after: int | None, length: int) -> ResultIds:
    """Return the ids of the activities that arrived after the one with the id `after`, or the
    latest without it, in the order of their arrival.

    The feed goes back `MAX_ROWS_SEARCHED` activities; an id further back is an `invalid` error,
    because the page would leave out activities.
    """
    searched = _searched(db, access.scope)
    if after is None:
        rows = _ids(db, searched, "DESC", searched.after, length)[::-1]
    else:
        _require_recent(db, searched, after)
        rows = _ids(db, searched, "ASC", after, length)
    return ResultIds(tuple(id for id, _ in rows), tuple(reader_id for _, reader_id in rows))


def last_activity_id(db: Database, at: datetime) -> int:
    """Return the id of the last activity that had arrived at a time; 0 if there is none."""
    row = _LAST_ID_AT.one_or_none(db, at=to_db_time(at))
    return 0 if row is None else row.id


def activity_ids(db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
    """Return the ids of the newest matching activities, in order, at most `query.length`.

    A filter searches only the last `MAX_ROWS_SEARCHED` activities; older ones are on readers'
    pages.
    """
    return _matching(db, access, query, now, _searched(db, access.scope))


def past_activity_ids(
    db: Database, access: ListAccess, query: ListQuery, at: datetime
) -> ResultIds:
    """Return the same at a time of the past: the activities that had arrived then."""
    searched = _searched(db, access.scope, until=last_activity_id(db, at))
    return _matching(db, access, query, at, searched)


def _matching(
    db: Database, access: ListAccess, query: ListQuery, now: datetime, searched: "_Searched"
) -> ResultIds:
    if query.sort == "created_at" and query.descending and not query.terms:
        return result_ids(_ids(db, searched, "DESC", searched.after, query.length), query)
    where = where_clause(db, access, query, FILTERABLE_FIELDS, now)
    # The subquery limits the search: otherwise PostgreSQL would read the whole history.
    statement = Statement(
        f"""
        SELECT a.id, a.user_id FROM (
            SELECT
                a.id, a.user_id, a.activity_type, a.content_id, a.content_title,
                a.progress_percentage, a.duration_seconds, a.created_at
            FROM {searched.source} ORDER BY {searched.key} DESC LIMIT :max_rows
        ) a JOIN users u ON u.id = a.user_id
        WHERE {where.sql}
        ORDER BY {order_by(_SORTS, query)}, a.id DESC LIMIT :length
        """
    )
    rows = statement(
        db,
        after=searched.after,
        until=searched.until,
        searched=MAX_ROWS_SEARCHED,
        max_rows=MAX_ROWS_SEARCHED if query.terms else query.length,
        length=query.length,
        **where.values,
    )
    return result_ids(rows, query)


@dataclass(frozen=True, slots=True)
class _Searched:
    """The activities that a list can contain: SQL, the id of the newest one outside, 0 if the order
    of the list limits the search, and the id of the newest one inside."""

    scope: Scope
    source: str
    key: str
    after: int
    until: int


def _ids(
    db: Database, searched: _Searched, order: Literal["ASC", "DESC"], after: int, length: int
) -> list[tuple[int, int]]:
    """Return the ids of activities and of their readers."""
    statement = Statement(
        f"SELECT a.id, a.user_id FROM {searched.source} ORDER BY a.id {order} LIMIT :length"
    )
    rows = statement(
        db,
        after=after,
        until=searched.until,
        length=length,
        searched=MAX_ROWS_SEARCHED,
        **searched.scope.values,
    )
    return [(id, reader_id) for id, reader_id in rows]


def _searched(db: Database, scope: Scope, *, until: int = MAX_ID) -> _Searched:
    if not scope.is_limited:
        return _Searched(scope, _OF_ALL, "a.id", 0, until)
    readers = number_of_readers(db, scope)
    if readers > FEW_READERS:
        return _Searched(scope, _OF_MANY, "a.id", 0, until)
    most = MAX_ROWS_SEARCHED // max(readers, 1)
    outside = _NEWEST_ID_OUTSIDE_OF_FEW.scalar(db, most=most, until=until, **scope.values) or 0
    after = min(outside, max(0, _LAST_ID.scalar(db, until=until) - MAX_ROWS_SEARCHED))
    # The sum keeps PostgreSQL from reading all activities in the order of their ids until it has
    # enough of these readers, who may have none.
    return _Searched(scope, _OF_FEW, "a.id + 0", after, until)


def _require_recent(db: Database, searched: _Searched, after: int) -> None:
    """Raise `invalid` if activities after an id are further back than the feed goes."""
    oldest = searched.after
    if (
        searched.source is not _OF_FEW
        and after < _LAST_ID.scalar(db, until=MAX_ID) - MAX_ROWS_SEARCHED
    ):
        # Otherwise there are no more activities than ids.
        outside = _NEWEST_ID_OUTSIDE.one_or_none(db, most=MAX_ROWS_SEARCHED)
        oldest = outside.id if outside else 0
    if after < oldest:
        reach = "to there" if searched.scope.is_limited else f"{MAX_ROWS_SEARCHED:,} activities"
        raise invalid(
            f"the feed goes back {reach}: use {oldest} or a later id; older activities are in the "
            "list of each reader",
            field="after",
        )


def activity_rows(
    db: Database, access: RowAccess, ids: Sequence[int], _now: datetime
) -> tuple[RecordedActivity, ...]:
    """Return the activities with these ids, of readers whom the user may see."""
    rows = _ROWS.all(db, [(id,) for id in ids])
    inside = readers_inside(db, access.scope, {row.user_id for row in rows})
    return tuple(recorded(row) for row in rows if row.user_id in inside)


def recorded(row: Any) -> RecordedActivity:
    """Return the record of one activity from a row with its columns."""
    metadata = row.metadata_json
    if isinstance(metadata, dict):  # parsed already by PostgreSQL's driver
        metadata = canonical_json(metadata)
    return RecordedActivity(
        id=row.id,
        user_id=row.user_id,
        full_name=clean(row.full_name),
        activity_type=clean(row.activity_type),
        content_id=clean(row.content_id),
        content_title=clean(row.content_title),
        progress_percentage=row.progress_percentage,
        duration_seconds=row.duration_seconds,
        metadata_json=clean(metadata, limit=MAX_METADATA_BYTES),
        occurred_at=from_db_time(row.occurred_at),
        created_at=from_db_time(row.created_at),
    )
