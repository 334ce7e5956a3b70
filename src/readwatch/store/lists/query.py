"""What a list of the console is asked for: sorted and filtered by the engine, never in Python."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from readwatch.domain.errors import invalid
from readwatch.domain.filters import Term, full_names
from readwatch.store.engine.connections import Database
from readwatch.store.lists.filter_sql import Condition, FilterableFields, condition

FIRST_PAGE = 1000

MAX_ROWS_SEARCHED = 20_000
"""The most that an order of a list without end goes back."""

_NAME = "full_name"
"""The field of each list that is a reader's name."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The column to sort by and its direction, the filter, and the most ids that are wanted of a
    list without end.

    With `masked` readers' names are not shown, so that no filter may find by them.
    """

    sort: str
    descending: bool = False
    terms: tuple[Term, ...] = ()
    length: int = FIRST_PAGE
    masked: bool = False


@dataclass(frozen=True, slots=True)
class ResultIds:
    """The ids of all that is in a list, in order, and the reader whom each of them is about; of a
    list without end, whether there may be more than was wanted.
    """

    ids: tuple[int, ...]
    reader_ids: tuple[int | None, ...]
    has_older: bool = False


def reader_ids_of(rows: Iterable[tuple[int]]) -> ResultIds:
    """Return the order of a list of readers."""
    ids = tuple(id for (id,) in rows)
    return ResultIds(ids, ids)


def where_clause(
    db: Database, query: ListQuery, fields: FilterableFields, now: datetime
) -> Condition:
    """Return the condition of a question's filter."""
    for term in query.terms:
        if query.masked and full_names(term.field or "", fields.by_name) == [_NAME]:
            raise invalid(f"{term}: names are masked; log in without --mask to filter by name")
    return condition(db, query.terms, filterable_fields(fields, masked=query.masked), now)


def filterable_fields(fields: FilterableFields, *, masked: bool) -> FilterableFields:
    """Return what a filter may ask for: what it leaves would tell a name that is masked."""
    return fields.without(_NAME) if masked else fields


def order_by(sorts: Mapping[str, str], query: ListQuery) -> str:
    """Return the sort key of a question; `{up}` in it is its direction, `{down}` the opposite."""
    up, down = ("DESC", "ASC") if query.descending else ("ASC", "DESC")
    return sorts[query.sort].format(up=up, down=down)
