"""The columns and rows of the views, one file each: data and pure functions."""

from collections.abc import Mapping
from typing import Any

from readwatch.monitor.snapshots import View
from readwatch.tui.views import access_log, activity, attention, day, groups, online, readers
from readwatch.tui.views.spec import ViewSpec

VIEW_SPECS: Mapping[View, ViewSpec[Any]] = {
    View.ONLINE: online.SPEC,
    View.ACTIVITY: activity.SPEC,
    View.READERS: readers.SPEC,
    View.ATTENTION: attention.SPEC,
    View.ACCESS_LOG: access_log.SPEC,
    View.GROUPS: groups.SPEC,
    View.DAY: day.SPEC,
}
