"""The access log as a list: one's own entries or, for admins, all; paged by id.

Looks that repeat are one row, which has the id of the newest of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.text import SafeText, clean
from readwatch.domain.users import User, UserRole
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database, Statement, from_db_time, is_sqlite
from readwatch.store.lists.filter_sql import FilterableFields, Since, Text, Word
from readwatch.store.lists.query import (
    MAX_ROWS_SEARCHED,
    ListQuery,
    ResultIds,
    order_by,
    where_clause,
)

REPEATED_WITHIN = timedelta(minutes=15)
"""The longest between two looks that are one row: the same person's, at the same reader's data, in
the same view."""

EARLIER_ENTRIES_READ = 1_000
"""So many entries before those that are wanted, the looks are looked for that they repeat."""

_KIND = "l.consultant_user_id, l.action_type, l.target_user_id, l.action_details"
_READER = "CASE WHEN t.user_role = 'reader' AND t.deleted_at IS NULL THEN t.id END"
_IDS_SQL = f"""
    SELECT id, reader_id, entries FROM (
        SELECT
            l.id, l.target_user_id, count(*) OVER () AS entries,
            {_READER} AS reader_id,
            {{seconds}} AS repeated_after
        FROM consultant_access_log l
        JOIN users c ON c.id = l.consultant_user_id LEFT JOIN users t ON t.id = l.target_user_id
        WHERE l.id >= (
            SELECT coalesce(min(id), 0) FROM (
                SELECT l.id FROM consultant_access_log l WHERE {{whose}}
                ORDER BY l.id DESC LIMIT :through
            ) AS newest
        ) AND {{whose}} AND ({{condition}})
        WINDOW kind AS (PARTITION BY {_KIND} ORDER BY l.id)
    ) AS looks
    WHERE target_user_id IS NULL OR coalesce(repeated_after > :fold, TRUE)
    ORDER BY {{key}} LIMIT :length
"""
_ROWS_SQL = f"""
    SELECT
        e.id, e.created_at, e.begun_at, e.times, c.full_name, e.action_type, e.target_user_id,
        t.full_name, e.action_details, {_READER}
    FROM (
        SELECT
            l.*, min(l.created_at) OVER sitting AS begun_at, row_number() OVER sitting AS times
        FROM (
            SELECT l.*, sum(l.begins) OVER (PARTITION BY {_KIND} ORDER BY l.id) AS sitting FROM (
                SELECT l.*, CASE
                    WHEN l.target_user_id IS NULL OR coalesce({{seconds}} > :fold, TRUE) THEN 1
                    ELSE 0 END AS begins
                FROM consultant_access_log l WHERE l.id BETWEEN :first AND :last AND {{whose}}
                WINDOW kind AS (PARTITION BY {_KIND} ORDER BY l.id)
            ) AS l
        ) AS l
        WINDOW sitting AS (PARTITION BY {_KIND}, l.sitting ORDER BY l.id)
    ) AS e
    JOIN users c ON c.id = e.consultant_user_id LEFT JOIN users t ON t.id = e.target_user_id
    WHERE e.id IN (SELECT id FROM {{{{rows}}}} AS wanted)
"""
_SORTS = {"created_at": "id {up}"}
FILTERABLE_FIELDS = FilterableFields(
    {
        "created_at": Since("l.created_at"),
        "consultant_name": Text("c.full_name"),
        "action_type": Word("l.action_type"),
        "full_name": Text("t.full_name"),
    },
    ("c.full_name", "t.full_name", "l.action_type"),
)


@dataclass(frozen=True, slots=True)
class AccessLogRow:
    """An entry, and how many it stands for, since when: itself and those that it repeats.

    `user_id` and `full_name` are whom it is about, where that is a person; `reader_id` is the same
    one, where that is a reader whose page can be opened.
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


def access_log_ids(db: Database, query: ListQuery, now: datetime, *, consultant: User) -> ResultIds:
    """Return the newest entries that are wanted and that `asker` may see, in order.

    Without a filter the last `length` are looked through, with one `LOOKED_THROUGH`: `readwatch
    audit list` goes back to the first.
    """
    where = where_clause(db, query, FILTERABLE_FIELDS, now)
    max_rows = MAX_ROWS_SEARCHED if query.terms else query.length
    statement = Statement(
        _IDS_SQL.format(
            seconds=_seconds(db, "l.created_at", "lead(l.created_at) OVER kind"),
            whose=_visible_to(consultant),
            condition=where.sql,
            key=order_by(_SORTS, query),
        )
    )
    rows = statement(
        db,
        asker=consultant.id,
        through=max_rows,
        length=query.length,
        fold=REPEATED_WITHIN.total_seconds(),
        **where.values,
    ).fetchall()
    return ResultIds(
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        has_older=len(rows) == query.length or (bool(rows) and rows[0][2] == max_rows),
    )


def access_log_rows(
    db: Database, ids: Sequence[int], _now: datetime, *, consultant: User
) -> tuple[AccessLogRow, ...]:
    """Return those of the entries with these ids that `asker` may see."""
    if not ids:
        return ()
    seconds = _seconds(db, "lag(l.created_at) OVER kind", "l.created_at")
    statement = BulkStatement(
        {"id": "bigint"}, _ROWS_SQL.format(seconds=seconds, whose=_visible_to(consultant))
    )
    rows = statement(
        db,
        [(id,) for id in ids],
        asker=consultant.id,
        first=min(ids) - EARLIER_ENTRIES_READ,
        last=max(ids),
        fold=REPEATED_WITHIN.total_seconds(),
    )
    return tuple(
        AccessLogRow(
            id=row[0],
            created_at=from_db_time(row[1]),
            first_created_at=from_db_time(row[2]),
            repeats=row[3],
            consultant_name=clean(row[4]),
            action_type=clean(row[5]),
            user_id=row[6],
            full_name=clean(row[7]),
            action_details=clean(row[8]),
            reader_id=row[9],
        )
        for row in rows
    )


def _visible_to(consultant: User) -> str:
    return "TRUE" if consultant.user_role is UserRole.ADMIN else "l.consultant_user_id = :asker"


def _seconds(db: Database, earlier: str, later: str) -> str:
    if is_sqlite(db):
        return f"(strftime('%s', {later}) - strftime('%s', {earlier}))"
    return f"extract(epoch FROM {later} - {earlier})"
