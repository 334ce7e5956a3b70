"""The days of a reader as pictures."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readwatch.domain.group_figures import Peers, WeekOfPeers
from readwatch.domain.reading import DayOfReading, first_day
from readwatch.domain.text import clean
from readwatch.tui.format import text
from readwatch.tui.format.charts import (
    CALENDAR_WIDTH,
    CHART_LINES,
    PEERS_WIDTH,
    PLOT_MIN_WIDTH,
    calendar,
    daily_minutes_line,
    peer_weeks,
    plot,
)

SUNDAY = date(2026, 11, 22)


def weeks(minutes: dict[date, int], today: date = SUNDAY) -> tuple[DayOfReading, ...]:
    """Twelve weeks with some days on which was read."""
    first = first_day(today)
    days = (first + timedelta(days=n) for n in range((today - first).days + 1))
    return tuple(DayOfReading(day, timedelta(minutes=minutes.get(day, 0))) for day in days)


def painted(lines: Sequence[object]) -> list[str]:
    return [str(line).rstrip() for line in lines]


def test_the_calendar_has_a_column_a_week_months_above_and_today_in_brackets() -> None:
    read = {date(2026, 9, 7): 1, date(2026, 9, 8): 15, date(2026, 11, 20): 30, SUNDAY: 600}
    assert painted(calendar(weeks(read))) == [
        "       Sep         Oct         Nov",
        "Mon ·· ░░ ·· ·· ·· ·· ·· ·· ·· ·· ·· ··",
        "Tue ·· ▒▒ ·· ·· ·· ·· ·· ·· ·· ·· ·· ··",
        "Wed ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ··",
        "Thu ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ··",
        "Fri ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ▓▓",
        "Sat ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ··",
        "Sun ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ··[██]",
        "    ░░ <15  ▒▒ <30  ▓▓ <60  ██ 60+ min",
    ]


def test_days_that_are_still_to_come_have_no_cell() -> None:
    monday = SUNDAY + timedelta(days=1)
    lines = painted(calendar(weeks({monday: 20}, today=monday)))
    assert lines[1].endswith(" ··[▒▒]")
    assert {len(line) for line in lines[2:8]} == {len("Tue") + 11 * 3}


def test_the_plot_has_a_bar_a_day_a_scale_and_the_date_of_each_monday() -> None:
    read = {SUNDAY: 60, SUNDAY - timedelta(days=1): 30, SUNDAY - timedelta(days=27): 1}
    assert painted(plot(weeks(read), 37)) == [
        "        minutes a day",
        "   1 h ┤                           █",
        "       │                           █",
        "       │                           █",
        "30 min ┤                          ██",
        "       │                          ██",
        "       │▁                         ██",
        "       └┴──────┴──────┴──────┴──────",
        "        26 Oct 2 Nov  9 Nov  16 Nov",
    ]


def test_a_wide_plot_has_wide_bars_and_a_narrow_one_has_fewer_days() -> None:
    read = {SUNDAY: 60, SUNDAY - timedelta(days=1): 60}
    assert painted(plot(weeks(read), 100))[1].endswith(" ██ ██")
    narrow = painted(plot(weeks(read), PLOT_MIN_WIDTH))
    assert narrow[1].endswith("██")
    assert "9 Nov" in narrow[-1]
    assert "2 Nov" not in narrow[-1].split("9 Nov")[0]


def test_nothing_read_is_an_empty_plot_with_a_scale() -> None:
    lines = painted(plot(weeks({}), 40))
    assert lines[1] == "10 min ┤"
    assert not set("".join(lines)) & set(text.BARS)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 1500), min_size=78, max_size=84), st.integers(PLOT_MIN_WIDTH, 240))
def test_the_snapshots_keep_to_their_lines_and_their_width(minutes: list[int], width: int) -> None:
    first = first_day(SUNDAY)
    days = tuple(
        DayOfReading(first + timedelta(days=n), timedelta(minutes=read))
        for n, read in enumerate(minutes)
    )
    bars, cells = plot(days, width), calendar(days)
    assert (len(bars), len(cells)) == (CHART_LINES, CHART_LINES)
    assert max(line.cell_length for line in bars) <= width
    assert max(line.cell_length for line in cells) <= CALENDAR_WIDTH
    bar = set("".join(map(str, plot(days[-1:], width)))) & set(text.BARS)
    assert bool(bar) == (days[-1].minutes > 0)  # seen where something was read, and only there


@pytest.mark.parametrize(
    ("minutes", "width", "line"),
    [([0, 0], 2, "▁▁"), ([0, 1, 700], 3, "▁▂▇"), ([9, 1, 2], 2, "▄▇"), ([3], 0, "")],
)
def test_a_trace_shows_the_last_days_and_each_on_which_was_read(
    minutes: list[int], width: int, line: str
) -> None:
    days = [DayOfReading(SUNDAY, timedelta(minutes=read)) for read in minutes]
    assert daily_minutes_line(days, width) == line


def test_each_week_has_two_bars_and_the_longest_is_the_most() -> None:
    weeks = (
        WeekOfPeers(date(2026, 11, 9), 0, 3600),
        WeekOfPeers(date(2026, 11, 16), 7200, 60),
    )
    lines = [line.plain for line in peer_weeks(Peers(clean("a group of a long name"), weeks))]
    assert lines == [
        "by week ━ and ┄ median of a gro…",
        "9 Nov                      0 min",
        "       ┄┄┄┄┄┄┄┄           1 h 00",
        "16 Nov ━━━━━━━━━━━━━━━    2 h 00",
        "       ┄                   1 min",
    ]
    assert {len(line) for line in lines} == {PEERS_WIDTH}
