"""The list Attention, and the data for its rules: active sessions, new logins, unfinished readings.

The cost of a query does not grow with history: it reads the active sessions, the logins since the
previous call, or the readers who logged in within some days. `active_readers` then removes readers
whose account is not active.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.attention import (
    SILENT_FOR_AT_MOST,
    Case,
    Login,
    OpenReader,
    UnfinishedReading,
)
from readwatch.domain.cases import CaseStatus
from readwatch.domain.presence import ONLINE_WINDOW, Presence, idle_since, presence_of
from readwatch.domain.text import SafeText, clean
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.audit.scope import readers_inside
from readwatch.store.engine.bulk import BulkRow, BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, from_db_time_or_none, to_db_time
from readwatch.store.identity.groups import names_of_groups
from readwatch.store.identity.users import ACTIVE_READER
from readwatch.store.lists.filter_sql import (
    AgeField,
    FilterableFields,
    GroupField,
    NumberField,
    TextField,
    WordField,
)
from readwatch.store.lists.last_read_sql import LAST_READ, PROGRESS, TITLE
from readwatch.store.lists.presence_sql import IDLE_SINCE
from readwatch.store.lists.query import (
    ListQuery,
    ResultIds,
    SortKey,
    order_by,
    reader_ids_of,
    where_clause,
)

_OPEN_READERS = Statement(
    f"""
    SELECT
        s.user_id, max(s.last_heartbeat) AS last_heartbeat, p.last_login, p.last_activity_at
    FROM reader_sessions s JOIN reader_profiles p ON p.user_id = s.user_id
    WHERE s.is_active = TRUE AND s.last_heartbeat > :since
    GROUP BY s.user_id, p.last_login, p.last_activity_at
    HAVING max(s.last_heartbeat) <= :heartbeat_at_or_before OR {IDLE_SINCE} <= :idle_at_or_before
    """
)
# The login is before the last activity, and `last_login` has an index.
_UNFINISHED_READINGS = Statement(
    """
    SELECT p.user_id, p.last_activity_at
    FROM reader_profiles p
    WHERE p.last_login > :logged_in_since
    AND p.last_activity_at > :since AND p.last_activity_at <= :until
    AND EXISTS (
        SELECT 1 FROM reader_content_progress c
        WHERE c.user_id = p.user_id AND c.last_at > :since
        AND coalesce(c.progress_percentage, 0) < 100
    )
    """
)
_LAST_SESSION_ID = Statement("SELECT coalesce(max(id), 0) AS id FROM reader_sessions")
# `started_at` has no index: the query reads the sessions from the newest on.
_LAST_SESSION_ID_BEFORE = Statement(
    "SELECT id FROM reader_sessions WHERE started_at < :since ORDER BY id DESC LIMIT 1"
)
_LOGINS = Statement(
    """
    SELECT user_id, started_at, previous_heartbeat FROM (
        SELECT
            s.id, s.user_id, s.started_at,
            (
                SELECT e.last_heartbeat FROM reader_sessions e
                WHERE e.user_id = s.user_id AND e.id < s.id ORDER BY e.id DESC LIMIT 1
            ) AS previous_heartbeat
        FROM reader_sessions s WHERE s.id > :after AND s.id <= :until
    ) AS sessions WHERE previous_heartbeat <= :heartbeat_at_or_before ORDER BY id
    """
)
# CROSS JOIN: otherwise SQLite would search the given rows for each user.
_ACTIVE_READERS = f"""
    SELECT u.id FROM given CROSS JOIN users u
    WHERE u.id = given.user_id AND {ACTIVE_READER}
"""

_CASE_COLUMNS = {
    "user_id": "bigint",
    "rank": "bigint",
    "is_aside": "bigint",
    "reasons": "text",
    "since": "timestamptz",
    "case_status": "text",
    "consultant": "text",
    "case_order": "text",
}
_SORTS = {
    "reasons": SortKey("given.rank", has_nulls=False),
    "since": SortKey("given.since", has_nulls=False, latest_first=True),
    "case": SortKey("nullif(lower(given.case_order), '')"),
    "full_name": SortKey("lower(u.full_name)", has_nulls=False),
    "content_title": SortKey(f"nullif(lower({TITLE}), '')"),
    "progress_percentage": SortKey(PROGRESS),
    "reading_level": SortKey("nullif(lower(p.reading_level), '')"),
}
FILTERABLE_FIELDS = FilterableFields(
    {
        "reasons": TextField("given.reasons"),
        "full_name": TextField("u.full_name"),
        "group": GroupField("u.id"),
        "case": WordField("given.case_status"),
        "consultant": TextField("given.consultant"),
        "content_title": TextField(TITLE),
        "progress_percentage": NumberField(PROGRESS),
        "since": AgeField("given.since"),
        "reading_level": WordField("p.reading_level"),
    },
    ("u.full_name", "given.reasons", TITLE),
)
_ROWS = BulkStatement(
    {"user_id": "bigint"},
    f"""
    SELECT
        u.id AS user_id, u.full_name, p.reading_level, {TITLE} AS content_title,
        {PROGRESS} AS progress_percentage, s.last_heartbeat, p.last_login, p.last_activity_at
    FROM given CROSS JOIN users u {LAST_READ}
    LEFT JOIN (
        SELECT user_id, max(last_heartbeat) AS last_heartbeat
        FROM reader_sessions WHERE is_active = TRUE AND last_heartbeat > :since GROUP BY user_id
    ) s ON s.user_id = u.id
    WHERE u.id = given.user_id AND {ACTIVE_READER}
    """,
)


@dataclass(frozen=True, slots=True)
class AttentionReader:
    """A reader with the content read last and the times that determine the presence.

    `group` has the names of the reader's groups; `last_heartbeat` is None unless the reader is
    online.
    """

    user_id: int
    full_name: SafeText
    group: SafeText
    reading_level: SafeText
    content_title: SafeText
    progress_percentage: int | None
    last_heartbeat: datetime | None
    idle_since: datetime | None

    def presence_at(self, now: datetime) -> Presence:
        """Return what the reader seems to be doing at `now`."""
        return presence_of(self.last_heartbeat, self.idle_since, now)


def open_readers(
    db: Database,
    _access: ListAccess,
    now: datetime,
    *,
    heartbeat_at_or_before: datetime,
    idle_at_or_before: datetime,
) -> list[OpenReader]:
    """Return the readers with an active session whose last heartbeat is at or before
    `heartbeat_at_or_before`, or who are idle since `idle_at_or_before` or before."""
    rows = _OPEN_READERS.all(
        db,
        since=to_db_time(now - SILENT_FOR_AT_MOST),
        heartbeat_at_or_before=to_db_time(heartbeat_at_or_before),
        idle_at_or_before=to_db_time(idle_at_or_before),
    )
    return [
        OpenReader(
            reader_id=row.user_id,
            last_heartbeat=from_db_time(row.last_heartbeat),
            idle_since=idle_since(
                from_db_time_or_none(row.last_login), from_db_time_or_none(row.last_activity_at)
            ),
        )
        for row in rows
    ]


def unfinished_readings(
    db: Database, _access: ListAccess, since: datetime, until: datetime
) -> list[UnfinishedReading]:
    """Return the readers with unfinished content whose last activity is between two times."""
    # A session lasts for hours, so the login is at most hours before the last activity.
    logged_in_since = since - timedelta(days=1)
    rows = _UNFINISHED_READINGS.all(
        db,
        logged_in_since=to_db_time(logged_in_since),
        since=to_db_time(since),
        until=to_db_time(until),
    )
    return [UnfinishedReading(row.user_id, from_db_time(row.last_activity_at)) for row in rows]


def last_session_id(db: Database) -> int:
    """Return the id of the session that began last; 0 without sessions."""
    session_id: int = _LAST_SESSION_ID.scalar(db)
    return session_id


def last_session_id_before(db: Database, since: datetime) -> int:
    """Return the id of the last session that began before `since`, as `after` for `logins`."""
    row = _LAST_SESSION_ID_BEFORE.one_or_none(db, since=to_db_time(since))
    return row.id if row else 0


def logins(
    db: Database, _access: ListAccess, after: int, until: int, heartbeat_at_or_before: datetime
) -> list[Login]:
    """Return the logins of the sessions with ids after `after` and up to `until`, for readers whose
    previous session has its last heartbeat at `heartbeat_at_or_before` or before."""
    rows = _LOGINS.all(
        db, after=after, until=until, heartbeat_at_or_before=to_db_time(heartbeat_at_or_before)
    )
    return [
        Login(row.user_id, from_db_time(row.started_at), from_db_time(row.previous_heartbeat))
        for row in rows
    ]


def active_readers(db: Database, access: ListAccess, reader_ids: Iterable[int]) -> frozenset[int]:
    """Return those of the readers who have an active account and whom the user may see."""
    statement = BulkStatement(
        {"user_id": "bigint"}, f"{_ACTIVE_READERS} AND {access.scope.contains('u.id')}"
    )
    rows = statement.all(db, [(id,) for id in reader_ids], **access.scope.values)
    return frozenset(row.id for row in rows)


def attention_ids(
    db: Database,
    access: ListAccess,
    cases: Sequence[Case],
    aside: Set[int],
    query: ListQuery,
    now: datetime,
) -> ResultIds:
    """Return the ids of the readers with cases who match, in order.

    Those who are `aside`, and those whose cases are snoozed or resolved, come last.
    """
    where = where_clause(db, access, query, FILTERABLE_FIELDS, now)
    statement = BulkStatement(
        _CASE_COLUMNS,
        f"""
        SELECT u.id FROM given CROSS JOIN users u {LAST_READ}
        WHERE u.id = given.user_id AND {ACTIVE_READER} AND ({where.sql})
        ORDER BY given.is_aside, {order_by(_SORTS, query)}, given.rank
        """,
    )
    rows = [_case_row(case, rank, aside, now) for rank, case in enumerate(cases)]
    return reader_ids_of(statement(db, rows, **where.values))


def _case_row(case: Case, rank: int, aside: Set[int], now: datetime) -> BulkRow:
    status = case.status_at(now)
    note = case.note_at(now)
    consultant = "" if note is None else str(note.author_name)
    return (
        case.reader_id,
        rank,
        int(case.reader_id in aside or status in {CaseStatus.SNOOZED, CaseStatus.RESOLVED}),
        str(case),
        to_db_time(case.since),
        str(status),
        consultant,
        f"{status} {consultant}" if consultant else "",
    )


def attention_readers(
    db: Database, access: RowAccess, reader_ids: Iterable[int], now: datetime
) -> tuple[AttentionReader, ...]:
    """Return the readers with these ids, for the list, without their cases."""
    inside = readers_inside(db, access.scope, reader_ids)
    group_names = names_of_groups(db, access.scope, inside)
    return tuple(
        AttentionReader(
            user_id=row.user_id,
            full_name=clean(row.full_name),
            group=group_names[row.user_id],
            reading_level=clean(row.reading_level),
            content_title=clean(row.content_title),
            progress_percentage=row.progress_percentage,
            last_heartbeat=from_db_time_or_none(row.last_heartbeat),
            idle_since=idle_since(
                from_db_time_or_none(row.last_login), from_db_time_or_none(row.last_activity_at)
            ),
        )
        for row in _ROWS.all(
            db,
            [(id,) for id in inside],
            since=to_db_time(now - ONLINE_WINDOW),
        )
    )
