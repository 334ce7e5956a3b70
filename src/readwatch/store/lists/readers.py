"""The progress of all readers, online or offline, read from rollups only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from readwatch.domain.filters import MAX_TERMS, MAX_VALUE_LENGTH, Term
from readwatch.domain.text import SafeText, clean
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.audit.scope import readers_inside
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time_or_none
from readwatch.store.identity.groups import names_of_groups
from readwatch.store.identity.users import ACTIVE_READER
from readwatch.store.lists.filter_sql import (
    AgeField,
    FilterableFields,
    GroupField,
    NumberField,
    TextField,
    WordField,
    condition,
)
from readwatch.store.lists.query import (
    ListQuery,
    ResultIds,
    SortKey,
    order_by,
    reader_ids_of,
    where_clause,
)

_SORTS = {
    "full_name": SortKey("lower(u.full_name)", has_nulls=False),
    "reading_level": SortKey("nullif(lower(p.reading_level), '')"),
    "total_reading_time_minutes": SortKey("p.total_reading_time_minutes"),
    "total_sessions": SortKey("p.total_sessions"),
    "unique_content_read": SortKey("p.unique_content_read"),
    "last_login": SortKey("p.last_login", latest_first=True),
    "last_activity_at": SortKey("p.last_activity_at", latest_first=True),
}
FILTERABLE_FIELDS = FilterableFields(
    {
        "full_name": TextField("u.full_name"),
        "group": GroupField("u.id"),
        "reading_level": WordField("p.reading_level"),
        "total_reading_time_minutes": NumberField("p.total_reading_time_minutes"),
        "total_sessions": NumberField("p.total_sessions"),
        "unique_content_read": NumberField("p.unique_content_read"),
        "last_login": AgeField("p.last_login"),
        "last_activity_at": AgeField("p.last_activity_at"),
    },
    ("u.full_name", "p.reading_level"),
)
_NAME_FIELDS = FilterableFields({}, ("u.full_name",))
_ROWS = BulkStatement(
    {"id": "bigint"},
    f"""
    SELECT
        u.id AS user_id, u.full_name, p.reading_level,
        coalesce(p.total_reading_time_minutes, 0) AS total_reading_time_minutes,
        coalesce(p.total_sessions, 0) AS total_sessions,
        coalesce(p.unique_content_read, 0) AS unique_content_read,
        p.last_login, p.last_activity_at
    FROM users u LEFT JOIN reader_profiles p ON p.user_id = u.id
    WHERE u.id IN (SELECT id FROM given) AND {ACTIVE_READER}
    """,
)


@dataclass(frozen=True, slots=True)
class ReaderSummary:
    """The progress of one reader."""

    user_id: int
    full_name: SafeText
    group: SafeText
    """The names of the reader's groups."""
    reading_level: SafeText
    total_reading_time_minutes: int
    total_sessions: int
    unique_content_read: int
    last_login: datetime | None
    last_activity_at: datetime | None


def reader_ids(db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
    """Return the ids of the matching readers, in order."""
    where = where_clause(db, access, query, FILTERABLE_FIELDS, now)
    statement = Statement(
        f"""
        SELECT u.id FROM users u LEFT JOIN reader_profiles p ON p.user_id = u.id
        WHERE {ACTIVE_READER} AND ({where.sql})
        ORDER BY {order_by(_SORTS, query)}, lower(u.full_name), u.id
        """
    )
    return reader_ids_of(statement(db, **where.values))


def ids_of_readers_named(
    db: Database, access: ListAccess, words: Sequence[str], now: datetime, *, length: int
) -> ResultIds:
    """Return the ids of at most `length` readers whose names contain all words, by name."""
    terms = [Term(word[:MAX_VALUE_LENGTH]) for word in words[:MAX_TERMS]]
    where = condition(db, access.scope, terms, _NAME_FIELDS, now)
    statement = Statement(
        f"""
        SELECT u.id FROM users u WHERE {ACTIVE_READER} AND ({where.sql})
        ORDER BY lower(u.full_name), u.id LIMIT :length
        """
    )
    return reader_ids_of(statement(db, length=length, **where.values))


def reader_rows(
    db: Database, access: RowAccess, ids: Sequence[int], _now: datetime
) -> tuple[ReaderSummary, ...]:
    """Return the progress of the readers with these ids whom the user may see."""
    inside = readers_inside(db, access.scope, ids)
    group_names = names_of_groups(db, access.scope, inside)
    return tuple(
        ReaderSummary(
            user_id=row.user_id,
            full_name=clean(row.full_name),
            group=group_names[row.user_id],
            reading_level=clean(row.reading_level),
            total_reading_time_minutes=row.total_reading_time_minutes,
            total_sessions=row.total_sessions,
            unique_content_read=row.unique_content_read,
            last_login=from_db_time_or_none(row.last_login),
            last_activity_at=from_db_time_or_none(row.last_activity_at),
        )
        for row in _ROWS.all(db, [(id,) for id in inside])
    )
