"""Saved views: a list with order, filter and columns, stored under a name."""

from dataclasses import asdict, dataclass
from typing import Any

from readwatch.domain.text import clean
from readwatch.monitor.snapshots import View

MAX_NAME_LENGTH = 40


@dataclass(frozen=True, slots=True)
class SavedView:
    """A list, its sort, its filter as typed, and its columns; None for the columns that fit."""

    name: str
    view: View
    sort: str
    descending: bool
    filter: str
    columns: tuple[str, ...] | None

    def to_json(self) -> dict[str, Any]:
        """Return the view as a JSON object."""
        return asdict(self)


def saved_view_from_json(data: Any) -> SavedView:
    """Return a stored view; ValueError if its shape is wrong."""
    match data:
        case {
            "name": str(name),
            "view": str(view),
            "sort": str(sort),
            "descending": bool(descending),
            "filter": str(filter),
            "columns": None | [*_] as columns,
        }:
            keys = None if columns is None else tuple(map(str, columns))
            return SavedView(view_name(name), View(view), sort, descending, clean(filter), keys)
    raise ValueError("views")


def view_name(typed: str) -> str:
    """Return a typed name in the form that is stored."""
    return clean(typed.strip(), limit=MAX_NAME_LENGTH)
