"""The feed of activities, newest first; it is paged by id, never by a time."""

from collections.abc import Sequence
from datetime import datetime

from readwatch.domain.activities import MAX_METADATA_BYTES, RecordedActivity, canonical_json
from readwatch.domain.text import clean
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database, Statement, from_db_time
from readwatch.store.lists.filter_sql import FilterableFields, Number, Seconds, Since, Text, Word
from readwatch.store.lists.query import (
    MAX_ROWS_SEARCHED,
    ListQuery,
    ResultIds,
    order_by,
    where_clause,
)

FEED_LENGTH = 200

# What an app adds in metadata is shown on the reader's own page, after the look is on record.
_SELECT = """
    SELECT
        a.id, a.user_id, u.full_name, a.activity_type, a.content_id, a.content_title,
        a.progress_percentage, a.duration_seconds, NULL, a.occurred_at, a.created_at
    FROM reader_activities a JOIN users u ON u.id = a.user_id
"""
_FEED = Statement(f"{_SELECT} WHERE a.id > 0 ORDER BY a.id DESC LIMIT :length")
_FEED_AFTER = Statement(f"{_SELECT} WHERE a.id > :after ORDER BY a.id LIMIT :length")
_ROWS = BulkStatement(
    {"id": "bigint"}, f"{_SELECT} WHERE a.id IN (SELECT id FROM {{rows}} AS wanted)"
)
_NEWEST_IDS = Statement(
    "SELECT id, user_id FROM reader_activities WHERE id > 0 ORDER BY id DESC LIMIT :length"
)
# First the newest, then what is asked of them: PostgreSQL would else go through all of history.
_IDS_SQL = """
    SELECT a.id, a.user_id FROM (
        SELECT
            id, user_id, activity_type, content_title, progress_percentage, duration_seconds,
            created_at
        FROM reader_activities WHERE id > 0 ORDER BY id DESC LIMIT :through
    ) a JOIN users u ON u.id = a.user_id
    WHERE {condition}
    ORDER BY {key}, a.id DESC LIMIT :length
"""
_SORTS = {
    "created_at": "a.id {up}",
    "full_name": "lower(u.full_name) {up}",
    "activity_type": "lower(a.activity_type) {up}",
    "content_title": "nullif(lower(a.content_title), '') {up} NULLS LAST",
    "progress_percentage": "a.progress_percentage {up} NULLS LAST",
    "duration_seconds": "a.duration_seconds {up} NULLS LAST",
}
FILTERABLE_FIELDS = FilterableFields(
    {
        "created_at": Since("a.created_at"),
        "full_name": Text("u.full_name"),
        "activity_type": Word("a.activity_type"),
        "content_title": Text("a.content_title"),
        "progress_percentage": Number("a.progress_percentage"),
        "duration_seconds": Seconds("a.duration_seconds"),
    },
    ("u.full_name", "a.content_title", "a.activity_type"),
)


def activity_feed(db: Database, *, length: int = FEED_LENGTH) -> tuple[RecordedActivity, ...]:
    """Return the activities that arrived last, newest first."""
    return tuple(recorded(row) for row in _FEED(db, length=length))


def activities_after(db: Database, after: int, *, length: int) -> tuple[RecordedActivity, ...]:
    """Return the activities that arrived after the one with the id `after`, oldest first."""
    return tuple(recorded(row) for row in _FEED_AFTER(db, after=after, length=length))


def activity_ids(db: Database, query: ListQuery, now: datetime) -> ResultIds:
    """Return the newest activities that are wanted, in order, `length` at the most.

    A filter looks through the last `LOOKED_THROUGH` only: older ones are on their readers' pages.
    """
    if query.sort == "created_at" and query.descending and not query.terms:
        rows = _NEWEST_IDS(db, length=query.length)
    else:
        where = where_clause(db, query, FILTERABLE_FIELDS, now)
        statement = Statement(_IDS_SQL.format(condition=where.sql, key=order_by(_SORTS, query)))
        max_rows = MAX_ROWS_SEARCHED if query.terms else query.length
        rows = statement(db, through=max_rows, length=query.length, **where.values)
    ids = tuple(rows)
    return ResultIds(
        tuple(id for id, _ in ids),
        tuple(reader_id for _, reader_id in ids),
        has_older=len(ids) == query.length,
    )


def activity_rows(db: Database, ids: Sequence[int], _now: datetime) -> tuple[RecordedActivity, ...]:
    """Return the activities with these ids."""
    return tuple(recorded(row) for row in _ROWS(db, [(id,) for id in ids]))


def recorded(row: tuple) -> RecordedActivity:  # type: ignore[type-arg]
    """Make the record of one activity from a row of the feed's columns."""
    return RecordedActivity(
        id=row[0],
        user_id=row[1],
        full_name=clean(row[2]),
        activity_type=clean(row[3]),
        content_id=clean(row[4]),
        content_title=clean(row[5]),
        progress_percentage=row[6],
        duration_seconds=row[7],
        # PostgreSQL's driver has parsed it.
        metadata_json=clean(
            canonical_json(row[8]) if isinstance(row[8], dict) else row[8], limit=MAX_METADATA_BYTES
        ),
        occurred_at=from_db_time(row[9]),
        created_at=from_db_time(row[10]),
    )
