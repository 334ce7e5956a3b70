"""The progress of all readers, also of the absent: from rollups alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from readwatch.domain.filters import MAX_TERMS, MAX_VALUE_LENGTH, Term
from readwatch.domain.text import SafeText, clean
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database, Statement, from_db_time_or_none
from readwatch.store.identity.users import ACTIVE_READER
from readwatch.store.lists.filter_sql import FilterableFields, Number, Since, Text, Word, condition
from readwatch.store.lists.query import ListQuery, ResultIds, order_by, reader_ids_of, where_clause

_IDS_SQL = f"""
    SELECT u.id FROM users u LEFT JOIN reader_profiles p ON p.user_id = u.id
    WHERE {ACTIVE_READER} AND ({{condition}})
    ORDER BY {{key}}, lower(u.full_name), u.id
"""
_SORTS = {
    "full_name": "lower(u.full_name) {up}",
    "reading_level": "nullif(lower(p.reading_level), '') {up} NULLS LAST",
    "total_reading_time_minutes": "p.total_reading_time_minutes {up} NULLS LAST",
    "total_sessions": "p.total_sessions {up} NULLS LAST",
    "unique_content_read": "p.unique_content_read {up} NULLS LAST",
    # Shown as how long ago it was: the latest is the smallest.
    "last_login": "p.last_login {down} NULLS LAST",
    "last_activity_at": "p.last_activity_at {down} NULLS LAST",
}
FILTERABLE_FIELDS = FilterableFields(
    {
        "full_name": Text("u.full_name"),
        "reading_level": Word("p.reading_level"),
        "total_reading_time_minutes": Number("p.total_reading_time_minutes"),
        "total_sessions": Number("p.total_sessions"),
        "unique_content_read": Number("p.unique_content_read"),
        "last_login": Since("p.last_login"),
        "last_activity_at": Since("p.last_activity_at"),
    },
    ("u.full_name", "p.reading_level"),
)
_NAME_FIELDS = FilterableFields({}, ("u.full_name",))
_NAMED_SQL = f"""
    SELECT u.id FROM users u WHERE {ACTIVE_READER} AND ({{condition}})
    ORDER BY lower(u.full_name), u.id LIMIT :length
"""
_ROWS = BulkStatement(
    {"id": "bigint"},
    f"""
    SELECT
        u.id, u.full_name, p.reading_level, coalesce(p.total_reading_time_minutes, 0),
        coalesce(p.total_sessions, 0), coalesce(p.unique_content_read, 0), p.last_login,
        p.last_activity_at
    FROM users u LEFT JOIN reader_profiles p ON p.user_id = u.id
    WHERE u.id IN (SELECT id FROM {{rows}} AS wanted) AND {ACTIVE_READER}
    """,
)


@dataclass(frozen=True, slots=True)
class ReaderSummary:
    """One line of the progress summary."""

    user_id: int
    full_name: SafeText
    reading_level: SafeText
    total_reading_time_minutes: int
    total_sessions: int
    unique_content_read: int
    last_login: datetime | None
    last_activity_at: datetime | None


def reader_ids(db: Database, query: ListQuery, now: datetime) -> ResultIds:
    """Return the readers who are wanted, in order."""
    where = where_clause(db, query, FILTERABLE_FIELDS, now)
    statement = Statement(_IDS_SQL.format(condition=where.sql, key=order_by(_SORTS, query)))
    return reader_ids_of(statement(db, **where.values))


def readers_named(
    db: Database, words: Sequence[str], now: datetime, *, length: int
) -> tuple[ReaderSummary, ...]:
    """Return the first readers, by name, whose names have all the words: at most `length`."""
    terms = [Term(word[:MAX_VALUE_LENGTH]) for word in words[:MAX_TERMS]]
    where = condition(db, terms, _NAME_FIELDS, now)
    ids = Statement(_NAMED_SQL.format(condition=where.sql))(db, length=length, **where.values)
    named_ids = [id for (id,) in ids]
    by_id = {reader.user_id: reader for reader in reader_rows(db, named_ids, now)}
    return tuple(by_id[id] for id in named_ids if id in by_id)


def reader_rows(db: Database, ids: Sequence[int], _now: datetime) -> tuple[ReaderSummary, ...]:
    """Return the progress of the readers with these ids."""
    return tuple(
        ReaderSummary(
            user_id=row[0],
            full_name=clean(row[1]),
            reading_level=clean(row[2]),
            total_reading_time_minutes=row[3],
            total_sessions=row[4],
            unique_content_read=row[5],
            last_login=from_db_time_or_none(row[6]),
            last_activity_at=from_db_time_or_none(row[7]),
        )
        for row in _ROWS(db, [(id,) for id in ids])
    )
