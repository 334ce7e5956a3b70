"""The readers who were online at a time of the past, as their sessions tell.

Heartbeats are not kept, only the last one of each session. So a reader who fell silent in the
middle of a session is listed as if heartbeats had come; what happened after that time is unknown to
these lists.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from readwatch.domain.presence import ONLINE_WINDOW
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import to_db_time
from readwatch.store.identity.users import ACTIVE_READER
from readwatch.store.lists.feed import last_activity_id
from readwatch.store.lists.last_read_sql import PROGRESS, TITLE
from readwatch.store.lists.online import FILTERABLE_FIELDS, SORTS, TracedReader, traced_readers
from readwatch.store.lists.presence_sql import presence_parameters
from readwatch.store.lists.query import (
    ListQuery,
    ResultIds,
    order_by,
    reader_ids_of,
    where_clause,
)

LONGEST_SESSION = timedelta(days=1)
"""A session that began earlier is not found: the search must not grow with history."""

# As in the list of now, the session with the latest heartbeat counts. `p` and `c` have the columns
# of their tables that a list of who is online now uses, with what was known at the time.
_PAST = """
    alive AS (
        SELECT
            id, user_id, device_type, started_at,
            CASE WHEN last_heartbeat < :at THEN last_heartbeat ELSE :at END AS last_heartbeat,
            max(started_at) OVER (PARTITION BY user_id) AS last_login
        FROM reader_sessions
        WHERE started_at > :earliest AND started_at <= :at AND last_heartbeat > :since
        AND (ended_at IS NULL OR ended_at > :at)
    ),
    sessions AS (
        SELECT
            alive.*,
            row_number() OVER (PARTITION BY user_id ORDER BY last_heartbeat DESC, id DESC) AS rank
        FROM alive
    ),
    s AS (
        SELECT
            sessions.*,
            (
                SELECT a.id FROM reader_activities a
                WHERE a.user_id = sessions.user_id AND a.id <= :last_id ORDER BY a.id DESC LIMIT 1
            ) AS last_activity_id
        FROM sessions WHERE rank = 1
    ),
    p AS (
        SELECT
            s.user_id, s.last_login, s.last_activity_id, r.reading_level,
            a.occurred_at AS last_activity_at
        FROM s JOIN reader_profiles r ON r.user_id = s.user_id
        LEFT JOIN reader_activities a ON a.id = s.last_activity_id
    )
"""
_JOINS = """
    FROM s JOIN users u ON u.id = s.user_id LEFT JOIN p ON p.user_id = u.id
    LEFT JOIN reader_activities a ON a.id = p.last_activity_id
    LEFT JOIN (
        SELECT user_id, content_id, content_title, CAST(NULL AS INTEGER) AS progress_percentage
        FROM reader_content_progress
    ) c ON c.user_id = a.user_id AND c.content_id = a.content_id
"""
_ROWS = BulkStatement(
    {"id": "bigint"},
    f"""
    WITH {_PAST}
    SELECT
        u.id AS user_id, s.id AS session_id, u.full_name, s.device_type, p.reading_level,
        s.started_at, s.last_heartbeat, p.last_login, p.last_activity_at, a.activity_type,
        {TITLE} AS content_title, {PROGRESS} AS progress_percentage
    {_JOINS} WHERE {ACTIVE_READER} AND +u.id IN (SELECT id FROM given)
    """,  # noqa: S608 - our own text
)


def past_online_ids(db: Database, access: ListAccess, query: ListQuery, at: datetime) -> ResultIds:
    """Return the ids of the matching readers who were online at a time, in order."""
    where = where_clause(db, access, query, FILTERABLE_FIELDS, at)
    statement = Statement(
        f"""
        WITH {_PAST} SELECT u.id {_JOINS}
        WHERE {ACTIVE_READER} AND ({where.sql})
        ORDER BY {order_by(SORTS, query)}, lower(u.full_name), u.id
        """
    )
    values = {**presence_parameters(at), **where.values}
    return reader_ids_of(statement(db, last_id=last_activity_id(db, at), **_times(at), **values))


def past_online_rows(
    db: Database, access: RowAccess, ids: Sequence[int], at: datetime
) -> tuple[TracedReader, ...]:
    """Return the rows of the readers with these ids who were online at a time."""
    last_id = last_activity_id(db, at)
    values = {**_times(at), "last_id": last_id}
    return traced_readers(
        db, access, ids, at, lambda inside: _ROWS.all(db, inside, **values), last_id=last_id
    )


def _times(at: datetime) -> dict[str, object]:
    return {
        "at": to_db_time(at),
        "since": to_db_time(at - ONLINE_WINDOW),
        "earliest": to_db_time(at - LONGEST_SESSION),
    }
