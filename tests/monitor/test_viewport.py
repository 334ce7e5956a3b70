"""What is in view of an order, before and after it changes."""

import pytest

from readwatch.monitor.viewport import (
    Viewport,
    ids_near_viewport,
    row_order,
    top_index,
    with_departed_row,
)

THOUSAND = row_order(range(1000))


def sight(top: int, cursor: int | None, *, height: int = 20) -> Viewport:
    ids = tuple(range(top, top + height))
    return Viewport(height, top, ids, cursor, follows=False)


@pytest.mark.parametrize(("top", "seen"), [(0, (0, 40)), (500, (480, 540)), (980, (960, 1000))])
def test_a_window_is_what_is_in_view_and_a_screen_around_it(
    top: int, seen: tuple[int, int]
) -> None:
    assert ids_near_viewport(THOUSAND, top, 20) == tuple(range(*seen))


def test_who_follows_the_top_sees_it_whatever_comes() -> None:
    assert top_index(row_order(range(-5, 1000)), Viewport(20, 0, tuple(range(20)), 0)) == 0


@pytest.mark.parametrize(
    ("later", "cursor", "top"),
    [
        pytest.param([*range(2000, 2007), *range(1000)], 505, 507, id="seven come above"),
        pytest.param([*range(100, 1000)], 505, 400, id="a hundred above go"),
        pytest.param(
            [*range(505), *range(506, 1000)],
            505,
            499,
            id="the cursor's row goes, most are below it",
        ),
        pytest.param([*range(2000, 2007), *range(1000)], 3, 507, id="the cursor is elsewhere"),
        pytest.param([*range(505, 1000), *range(505)], 505, 0, id="the cursor's row is the first"),
        pytest.param([*range(2000, 2100)], 505, 80, id="all others, and fewer"),
        pytest.param([], 505, 0, id="nobody"),
    ],
)
def test_the_rows_that_were_in_view_stay_where_they_are(
    later: list[int], cursor: int, top: int
) -> None:
    assert top_index(row_order(later), sight(500, cursor)) == top


def test_a_departed_row_stays_below_the_nearest_remaining_row_above_it() -> None:
    before = row_order([1, 2, 3, 4, 5])
    assert with_departed_row(row_order([1, 5]), before, 4).ids == (1, 4, 5)
    assert with_departed_row(row_order([5, 9]), before, 4).ids == (4, 5, 9)
    assert with_departed_row(row_order([]), before, 4).ids == (4,)
