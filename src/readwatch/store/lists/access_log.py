"""The access log as a list, newest first: consultants see their own entries, admins all.

Repeated accesses are one row, with the id of the newest entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.text import SafeText, clean
from readwatch.domain.users import UserRole
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time
from readwatch.store.lists.filter_sql import AgeField, FilterableFields, TextField, WordField
from readwatch.store.lists.query import (
    MAX_ROWS_SEARCHED,
    ListQuery,
    ResultIds,
    SortKey,
    order_by,
    where_clause,
)

FOLD_WITHIN = timedelta(minutes=15)
"""The longest time between two accesses in one row; they have the same user, the same reader and
the same details."""

EARLIER_ENTRIES_READ = 1_000
"""The number of ids before the requested entries in which earlier repeats are searched."""

_KIND = "l.consultant_user_id, l.action_type, l.target_user_id, l.action_details"
_READER = "CASE WHEN t.user_role = 'reader' AND t.deleted_at IS NULL THEN t.id END"


def _ids_statement(seconds: str, visible: str, condition: str, key: str) -> Statement:
    return Statement(f"""
    SELECT id, reader_id, matches FROM (
        SELECT
            l.id, l.target_user_id, count(*) OVER () AS matches,
            {_READER} AS reader_id,
            {seconds} AS repeated_after
        FROM consultant_access_log l
        JOIN users c ON c.id = l.consultant_user_id LEFT JOIN users t ON t.id = l.target_user_id
        WHERE l.id >= (
            SELECT coalesce(min(id), 0) FROM (
                SELECT l.id FROM consultant_access_log l WHERE {visible}
                ORDER BY l.id DESC LIMIT :max_rows
            ) AS newest
        ) AND {visible} AND ({condition})
        WINDOW kind AS (PARTITION BY {_KIND} ORDER BY l.id)
    ) AS entries
    WHERE target_user_id IS NULL OR coalesce(repeated_after > :repeated_within, TRUE)
    ORDER BY {key} LIMIT :length
    """)


def _rows_statement(seconds: str, visible: str) -> BulkStatement:
    sql = f"""
    SELECT
        e.id, e.created_at, e.first_created_at, e.repeats, c.full_name AS consultant_name,
        e.action_type, e.target_user_id AS user_id, t.full_name, e.action_details,
        {_READER} AS reader_id
    FROM (
        SELECT
            l.*, min(l.created_at) OVER series AS first_created_at,
            row_number() OVER series AS repeats
        FROM (
            SELECT l.*, sum(l.begins) OVER (PARTITION BY {_KIND} ORDER BY l.id) AS series FROM (
                SELECT l.*, CASE
                    WHEN l.target_user_id IS NULL THEN 1
                    WHEN coalesce({seconds} > :repeated_within, TRUE) THEN 1
                    ELSE 0 END AS begins
                FROM consultant_access_log l WHERE l.id BETWEEN :first AND :last AND {visible}
                WINDOW kind AS (PARTITION BY {_KIND} ORDER BY l.id)
            ) AS l
        ) AS l
        WINDOW series AS (PARTITION BY {_KIND}, l.series ORDER BY l.id)
    ) AS e
    JOIN users c ON c.id = e.consultant_user_id LEFT JOIN users t ON t.id = e.target_user_id
    WHERE e.id IN (SELECT id FROM given)
    """
    return BulkStatement({"id": "bigint"}, sql)


_SORTS = {"created_at": SortKey("id", has_nulls=False)}
FILTERABLE_FIELDS = FilterableFields(
    {
        "created_at": AgeField("l.created_at"),
        "consultant_name": TextField("c.full_name"),
        "action_type": WordField("l.action_type"),
        "full_name": TextField("t.full_name"),
    },
    ("c.full_name", "t.full_name", "l.action_type"),
    reader_id=None,
)


@dataclass(frozen=True, slots=True)
class AccessLogRow:
    """An entry and its earlier repeats: `repeats` is their number, including the entry itself.

    `user_id` and `full_name` are the user whose data was accessed, if any; `reader_id` is the same
    id if the user is a reader whose page can be opened.
    """

    id: int
    created_at: datetime
    first_created_at: datetime
    repeats: int
    consultant_name: SafeText
    action_type: SafeText
    user_id: int | None
    full_name: SafeText
    action_details: SafeText
    reader_id: int | None


def access_log_ids(db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
    """Return the ids of the newest matching entries that the user may see, in order.

    Without a filter the query reads the last `length` entries, with a filter the last
    `MAX_ROWS_SEARCHED`; `readwatch audit list` reads all.
    """
    where = where_clause(db, access, query, FILTERABLE_FIELDS, now)
    max_rows = MAX_ROWS_SEARCHED if query.terms else query.length
    statement = _ids_statement(
        seconds=_seconds(db, "l.created_at", "lead(l.created_at) OVER kind"),
        visible=_visible_to(access),
        condition=where.sql,
        key=order_by(_SORTS, query),
    )
    rows = statement(
        db,
        consultant_id=access.user_id,
        max_rows=max_rows,
        length=query.length,
        repeated_within=FOLD_WITHIN.total_seconds(),
        **where.values,
    ).fetchall()
    ids, reader_ids, matches = zip(*rows, strict=True) if rows else ((), (), (0,))
    has_older = len(rows) == query.length or matches[0] == max_rows
    return ResultIds(ids, reader_ids, has_older)


def access_log_rows(
    db: Database, access: RowAccess, ids: Sequence[int], _now: datetime
) -> tuple[AccessLogRow, ...]:
    """Return the entries with these ids that the user may see."""
    if not ids:
        return ()
    seconds = _seconds(db, "lag(l.created_at) OVER kind", "l.created_at")
    rows = _rows_statement(seconds, _visible_to(access)).all(
        db,
        [(id,) for id in ids],
        consultant_id=access.user_id,
        **access.scope.values,
        first=min(ids) - EARLIER_ENTRIES_READ,
        last=max(ids),
        repeated_within=FOLD_WITHIN.total_seconds(),
    )
    return tuple(
        AccessLogRow(
            id=row.id,
            created_at=from_db_time(row.created_at),
            first_created_at=from_db_time(row.first_created_at),
            repeats=row.repeats,
            consultant_name=clean(row.consultant_name),
            action_type=clean(row.action_type),
            user_id=row.user_id,
            full_name=clean(row.full_name),
            action_details=clean(row.action_details),
            reader_id=row.reader_id,
        )
        for row in rows
    )


def _visible_to(access: ListAccess | RowAccess) -> str:
    if access.user_role is UserRole.ADMIN:
        return "TRUE"
    own = "l.consultant_user_id = :consultant_id"
    if not access.scope.is_limited:
        return own
    in_scope = access.scope.contains("l.target_user_id")
    return (
        f"{own} AND (l.target_user_id IS NULL OR l.target_user_id = :consultant_id OR {in_scope})"
    )


def _seconds(db: Database, earlier: str, later: str) -> str:
    if is_sqlite(db):
        return f"(strftime('%s', {later}) - strftime('%s', {earlier}))"
    return f"extract(epoch FROM {later} - {earlier})"
