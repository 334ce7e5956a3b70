"""Who is online: how many, in which order, and what the rows of some of them show."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from readwatch.domain.presence import ONLINE_WINDOW, idle_since
from readwatch.domain.sessions import OnlineReader
from readwatch.domain.text import clean
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import (
    Database,
    Statement,
    from_db_time,
    from_db_time_or_none,
    to_db_time,
)
from readwatch.store.identity.users import ACTIVE_READER
from readwatch.store.lists.filter_sql import (
    FilterableFields,
    Number,
    PresenceWord,
    Since,
    Text,
    Word,
)
from readwatch.store.lists.last_read_sql import LAST_READ, PROGRESS, TITLE
from readwatch.store.lists.presence_sql import IDLE_SINCE, presence_parameters, presence_rank
from readwatch.store.lists.query import ListQuery, ResultIds, order_by, reader_ids_of, where_clause

TRACE_STEPS = 6
TRACE_STEP = timedelta(minutes=5)

_ONLINE_USER_IDS = (
    "SELECT user_id FROM reader_sessions WHERE is_active = TRUE AND last_heartbeat > :since"
)

_COUNT = Statement(
    f"SELECT count(*) FROM users u WHERE {ACTIVE_READER} AND u.id IN ({_ONLINE_USER_IDS})"
)

# Both are answered from two indexes alone: this is what most consoles ask, again and again.
_IDS_BY_NAME_SQL = f"""
    SELECT u.id FROM users u WHERE {ACTIVE_READER} AND u.id IN ({_ONLINE_USER_IDS})
    ORDER BY lower(u.full_name) {{up}}, u.id
"""
# Who is here on two devices has the session that was heard from last.
_IDS_SQL = f"""
    SELECT u.id FROM (
        SELECT
            user_id, device_type, started_at, last_heartbeat,
            row_number() OVER (PARTITION BY user_id ORDER BY last_heartbeat DESC, id DESC) AS place
        FROM reader_sessions WHERE is_active = TRUE AND last_heartbeat > :since
    ) s JOIN users u ON u.id = s.user_id {LAST_READ}
    WHERE s.place = 1 AND {ACTIVE_READER} AND ({{condition}})
    ORDER BY {{key}}, lower(u.full_name), u.id
"""
_SORTS = {
    "presence": f"{presence_rank('s.last_heartbeat')} {{up}}",
    "full_name": "lower(u.full_name) {up}",
    "content_title": f"nullif(lower({TITLE}), '') {{up}} NULLS LAST",
    "progress_percentage": f"{PROGRESS} {{up}} NULLS LAST",
    "activity_type": "nullif(a.activity_type, '') {up} NULLS LAST",
    # Shown as how long ago it was: the latest is the smallest.
    "idle_since": f"{IDLE_SINCE} {{down}} NULLS LAST",
    "started_at": "s.started_at {down}",
    "reading_level": "nullif(lower(p.reading_level), '') {up} NULLS LAST",
    "device_type": "nullif(lower(s.device_type), '') {up} NULLS LAST",
}
FILTERABLE_FIELDS = FilterableFields(
    {
        "presence": PresenceWord("s.last_heartbeat"),
        "full_name": Text("u.full_name"),
        "content_title": Text(TITLE),
        "progress_percentage": Number(PROGRESS),
        "activity_type": Word("a.activity_type"),
        "idle_since": Since(IDLE_SINCE),
        "started_at": Since("s.started_at"),
        "reading_level": Word("p.reading_level"),
        "device_type": Word("s.device_type"),
    },
    ("u.full_name", TITLE, "p.reading_level"),
)

_SELECT = f"""
    SELECT
        u.id, s.id, u.full_name, s.device_type, p.reading_level, s.started_at, s.last_heartbeat,
        p.last_login, p.last_activity_at, a.activity_type, {TITLE}, {PROGRESS}
    FROM reader_sessions s JOIN users u ON u.id = s.user_id {LAST_READ}
    WHERE s.is_active = TRUE AND s.last_heartbeat > :since AND {ACTIVE_READER}
"""
_ALL_ROWS = Statement(f"{_SELECT} ORDER BY s.last_heartbeat DESC, s.id DESC")
# The plus keeps both engines from going through all sessions that these readers ever had.
_ROWS = BulkStatement(
    {"id": "bigint"},
    f"{_SELECT} AND +s.user_id IN (SELECT id FROM {{rows}} AS wanted)"
    " ORDER BY s.last_heartbeat DESC, s.id DESC",
)
# Nothing occurs after it arrived, so that the index of a reader's activities by type finds what may
# have occurred lately: from one type to the next, and of each what is new; reader by reader and as
# one text, as PostgreSQL would else go through all that everybody did. A cross join, as SQLite
# would else go through all that these readers ever did.
_SINCE_EACH_STEP = " || ' ' || ".join(
    f"count(*) FILTER (WHERE a.occurred_at > :after_{step})" for step in range(TRACE_STEPS)
)
_TRACES = BulkStatement(
    {"id": "bigint"},
    f"""
    SELECT wanted.id, (
        WITH RECURSIVE types (name) AS (
            SELECT min(activity_type) FROM reader_activities
            WHERE user_id = wanted.id AND activity_type >= ''
            UNION ALL
            SELECT (
                SELECT min(activity_type) FROM reader_activities
                WHERE user_id = wanted.id AND activity_type > types.name
            ) FROM types WHERE types.name IS NOT NULL
        )
        SELECT {_SINCE_EACH_STEP} FROM types CROSS JOIN reader_activities a
        WHERE a.user_id = wanted.id
        AND a.activity_type = types.name AND a.created_at > :after_0
    ) FROM {{rows}} AS wanted
    """,
)


@dataclass(frozen=True, slots=True)
class TracedReader(OnlineReader):
    """A reader who is online, and how many activities occurred in each of the last `TRACE_STEPS`
    times `TRACE_STEP`, oldest first.
    """

    trace: tuple[int, ...]


def count_online(db: Database, now: datetime) -> int:
    """Return how many readers are online."""
    count: int = _COUNT(db, since=to_db_time(now - ONLINE_WINDOW)).fetchone()[0]
    return count


def online_readers(db: Database, now: datetime) -> tuple[OnlineReader, ...]:
    """Return the readers who are online, each once with the session heard from last."""
    rows = _ALL_ROWS(db, since=to_db_time(now - ONLINE_WINDOW))
    return tuple(OnlineReader(**about) for about in _first_of_each_reader(rows))


def online_ids(db: Database, query: ListQuery, now: datetime) -> ResultIds:
    """Return the readers who are online and wanted, in order."""
    where = where_clause(db, query, FILTERABLE_FIELDS, now)
    key = order_by(_SORTS, query)
    if query.sort == "full_name" and not query.terms:
        sql = order_by({"full_name": _IDS_BY_NAME_SQL}, query)
    else:
        sql = _IDS_SQL.format(condition=where.sql, key=key)
    rows = Statement(sql)(
        db,
        since=to_db_time(now - ONLINE_WINDOW),
        **{**presence_parameters(now), **where.values},
    )
    return reader_ids_of(rows)


def online_rows(db: Database, ids: Sequence[int], now: datetime) -> tuple[TracedReader, ...]:
    """Return what is shown of those of the ids who are online."""
    id_rows = [(id,) for id in ids]
    steps = [now - (TRACE_STEPS - step) * TRACE_STEP for step in range(TRACE_STEPS)]
    moments = {f"after_{step}": to_db_time(begin) for step, begin in enumerate(steps)}
    traces = {
        user_id: tuple(more - less for more, less in pairwise((*map(int, since.split()), 0)))
        for user_id, since in _TRACES(db, id_rows, **moments)
    }
    rows = _ROWS(db, id_rows, since=to_db_time(now - ONLINE_WINDOW))
    return tuple(
        TracedReader(**about, trace=traces[about["user_id"]])
        for about in _first_of_each_reader(rows)
    )


def _first_of_each_reader(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Yield what is known of each reader, from the first of their rows."""
    found: set[int] = set()
    for row in rows:
        if row[0] not in found:
            found.add(row[0])
            yield {
                "user_id": row[0],
                "session_id": row[1],
                "full_name": clean(row[2]),
                "device_type": clean(row[3]),
                "reading_level": clean(row[4]),
                "started_at": from_db_time(row[5]),
                "last_heartbeat": from_db_time(row[6]),
                "last_activity_at": from_db_time_or_none(row[8]),
                "idle_since": idle_since(
                    from_db_time_or_none(row[7]), from_db_time_or_none(row[8])
                ),
                "activity_type": clean(row[9]),
                "content_title": clean(row[10]),
                "progress_percentage": row[11],
            }
