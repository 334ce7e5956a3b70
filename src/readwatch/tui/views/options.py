"""A list as somebody asks for it in words: by its name, a filter, and a column to sort by."""

from dataclasses import replace

from readwatch.domain.errors import invalid
from readwatch.domain.filters import canonical, full_names, parse
from readwatch.monitor.snapshots import View
from readwatch.store.lists.query import ListQuery
from readwatch.tui.views import VIEW_SPECS


def parse_options(
    view: str, filter: str = "", sort: str = "", *, masked: bool = False
) -> tuple[View, ListQuery]:
    """Return the view and what it is asked for; a word that is not understood is `invalid`.

    `sort` is a column, in full or by a part that no other column has, with `-` before it for
    descending order; without one the list is sorted as it is in the beginning.
    """
    if view not in VIEW_SPECS:
        raise invalid(f"there is no view {view!r}: there are {', '.join(VIEW_SPECS)}")
    listing = VIEW_SPECS[View(view)]
    question = replace(listing.query(masked=masked), terms=parse(filter, finished=True))
    if not sort:
        return View(view), question
    columns = [each.column for each in listing.sorts]
    found = full_names(sort.removeprefix("-"), columns)
    if len(found) != 1:
        choices = ", ".join(found or columns)
        raise invalid(f"{view} cannot be sorted by {sort!r}; use one of {choices}")
    return View(view), replace(question, sort=found[0], descending=sort.startswith("-"))


def option_texts(question: ListQuery) -> tuple[str, str]:
    """Return the filter and the sort of a question as somebody would ask for them."""
    return canonical(question.terms), f"{'-' if question.descending else ''}{question.sort}"
