"""The feed of activities, newest first; its pages are by id, never by time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from readwatch.domain.activities import MAX_METADATA_BYTES, RecordedActivity, canonical_json
from readwatch.domain.errors import invalid
from readwatch.domain.text import clean
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time
from readwatch.store.lists.filter_sql import (
    AgeField,
    DurationField,
    FilterableFields,
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
_NEWEST_IDS = Statement(
    "SELECT id, user_id FROM reader_activities WHERE id > 0 ORDER BY id DESC LIMIT :length"
)
_IDS_AFTER = Statement(
    "SELECT id, user_id FROM reader_activities WHERE id > :after ORDER BY id LIMIT :length"
)
_LAST_ID = Statement("SELECT coalesce(max(id), 0) AS id FROM reader_activities")
_NEWEST_ID_OUTSIDE = Statement(
    "SELECT id FROM reader_activities WHERE id > 0 ORDER BY id DESC LIMIT 1 OFFSET :rows"
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
        "activity_type": WordField("a.activity_type"),
        "content_title": TextField(TITLE),
        "progress_percentage": NumberField("a.progress_percentage"),
        "duration_seconds": DurationField("a.duration_seconds"),
    },
    ("u.full_name", TITLE, "a.activity_type"),
)


def feed_page(db: Database, _access: ListAccess, *, after: int | None, length: int) -> ResultIds:
    """Return the ids of the activities that arrived after the one with the id `after`, or the
    latest without it, in the order of their arrival.

    The feed goes back `MAX_ROWS_SEARCHED` activities; an id further back is an `invalid` error,
    because the page would leave out activities.
    """
    if after is None:
        rows = _NEWEST_IDS.all(db, length=length)[::-1]
    else:
        _require_recent(db, after)
        rows = _IDS_AFTER.all(db, after=after, length=length)
    return ResultIds(tuple(row.id for row in rows), tuple(row.user_id for row in rows))


def _require_recent(db: Database, after: int) -> None:
    """Raise `invalid` if more than `MAX_ROWS_SEARCHED` activities arrived after an id."""
    last_id: int = _LAST_ID.scalar(db)
    if after >= last_id - MAX_ROWS_SEARCHED:
        return  # there are no more activities than ids
    outside = _NEWEST_ID_OUTSIDE.one_or_none(db, rows=MAX_ROWS_SEARCHED)
    if outside is not None and after < outside.id:
        raise invalid(
            f"the feed goes back {MAX_ROWS_SEARCHED:,} activities: use {outside.id} or a later id;"
            " older activities are in the list of each reader",
            field="after",
        )


def activity_ids(db: Database, _access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
    """Return the ids of the newest matching activities, in order, at most `query.length`.

    A filter searches only the last `MAX_ROWS_SEARCHED` activities; older ones are on readers'
    pages.
    """
    if query.sort == "created_at" and query.descending and not query.terms:
        rows = _NEWEST_IDS(db, length=query.length)
    else:
        where = where_clause(db, query, FILTERABLE_FIELDS, now)
        # The subquery limits the search: otherwise PostgreSQL would read the whole history.
        statement = Statement(
            f"""
            SELECT a.id, a.user_id FROM (
                SELECT
                    id, user_id, activity_type, content_id, content_title,
                    progress_percentage, duration_seconds, created_at
                FROM reader_activities WHERE id > 0 ORDER BY id DESC LIMIT :max_rows
            ) a JOIN users u ON u.id = a.user_id
            WHERE {where.sql}
            ORDER BY {order_by(_SORTS, query)}, a.id DESC LIMIT :length
            """
        )
        max_rows = MAX_ROWS_SEARCHED if query.terms else query.length
        rows = statement(db, max_rows=max_rows, length=query.length, **where.values)
    return result_ids(rows, query)


def activity_rows(
    db: Database, _access: RowAccess, ids: Sequence[int], _now: datetime
) -> tuple[RecordedActivity, ...]:
    """Return the activities with these ids."""
    return tuple(recorded(row) for row in _ROWS.all(db, [(id,) for id in ids]))


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
