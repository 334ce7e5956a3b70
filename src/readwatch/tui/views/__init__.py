"""The views of the overview, one file each: what they show, as data and pure functions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from readwatch.domain.users import User
from readwatch.monitor.attention import Attention
from readwatch.monitor.snapshots import View
from readwatch.tui.views import access_log, activity, attention, online, readers
from readwatch.tui.views.spec import ViewSpec

VIEW_SPECS: Mapping[View, ViewSpec[Any]] = {
    View.ONLINE: online.LISTING,
    View.ACTIVITY: activity.LISTING,
    View.READERS: readers.LISTING,
    View.ATTENTION: attention.LISTING,
    View.ACCESS_LOG: access_log.LISTING,
}


def view_specs(looking: Attention, asker: User | None = None) -> Mapping[View, ViewSpec[Any]]:
    """Return the views, with Attention as the last look of `looking` has found it, and the access
    log with what `asker` may see by now.
    """
    found = replace(attention.LISTING, order=looking.ids, items=looking.items)
    log = access_log.LISTING if asker is None else access_log.listing_of(asker)
    return {**VIEW_SPECS, View.ATTENTION: found, View.ACCESS_LOG: log}
