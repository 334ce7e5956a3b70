"""Named views: a list as somebody likes to see it, to come back to."""

from dataclasses import asdict, dataclass
from typing import Any

from readwatch.domain.text import clean
from readwatch.monitor.snapshots import View

LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class SavedView:
    """A list, its order, its filter as it was typed, and its columns; None is those that fit."""

    name: str
    view: View
    sort: str
    descending: bool
    filter: str
    columns: tuple[str, ...] | None

    def kept(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def saved_view(kept: Any) -> SavedView:
    """Return a view that was kept; ValueError where that has not the shape of one."""
    match kept:
        case {
            "name": str(name),
            "view": str(view),
            "sort": str(sort),
            "descending": bool(descending),
            "filter": str(filter),
            "columns": None | [*_] as columns,
        }:
            keys = None if columns is None else tuple(map(str, columns))
            return SavedView(name_of_view(name), View(view), sort, descending, clean(filter), keys)
    raise ValueError("views")


def name_of_view(typed: str) -> str:
    """Return the name that somebody typed as it is kept."""
    return clean(typed.strip(), limit=LONGEST_NAME)
