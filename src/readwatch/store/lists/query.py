"""The query of a list and its result; the engine sorts and filters the list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from readwatch.domain.errors import invalid
from readwatch.domain.filters import Term, full_names
from readwatch.store.audit.log import ListAccess
from readwatch.store.engine.connections import Database
from readwatch.store.lists.filter_sql import Condition, FilterableFields, condition

FIRST_PAGE = 1000

MAX_ROWS_SEARCHED = 20_000
"""The number of newest rows that a filter searches, in a list without end."""

_NAME = "full_name"
"""The field of a list that has the reader's name."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """An SQL expression to sort by; NULL is last in both directions.

    With `latest_first` it is a time that the list shows as an age, so the latest time is the
    smallest value.
    """

    sql: str
    has_nulls: bool = True
    latest_first: bool = False


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A query of a list: the sort column and direction, the terms of the filter, and the maximum
    number of ids for a list without end.

    With `masked` readers' names are not shown, and a filter must not search them. `at` is the time
    of the past that the list shows; None is now.
    """

    sort: str
    descending: bool = False
    terms: tuple[Term, ...] = ()
    length: int = FIRST_PAGE
    masked: bool = False
    at: datetime | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether the list may leave few readers out of many: by a filter, or by a time."""
        return bool(self.terms) or self.at is not None


@dataclass(frozen=True, slots=True)
class ResultIds:
    """The ids of all rows of a list, in order, and the reader of each row or None.

    For a list without end, `has_older` tells whether there may be rows after the last one.
    """

    ids: tuple[int, ...]
    reader_ids: tuple[int | None, ...]
    has_older: bool = False


def reader_ids_of(rows: Iterable[tuple[int]]) -> ResultIds:
    """Return the result for a list of readers, from rows with one id each."""
    ids = tuple(id for (id,) in rows)
    return ResultIds(ids, ids)


def result_ids(rows: Iterable[tuple[int, int]], query: ListQuery) -> ResultIds:
    """Return the result for a list without end, from rows with an id and the id of its reader."""
    read = tuple(rows)
    ids, reader_ids = zip(*read, strict=True) if read else ((), ())
    return ResultIds(ids, reader_ids, has_older=len(read) == query.length)


def where_clause(
    db: Database, access: ListAccess, query: ListQuery, fields: FilterableFields, now: datetime
) -> Condition:
    """Return the condition of the query's filter and of the user's scope; `invalid` if it searches
    masked names."""
    for term in query.terms:
        if query.masked and full_names(term.field or "", fields.by_name) == [_NAME]:
            raise invalid(f"{term}: names are masked; log in without --mask to filter by name")
    visible_fields = filterable_fields(fields, masked=query.masked)
    return condition(db, access.scope, query.terms, visible_fields, now)


def filterable_fields(fields: FilterableFields, *, masked: bool) -> FilterableFields:
    """Return the fields of a filter, without the name if masked: matches would reveal it."""
    return fields.without(_NAME) if masked else fields


def order_by(sorts: Mapping[str, SortKey], query: ListQuery) -> str:
    """Return the SQL to sort by, with the direction."""
    key = sorts[query.sort]
    direction = "DESC" if query.descending != key.latest_first else "ASC"
    return f"{key.sql} {direction}{' NULLS LAST' if key.has_nulls else ''}"
