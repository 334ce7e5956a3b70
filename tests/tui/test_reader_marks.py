"""Marks of readers for a comparison."""

import pytest

from readwatch.tui.reader_marks import compared, toggled


def test_a_third_mark_replaces_the_oldest_and_another_press_takes_it_back() -> None:
    marked: tuple[int, ...] = ()
    for reader_id in (1, 2, 3):
        marked = toggled(marked, reader_id)
    assert marked == (2, 3)
    assert toggled(marked, 2) == (3,)


@pytest.mark.parametrize(
    ("marked", "reader_id", "both"),
    [
        ((1, 2), 3, (1, 2)),
        ((1,), 3, (1, 3)),
        ((1,), 1, None),
        ((1,), None, None),
        ((), 3, None),
    ],
)
def test_two_readers_are_compared(
    marked: tuple[int, ...], reader_id: int | None, both: tuple[int, int] | None
) -> None:
    assert compared(marked, reader_id) == both
