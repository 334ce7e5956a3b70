"""The readers who are online: their number, their order, and the rows of some of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from readwatch.domain.clock import COMMITTED_WITHIN, MAX_CLOCK_DIFFERENCE
from readwatch.domain.presence import ONLINE_WINDOW, idle_since
from readwatch.domain.sessions import OnlineReader
from readwatch.domain.text import SafeText, clean
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.audit.scope import Scope, readers_inside
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import MAX_ID
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, from_db_time_or_none, to_db_time
from readwatch.store.identity.groups import names_of_groups
from readwatch.store.identity.users import ACTIVE_READER
from readwatch.store.lists.filter_sql import (
    AgeField,
    FilterableFields,
    GroupField,
    NumberField,
    PresenceField,
    TextField,
    WordField,
)
from readwatch.store.lists.last_read_sql import LAST_READ, PROGRESS, TITLE
from readwatch.store.lists.presence_sql import IDLE_SINCE, presence_parameters, presence_rank
from readwatch.store.lists.query import (
    ListQuery,
    ResultIds,
    SortKey,
    order_by,
    reader_ids_of,
    where_clause,
)

TRACE_STEPS = 6
TRACE_STEP = timedelta(minutes=5)

ONLINE_USER_IDS = (
    "SELECT user_id FROM reader_sessions WHERE is_active = TRUE AND last_heartbeat > :since"
)

_COUNT = f"SELECT count(*) FROM users u WHERE {ACTIVE_READER} AND u.id IN ({ONLINE_USER_IDS})"

# For a reader on two devices: the session with the latest heartbeat.
LATEST_SESSIONS = """
    SELECT
        user_id, device_type, started_at, last_heartbeat,
        row_number() OVER (PARTITION BY user_id ORDER BY last_heartbeat DESC, id DESC) AS rank
    FROM reader_sessions WHERE is_active = TRUE AND last_heartbeat > :since
"""
SORTS = {
    "presence": SortKey(presence_rank("s.last_heartbeat"), has_nulls=False),
    "full_name": SortKey("lower(u.full_name)", has_nulls=False),
    "content_title": SortKey(f"nullif(lower({TITLE}), '')"),
    "progress_percentage": SortKey(PROGRESS),
    "activity_type": SortKey("nullif(a.activity_type, '')"),
    "idle_since": SortKey(IDLE_SINCE, latest_first=True),
    "started_at": SortKey("s.started_at", has_nulls=False, latest_first=True),
    "reading_level": SortKey("nullif(lower(p.reading_level), '')"),
    "device_type": SortKey("nullif(lower(s.device_type), '')"),
}
FILTERABLE_FIELDS = FilterableFields(
    {
        "presence": PresenceField("s.last_heartbeat"),
        "full_name": TextField("u.full_name"),
        "group": GroupField("u.id"),
        "content_title": TextField(TITLE),
        "progress_percentage": NumberField(PROGRESS),
        "activity_type": WordField("a.activity_type"),
        "idle_since": AgeField(IDLE_SINCE),
        "started_at": AgeField("s.started_at"),
        "reading_level": WordField("p.reading_level"),
        "device_type": WordField("s.device_type"),
    },
    ("u.full_name", TITLE, "p.reading_level"),
)

_SELECT = f"""
    SELECT
        u.id AS user_id, s.id AS session_id, u.full_name, s.device_type, p.reading_level,
        s.started_at, s.last_heartbeat, p.last_login, p.last_activity_at, a.activity_type,
        {TITLE} AS content_title, {PROGRESS} AS progress_percentage
    FROM reader_sessions s JOIN users u ON u.id = s.user_id {LAST_READ}
    WHERE s.is_active = TRUE AND s.last_heartbeat > :since AND {ACTIVE_READER}
"""
# The plus prevents an index on user_id: both engines would read all sessions of these readers.
_ROWS = BulkStatement(
    {"id": "bigint"},
    f"{_SELECT} AND +s.user_id IN (SELECT id FROM given) ORDER BY s.last_heartbeat DESC, s.id DESC",
)
# An activity never occurs after its arrival, so the activities of the last half hour are among
# those that arrived in it: a range of ids, which the index on user and id finds. Ids follow the
# commits, so the range begins earlier by the difference of two clocks and by the time from an
# arrival to its commit. One text per reader is returned, because otherwise PostgreSQL would read
# the activities of all readers.
_COUNTS_SINCE_EACH_STEP = " || ' ' || ".join(
    f"count(*) FILTER (WHERE a.occurred_at > :after_{step})" for step in range(TRACE_STEPS)
)
_TRACES = BulkStatement(
    {"id": "bigint"},
    f"""
    SELECT given.id AS user_id, (
        SELECT {_COUNTS_SINCE_EACH_STEP} FROM reader_activities a
        WHERE a.user_id = given.id AND a.id <= :last_id AND a.id >= (
            SELECT id FROM reader_activities WHERE created_at > :arrived_after
            ORDER BY created_at, id LIMIT 1
        )
    ) AS counts FROM given
    """,
)


@dataclass(frozen=True, slots=True)
class TracedReader(OnlineReader):
    """A reader who is online, with the names of the reader's groups, and the number of activities
    in each of the last `TRACE_STEPS` intervals of `TRACE_STEP`, oldest first.
    """

    group: SafeText
    trace: tuple[int, ...]


def count_online(db: Database, scope: Scope, now: datetime) -> int:
    """Return the number of readers of a scope who are online."""
    statement = Statement(f"{_COUNT} AND {scope.contains('u.id')}")
    since = to_db_time(now - ONLINE_WINDOW)
    return int(statement.scalar(db, since=since, **scope.values))


def online_readers(
    db: Database, access: RowAccess, ids: Sequence[int], now: datetime
) -> tuple[OnlineReader, ...]:
    """Return the readers with these ids who are online, the latest heartbeat first, each with the
    session of that heartbeat."""
    id_rows = [(id,) for id in readers_inside(db, access.scope, ids)]
    rows = _ROWS.all(db, id_rows, since=to_db_time(now - ONLINE_WINDOW))
    return tuple(OnlineReader(**fields) for fields in _fields_of_readers(rows))


def online_ids(db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
    """Return the ids of the matching readers who are online, in order."""
    where = where_clause(db, access, query, FILTERABLE_FIELDS, now)
    key = order_by(SORTS, query)
    if query.sort == "full_name" and not query.terms:
        # This query reads only two indexes: most consoles run it again and again.
        sql = f"""
            SELECT u.id FROM users u
            WHERE {ACTIVE_READER} AND u.id IN ({ONLINE_USER_IDS}) AND ({where.sql})
            ORDER BY {key}, u.id
        """
    else:
        sql = f"""
            SELECT u.id FROM ({LATEST_SESSIONS}) s JOIN users u ON u.id = s.user_id {LAST_READ}
            WHERE s.rank = 1 AND {ACTIVE_READER} AND ({where.sql})
            ORDER BY {key}, lower(u.full_name), u.id
        """
    rows = Statement(sql)(
        db,
        since=to_db_time(now - ONLINE_WINDOW),
        **{**presence_parameters(now), **where.values},
    )
    return reader_ids_of(rows)


def online_rows(
    db: Database, access: RowAccess, ids: Sequence[int], now: datetime
) -> tuple[TracedReader, ...]:
    """Return the rows of the readers with these ids who are online."""
    since = to_db_time(now - ONLINE_WINDOW)
    return traced_readers(db, access, ids, now, lambda inside: _ROWS.all(db, inside, since=since))


def traced_readers(
    db: Database,
    access: RowAccess,
    ids: Sequence[int],
    now: datetime,
    rows_of: Callable[[Sequence[tuple[int]]], list[Any]],
    *,
    last_id: int = MAX_ID,
) -> tuple[TracedReader, ...]:
    """Return the readers of the rows that `rows_of` reads for ids, with groups and traces until
    `now`, of the activities up to the one with `last_id`."""
    inside = readers_inside(db, access.scope, ids)
    group_names, id_rows = names_of_groups(db, access.scope, inside), [(id,) for id in inside]
    steps = [now - (TRACE_STEPS - step) * TRACE_STEP for step in range(TRACE_STEPS)]
    begins = {f"after_{step}": to_db_time(begin) for step, begin in enumerate(steps)}
    arrived_after = to_db_time(steps[0] - MAX_CLOCK_DIFFERENCE - COMMITTED_WITHIN)
    traces = {
        row.user_id: _differences(map(int, row.counts.split()))
        for row in _TRACES.all(db, id_rows, arrived_after=arrived_after, last_id=last_id, **begins)
    }
    return tuple(
        TracedReader(**fields, group=group_names[id], trace=traces[id])
        for fields in _fields_of_readers(rows_of(id_rows))
        for id in [fields["user_id"]]
    )


def _differences(counts: Iterable[int]) -> tuple[int, ...]:
    """Return the count of each step from the counts since the start of each step."""
    return tuple(more - less for more, less in pairwise((*counts, 0)))


def _fields_of_readers(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Yield the fields of each reader once, from the reader's first row."""
    user_ids: set[int] = set()
    for row in rows:
        if row.user_id not in user_ids:
            user_ids.add(row.user_id)
            last_activity_at = from_db_time_or_none(row.last_activity_at)
            yield {
                "user_id": row.user_id,
                "session_id": row.session_id,
                "full_name": clean(row.full_name),
                "device_type": clean(row.device_type),
                "reading_level": clean(row.reading_level),
                "started_at": from_db_time(row.started_at),
                "last_heartbeat": from_db_time(row.last_heartbeat),
                "last_activity_at": last_activity_at,
                "idle_since": idle_since(from_db_time_or_none(row.last_login), last_activity_at),
                "activity_type": clean(row.activity_type),
                "content_title": clean(row.content_title),
                "progress_percentage": row.progress_percentage,
            }
