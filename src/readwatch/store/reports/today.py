"""The day at a glance: totals of the day, the latest activities and readers' progress."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.activities import RecordedActivity
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import to_db_time
from readwatch.store.lists.feed import activity_rows
from readwatch.store.lists.query import ListQuery, ResultIds
from readwatch.store.lists.readers import ReaderSummary, reader_rows
from readwatch.store.lists.readers import reader_ids as ids_of_readers
from readwatch.store.reports.exports import first_activity_since

RECENT = timedelta(minutes=30)
"""The age up to which an activity is recent."""

_TODAY = Statement(
    """
    SELECT
        count(DISTINCT user_id) AS readers, count(*) AS activities,
        coalesce(sum(duration_seconds), 0) AS seconds
    FROM reader_activities WHERE id >= :first AND occurred_at >= :midnight
    """
)
_RECENT = Statement(
    """
    SELECT id, user_id FROM reader_activities WHERE created_at > :since
    ORDER BY created_at DESC, id DESC LIMIT :length
    """
)


@dataclass(frozen=True, slots=True)
class Today:
    """Totals of the activities that occurred since midnight."""

    readers: int
    activities: int
    seconds: int


def today(db: Database, _access: RowAccess, midnight: datetime) -> Today:
    """Return the totals since `midnight`."""
    row = _TODAY.one_or_none(
        db, first=first_activity_since(db, midnight), midnight=to_db_time(midnight)
    )
    return Today(row.readers, row.activities, int(row.seconds))


def recent_ids(db: Database, _access: ListAccess, now: datetime, length: int) -> ResultIds:
    """Return the ids of the activities that arrived in the last 30 minutes, newest first."""
    rows = _RECENT.all(db, since=to_db_time(now - RECENT), length=length)
    return ResultIds(tuple(row.id for row in rows), tuple(row.user_id for row in rows))


def recent_activities(
    db: Database, access: RowAccess, ids: ResultIds, now: datetime
) -> tuple[RecordedActivity, ...]:
    """Return the activities with these ids, in their order."""
    rows = {row.id: row for row in activity_rows(db, access, ids.ids, now)}
    return tuple(rows[id] for id in ids.ids if id in rows)


def progress_ids(db: Database, access: ListAccess, now: datetime, length: int) -> ResultIds:
    """Return the ids of the active readers who logged in last, the latest login first."""
    ids = ids_of_readers(db, access, ListQuery("last_login"), now).ids[:length]
    return ResultIds(ids, ids)


def progress(
    db: Database, access: RowAccess, ids: ResultIds, now: datetime
) -> tuple[ReaderSummary, ...]:
    """Return the progress of the readers with these ids, in their order."""
    rows = {row.user_id: row for row in reader_rows(db, access, ids.ids, now)}
    return tuple(rows[id] for id in ids.ids if id in rows)
