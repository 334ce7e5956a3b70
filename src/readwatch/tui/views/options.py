"""The options for a view: its name, a filter, and a column to sort by."""

from dataclasses import replace
from datetime import datetime

from readwatch.domain.errors import invalid
from readwatch.domain.filters import canonical, full_names, parse
from readwatch.domain.typed_times import past_time
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import View
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.store.lists.query import ListQuery


def parse_options(settings: ConsoleSettings, now: datetime) -> tuple[View, ListQuery]:
    """Return the view and its query; raise `invalid` for an unknown name.

    The sort is a column, in full or by a part that only one column has; `-` before it means
    descending. Without a sort the view's first sort applies.
    """
    name, sort = settings.view, settings.sort
    if name not in VIEW_OPTIONS:
        raise invalid(f"there is no view {name!r}: there are {', '.join(VIEW_OPTIONS)}")
    view = View(name)
    options = VIEW_OPTIONS[view]
    terms = parse(settings.filter, finished=True)
    query = replace(options.first_query(masked=settings.mask), terms=terms)
    if settings.at:
        if not options.goes_back:
            raise invalid(f"{view.label} shows no time of the past; online, activity and day do")
        query = replace(query, at=past_time(settings.at, now))
    if not sort:
        return view, query
    columns = [available.column for available in options.sorts]
    matching = full_names(sort.removeprefix("-"), columns)
    if len(matching) != 1:
        choices = ", ".join(matching or columns)
        raise invalid(f"{view} cannot be sorted by {sort!r}; use one of {choices}")
    return view, replace(query, sort=matching[0], descending=sort.startswith("-"))


def option_texts(query: ListQuery) -> tuple[str, str]:
    """Return the filter and the sort of a query as texts for the options."""
    return canonical(query.terms), f"{'-' if query.descending else ''}{query.sort}"
