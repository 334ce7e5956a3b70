"""The query of a list, and its result: lists are sorted and filtered by the engine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from readwatch.domain.errors import invalid
from readwatch.domain.filters import Term, full_names
from readwatch.store.engine.connections import Database
from readwatch.store.lists.filter_sql import Condition, FilterableFields, condition

FIRST_PAGE = 1000

MAX_ROWS_SEARCHED = 20_000
"""How many of its newest rows a filter on a list without end searches."""

_NAME = "full_name"
"""The field of each list that is a reader's name."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """An SQL expression to sort by, with NULL last in both directions.

    With `latest_first` it is a time that the list shows as how long ago it was, so that the latest
    counts as the smallest.
    """

    sql: str
    has_nulls: bool = True
    latest_first: bool = False


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The column to sort by and its direction, the terms of the filter, and the maximum number of
    ids of a list without end.

    With `masked` readers' names are not shown, and no filter may search them.
    """

    sort: str
    descending: bool = False
    terms: tuple[Term, ...] = ()
    length: int = FIRST_PAGE
    masked: bool = False


@dataclass(frozen=True, slots=True)
class ResultIds:
    """The ids of all rows of a list, in order, and the reader of each, None where it has none.

    Of a list without end, `has_older` tells whether there may be rows after the last one.
    """

    ids: tuple[int, ...]
    reader_ids: tuple[int | None, ...]
    has_older: bool = False


def reader_ids_of(rows: Iterable[tuple[int]]) -> ResultIds:
    """Return the result of a list whose rows are readers, from rows of one id each."""
    ids = tuple(id for (id,) in rows)
    return ResultIds(ids, ids)


def where_clause(
    db: Database, query: ListQuery, fields: FilterableFields, now: datetime
) -> Condition:
    """Return the condition of the query's filter; `invalid` where it searches masked names."""
    for term in query.terms:
        if query.masked and full_names(term.field or "", fields.by_name) == [_NAME]:
            raise invalid(f"{term}: names are masked; log in without --mask to filter by name")
    return condition(db, query.terms, filterable_fields(fields, masked=query.masked), now)


def filterable_fields(fields: FilterableFields, *, masked: bool) -> FilterableFields:
    """Return the fields of a filter: what matches would tell the names that are masked."""
    return fields.without(_NAME) if masked else fields


def order_by(sorts: Mapping[str, SortKey], query: ListQuery) -> str:
    """Return the expression to sort by, with its direction."""
    key = sorts[query.sort]
    direction = "DESC" if query.descending != key.latest_first else "ASC"
    return f"{key.sql} {direction}{' NULLS LAST' if key.has_nulls else ''}"
