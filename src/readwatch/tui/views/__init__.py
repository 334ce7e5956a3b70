"""The views of the overview, one file each: what they show, as data and pure functions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from readwatch.tui.attention import Attention
from readwatch.tui.snapshots import View
from readwatch.tui.views import activity, attention, online, readers
from readwatch.tui.views.listing import Listing

LISTINGS: Mapping[View, Listing[Any]] = {
    View.ONLINE: online.LISTING,
    View.ACTIVITY: activity.LISTING,
    View.READERS: readers.LISTING,
    View.ATTENTION: attention.LISTING,
}


def listings_with(looking: Attention) -> Mapping[View, Listing[Any]]:
    """Return the views, with Attention as the last look of `looking` has found it."""
    found = replace(attention.LISTING, order=looking.order, items=looking.items)
    return {**LISTINGS, View.ATTENTION: found}
