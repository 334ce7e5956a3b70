"""What a list of the console is asked for: sorted and filtered by the engine, never in Python."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from readwatch.domain.filters import Term

FIRST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Question:
    """The column to sort by and its direction, the filter, and the most ids that are wanted of a
    list without end.
    """

    sort: str
    descending: bool = False
    terms: tuple[Term, ...] = ()
    length: int = FIRST_PAGE


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of all that is in a list, in order, and the reader whom each of them is about."""

    ids: tuple[int, ...]
    reader_ids: tuple[int, ...]


def found_readers(rows: Iterable[tuple[int]]) -> Found:
    """Return the order of a list of readers."""
    ids = tuple(id for (id,) in rows)
    return Found(ids, ids)


def order_by(sorts: Mapping[str, str], question: Question) -> str:
    """Return the sort key of a question; `{up}` in it is its direction, `{down}` the opposite."""
    up, down = ("DESC", "ASC") if question.descending else ("ASC", "DESC")
    return sorts[question.sort].format(up=up, down=down)
