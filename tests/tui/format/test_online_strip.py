"""The strip above Online, in as many words as fit."""

import pytest
from conftest import NOON

from readwatch.domain.presence import Presence
from readwatch.domain.text import clean
from readwatch.monitor.online_totals import OnlineTotals, Today
from readwatch.tui.format.online_strip import strip_lines

TOTALS = OnlineTotals(
    by_presence={
        Presence.READING: 96,
        Presence.IDLE: 19,
        Presence.SILENT: 0,
        Presence.LEAVING: 4,
    },
    by_group=((clean("4a"), 11), (clean("4b"), 9)),
    logged_in=12,
    left=3,
    today=Today(2184, 12),
)
STATES = "● 96 reading   ◐ 19 idle   ○ 0 silent   ◌ 4 leaving   12 logged in, 3 left in 5 min"


@pytest.mark.parametrize(
    ("width", "first"),
    [
        (156, f"{STATES}   2,184 activities today ▲ 12 % on a usual Sunday"),
        (116, f"{STATES}   2,184 today ▲ 12 %"),
        (90, STATES),
        (60, "● 96 reading   ◐ 19 idle   ○ 0 silent   ◌ 4 leaving"),
    ],
)
def test_what_does_not_fit_is_left_out(width: int, first: str) -> None:
    lines = [line.plain for line in strip_lines(TOTALS, NOON, width)]
    assert lines == [first, "4a 11   4b 9"]


def test_without_weeks_before_and_without_groups_neither_is_mentioned() -> None:
    totals = OnlineTotals({}, (), logged_in=0, left=0, today=Today(1, None))
    assert [line.plain for line in strip_lines(totals, NOON, 100)] == [
        "0 logged in, 0 left in 5 min   1 activity today"
    ]
