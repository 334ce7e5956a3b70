"""The way from one reader's page to the next."""

from readwatch.tui.reader_pager import ReaderPager


def test_the_pager_goes_through_the_list_and_stops_at_its_ends() -> None:
    first = ReaderPager("online", (7, 3, 9), 0)
    second = first.step(1)
    assert second is not None
    last = second.step(1)
    assert last is not None
    assert [walk.reader_id for walk in (first, second, last)] == [7, 3, 9]
    assert [str(walk) for walk in (first, second, last)] == ["1 of 3", "2 of 3", "3 of 3"]
    assert first.step(-1) is None
    assert last.step(1) is None
    assert last.step(-1) == second
