"""Groups: how many read in each group, how much, how far, and who needs help; no names."""

from datetime import datetime

from readwatch.domain.group_figures import GroupReading
from readwatch.monitor.groups import GroupItem
from readwatch.monitor.snapshots import View
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.tui.format.cells import Cell, Row, TonedText
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import hours_and_minutes, progress_bar, sparkline, trend
from readwatch.tui.views.spec import ViewSpec

_DAYS = 28
_NO_FIGURE = TonedText("·", "muted", plain="")


def row(item: GroupItem, _now: datetime) -> Row:
    """Return the row of a group; figures of a few readers are left out."""
    return Row(
        item.group_id,
        (
            item.name,
            str(item.readers),
            _NO_FIGURE if item.online is None else str(item.online),
            *((_NO_FIGURE,) * 5 if item.reading is None else _figures(item.reading)),
            _NO_FIGURE if item.in_need is None else _need(item.in_need),
        ),
    )


def _figures(reading: GroupReading) -> tuple[Cell, ...]:
    minutes = [seconds // 60 for seconds in reading.seconds_by_day]
    return (
        str(reading.read_today),
        hours_and_minutes(reading.seconds_this_week // 60),
        trend(reading.trend),
        TonedText(sparkline(minutes, _DAYS), "accent", plain=" ".join(map(str, minutes))),
        progress_bar(reading.median_progress),
    )


def _need(readers: int) -> TonedText:
    return TonedText(str(readers or ""), "warn", plain=str(readers))


SPEC: ViewSpec[GroupItem] = ViewSpec(
    options=VIEW_OPTIONS[View.GROUPS],
    columns=(
        Column("name", "Group", width=12, flex=3),
        Column("readers", "Readers", width=7, flex=1, align="right"),
        Column("online", "Online", width=6, flex=1, align="right"),
        Column("read_today", "Today", width=5, flex=1, align="right", about="who read today"),
        Column("seconds_this_week", "This week", width=9, flex=1, align="right"),
        Column("trend", "Trend", width=7, align="right", from_width=96, about="against last week"),
        Column("seconds_by_day", "4 weeks", width=_DAYS, from_width=120, drawn=True),
        Column("median_progress", "Progress", width=11, about="the median of its readers"),
        Column("in_need", "In need", width=7, flex=1, align="right", about="who may need you"),
    ),
    row=row,
    empty="there are no groups yet; an admin adds them with: readwatch group add",
)
