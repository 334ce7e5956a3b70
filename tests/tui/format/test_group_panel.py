"""The charts of a group, in panels of all sizes."""

from datetime import date

import pytest

from readwatch.domain.group_figures import GroupDetail, TitleOfGroup, days_until
from readwatch.domain.text import clean
from readwatch.tui.format.group_panel import panel_lines

SUNDAY = date(2026, 11, 22)
HOURS = [[0] * 24 for _ in range(7)]
HOURS[0][8], HOURS[0][9], HOURS[6][23] = 60, 60 * 60, 160 * 60
DETAIL = GroupDetail(
    group_id=1,
    name=clean("4b"),
    days=days_until(SUNDAY),
    seconds_by_day=(0,) * 26 + (3600, 9600),
    seconds_by_hour=tuple(map(tuple, HOURS)),
    titles=(TitleOfGroup(clean("Emma"), 12), TitleOfGroup(clean("The Hobbit"), 3)),
    readers_by_progress=(1, 0, 0, 2, 20),
)
EMPTY = GroupDetail(
    group_id=1,
    name=clean("4b"),
    days=days_until(SUNDAY),
    seconds_by_day=(0,) * 28,
    seconds_by_hour=((0,) * 24,) * 7,
    titles=(),
    readers_by_progress=(0,) * 5,
)


@pytest.mark.parametrize("detail", [DETAIL, EMPTY], ids=["read", "never read"])
@pytest.mark.parametrize("height", [9, 19, 40])
@pytest.mark.parametrize("width", [36, 60, 80, 100, 120, 160, 200])
def test_the_panel_has_room_for_all_its_lines(width: int, height: int, detail: GroupDetail) -> None:
    lines = panel_lines(detail, width, height)
    assert 9 <= len(lines) <= height
    assert max(line.cell_length for line in lines) <= width


def lines_of(width: int, height: int = 9) -> list[str]:
    return [line.plain for line in panel_lines(DETAIL, width, height)]


def test_the_busiest_hour_is_dark_and_the_legend_says_how_busy() -> None:
    labels, monday, *_, sunday, legend = lines_of(36)
    assert labels[labels.index("9")] == "9"
    assert monday == f"  Mon {'·' * 8}░▓{'·' * 14}"
    assert sunday == f"  Sun {'·' * 23}█"
    assert legend == "      ░<10 ▒<40 ▓<90 █90+ min"


def test_wider_panels_say_more() -> None:
    words = ("minutes a day", "how far, by readers", "what, by readers")
    shown = [[word in "\n".join(lines_of(width)) for word in words] for width in (36, 80, 110, 160)]
    assert shown == [
        [False, False, False],
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_high_panels_have_two_rows_of_charts() -> None:
    lines = lines_of(160, 21)
    assert lines[9] == ""
    assert "what, by readers" in lines[10]
    assert [line.split()[-1] for line in lines[11:16]] == ["1", "%", "%", "2", "20"]
    assert lines[11].split()[:2] == ["Emma", "12"]
    assert lines[1].startswith(f"  Mon {'· ' * 8}░░▓▓· ")


def test_a_group_that_reads_nothing_says_so() -> None:
    assert "nothing in 4 weeks" in "\n".join(line.plain for line in panel_lines(EMPTY, 160, 9))
