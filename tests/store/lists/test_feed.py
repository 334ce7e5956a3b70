"""The feed: in the order of arrival, sorted and filtered as far back as it goes."""

from datetime import timedelta

import pytest
from listed import newest_activities
from permits import LIST_ACCESS, ROW_ACCESS, permit_for

from readwatch.domain.activities import Activity
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.filters import parse
from readwatch.store import reader_data
from readwatch.store.lists import feed as store
from readwatch.store.lists.feed import (
    activity_ids,
    activity_rows,
    feed_page,
)
from readwatch.store.lists.query import FIRST_PAGE, ListQuery

NEWEST = ListQuery("created_at", descending=True)


def test_the_feed_is_in_the_order_of_arrival_newest_first(db, cast, clock, enter, post):
    ann, ben = enter(cast.ann), enter(cast.ben)
    post(ann, Activity("page_read", content_id="1"))
    post(ben, Activity("page_read", content_id="2", occurred_at=clock() - timedelta(days=9)))
    clock.advance(minutes=-5)  # the server's clock was set back
    post(ann, Activity("page_read", content_id="3"))
    feed = newest_activities(db, clock())
    assert [activity.content_id for activity in feed] == ["3", "2", "1"]
    assert [activity.full_name for activity in feed] == ["Ann Archer", "Ben Baker", "Ann Archer"]


def test_a_page_of_the_feed_goes_on_after_an_id_and_is_no_longer_than_asked(
    db, cast, clock, enter, post
):
    post(enter(cast.ann), *(Activity("page_read", content_id=str(n)) for n in range(10)))
    ids = [activity.id for activity in newest_activities(db, clock())][::-1]

    def page(after: int | None) -> list[int]:
        result = feed_page(db, LIST_ACCESS, after=after, length=2)
        assert result.reader_ids == (cast.ann.id,) * len(result.ids)
        return list(result.ids)

    assert page(after=ids[6]) == ids[7:9]
    assert page(after=ids[9]) == []
    assert page(after=None) == ids[8:]


def test_the_feed_goes_back_so_far_and_says_where_it_begins(
    db, cast, clock, enter, post, monkeypatch
):
    monkeypatch.setattr(store, "MAX_ROWS_SEARCHED", 6)
    post(enter(cast.ann), *(Activity("page_read", content_id=str(n)) for n in range(10)))
    ids = [activity.id for activity in newest_activities(db, clock())][::-1]
    assert feed_page(db, LIST_ACCESS, after=ids[3], length=50).ids == tuple(ids[4:])
    with pytest.raises(ReadwatchError, match=f"use {ids[3]} or a later id") as refused:
        feed_page(db, LIST_ACCESS, after=ids[2], length=1)
    assert (refused.value.kind, refused.value.field) == (ErrorKind.INVALID, "after")
    db.execute_sql("DELETE FROM activity_receipts")
    db.execute_sql(f"DELETE FROM reader_activities WHERE id BETWEEN {ids[1]} AND {ids[4]}")
    assert feed_page(db, LIST_ACCESS, after=0, length=50).ids == (ids[0], *ids[5:])


@pytest.fixture
def three_activities(cast, enter, post):
    """Oldest first: a page of Ann's, a quiz of Ben's, a page of Ben's without a title."""
    ann, ben = enter(cast.ann), enter(cast.ben)
    post(ann, Activity("page_read", "momo", "Momo", 10, duration_seconds=50))
    post(ben, Activity("quiz_completed", "faust", "Faust", 90, duration_seconds=200))
    post(ben, Activity("page_read", "faust"))


@pytest.mark.parametrize(
    ("sort", "up", "down"),
    [
        ("created_at", "123", "321"),
        ("full_name", "132", "321"),
        ("activity_type", "312", "231"),
        ("content_title", "321", "132"),
        ("progress_percentage", "123", "213"),
        ("duration_seconds", "123", "213"),
    ],
)
def test_each_column_sorts_both_ways(db, clock, three_activities, sort, up, down):
    first = newest_activities(db, clock())[-1].id - 1
    for descending, order in ((False, up), (True, down)):
        ids = activity_ids(db, LIST_ACCESS, ListQuery(sort, descending), clock()).ids
        assert "".join(str(id - first) for id in ids) == order


@pytest.mark.parametrize(
    ("words", "found"),
    [("ann", "1"), ("name:ben type:page", "3"), ("duration>1m", "2"), ("!momo", "32"), ("x", "")],
)
def test_a_filter_keeps_what_is_meant(db, clock, three_activities, words, found):
    first = newest_activities(db, clock())[-1].id - 1
    ids = activity_ids(db, LIST_ACCESS, ListQuery("created_at", True, parse(words)), clock()).ids
    assert "".join(str(id - first) for id in ids) == found


@pytest.mark.parametrize("title", [None, ""])
def test_without_a_title_an_activity_has_the_last_title_of_its_content(
    db, cast, clock, enter, post, title
):
    ann, ben = enter(cast.ann), enter(cast.ben)
    post(ann, Activity("page_read", "faust", "Faust"), Activity("page_read", "faust", title))
    post(ben, Activity("page_read", "faust", title))
    assert [it.content_title for it in newest_activities(db, clock())] == ["", "Faust", "Faust"]
    pages = reader_data.activities(db, permit_for(cast.ann.id))
    assert [page.content_title for page in pages] == ["Faust", "Faust"]
    query = ListQuery("created_at", True, parse("title:faust"))
    assert len(activity_ids(db, LIST_ACCESS, query, clock()).ids) == 2


def test_an_order_is_as_long_as_asked_and_a_filter_goes_back_so_far_only(
    db, cast, clock, enter, post, monkeypatch
):
    monkeypatch.setattr(store, "MAX_ROWS_SEARCHED", 6)
    post(enter(cast.ann), *(Activity("page_read", content_title=str(n)) for n in range(10)))
    newest = [activity.id for activity in newest_activities(db, clock())]

    def ids(*, descending: bool = True, length: int = FIRST_PAGE, words: str = "") -> list[int]:
        query = ListQuery("created_at", descending, parse(words), length)
        return list(activity_ids(db, LIST_ACCESS, query, clock()).ids)

    assert ids(length=4) == newest[:4]
    assert ids(length=4, descending=False) == newest[3::-1]
    assert ids(words="title:3") == []
    assert len(ids(words="title:4")) == 1


def test_an_order_tells_whom_each_activity_is_about(db, cast, clock, three_activities):
    found = activity_ids(db, LIST_ACCESS, NEWEST, clock())
    assert found.reader_ids == (cast.ben.id, cast.ben.id, cast.ann.id)
    assert len(found.ids) == 3


def test_the_rows_are_the_activities_that_are_asked_for(db, clock, three_activities):
    feed = newest_activities(db, clock())
    rows = activity_rows(db, ROW_ACCESS, [feed[2].id, feed[0].id, 4711], clock())
    assert set(rows) == {feed[0], feed[2]}
