"""The options for a view: its name, a filter, and a column to sort by."""

from dataclasses import replace

from readwatch.domain.errors import invalid
from readwatch.domain.filters import canonical, full_names, parse
from readwatch.monitor.snapshots import View
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.store.lists.query import ListQuery


def parse_options(
    view: str, filter: str = "", sort: str = "", *, masked: bool = False
) -> tuple[View, ListQuery]:
    """Return the view and its query; raise `invalid` for an unknown name.

    `sort` is a column, in full or by a part that only one column has; `-` before it means
    descending. Without `sort` the view's first sort applies.
    """
    if view not in VIEW_OPTIONS:
        raise invalid(f"there is no view {view!r}: there are {', '.join(VIEW_OPTIONS)}")
    options = VIEW_OPTIONS[View(view)]
    query = replace(options.first_query(masked=masked), terms=parse(filter, finished=True))
    if not sort:
        return View(view), query
    columns = [available.column for available in options.sorts]
    matching = full_names(sort.removeprefix("-"), columns)
    if len(matching) != 1:
        choices = ", ".join(matching or columns)
        raise invalid(f"{view} cannot be sorted by {sort!r}; use one of {choices}")
    return View(view), replace(query, sort=matching[0], descending=sort.startswith("-"))


def option_texts(query: ListQuery) -> tuple[str, str]:
    """Return the filter and the sort of a query as texts for the options."""
    return canonical(query.terms), f"{'-' if query.descending else ''}{query.sort}"
