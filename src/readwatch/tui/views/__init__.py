"""The views of the overview, one file each: what they show, as data and pure functions."""

from collections.abc import Mapping
from typing import Any

from readwatch.tui.snapshots import View
from readwatch.tui.views import activity, online, readers
from readwatch.tui.views.listing import Listing

LISTINGS: Mapping[View, Listing[Any]] = {
    View.ONLINE: online.LISTING,
    View.ACTIVITY: activity.LISTING,
    View.READERS: readers.LISTING,
}
