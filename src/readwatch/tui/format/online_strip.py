"""The strip above Online: totals in one line, and the groups in another."""

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from readwatch.domain.plural import counted
from readwatch.monitor.online_totals import LATELY, OnlineTotals, Today
from readwatch.tui.format.cells import TONE_STYLES
from readwatch.tui.format.columns import with_stable_width
from readwatch.tui.format.text import presence_mark, trend

_GAP = "   "


def strip_lines(totals: OnlineTotals, now: datetime, width: int) -> Iterator[Content]:
    """Yield a line of totals and, if there are groups with readers online, one of groups; parts
    that do not fit in `width` cells are left out."""
    minutes = int(LATELY.total_seconds() // 60)
    moves = f"{totals.logged_in} logged in, {totals.left} left in {minutes} min"
    line = _fitting([*_presences(totals), Content(moves)], width)
    for today in _today(totals.today, now):
        if line.cell_length + len(_GAP) + today.cell_length <= width:
            line = Content.assemble(line, _GAP, today)
            break
    yield line
    if totals.by_group:
        yield _fitting([*_groups(totals)], width)


def _presences(totals: OnlineTotals) -> Iterator[Content]:
    for presence, readers in totals.by_presence.items():
        mark = presence_mark(presence)
        style = TONE_STYLES[mark.tone] if readers else "dim"
        yield Content.assemble((mark.text, style), f" {readers} ", (str(presence), "dim"))


def _today(today: Today, now: datetime) -> Iterator[Content]:
    """Yield the activities of today in words, from the most to the fewest."""
    activities = counted(today.activities, "activity", "activities")
    change = f" {trend(today.trend)}" if today.trend is not None else ""
    usual = f" on a usual {now.astimezone():%A}" if change else ""
    yield Content.assemble(f"{activities} today", (f"{change}{usual}", "dim"))
    yield Content.assemble(f"{today.activities:,} today", (change, "dim"))


def _groups(totals: OnlineTotals) -> Iterator[Content]:
    for name, readers in totals.by_group:
        yield Content.assemble((with_stable_width(name), "dim"), f" {readers}")


def _fitting(parts: list[Content], width: int) -> Content:
    """Return as many of the parts, from the first one on, as fit."""
    line = Content("")
    for number, part in enumerate(parts):
        longer = Content.assemble(line, _GAP if number else "", part)
        if longer.cell_length > width:
            break
        line = longer
    return line
