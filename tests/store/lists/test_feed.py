"""The feed: in the order of arrival, sorted and filtered as far back as it goes."""

from datetime import timedelta

import pytest
from permits import LIST_ACCESS, permit_for

from readwatch.domain.activities import Activity
from readwatch.domain.filters import parse
from readwatch.store import reader_data
from readwatch.store.lists import feed as store
from readwatch.store.lists.feed import (
    activities_after,
    activity_feed,
    activity_ids,
    activity_rows,
)
from readwatch.store.lists.query import FIRST_PAGE, ListQuery

NEWEST = ListQuery("created_at", descending=True)


def test_the_feed_is_in_the_order_of_arrival_newest_first(db, cast, clock, enter, post):
    ann, ben = enter(cast.ann), enter(cast.ben)
    post(ann, Activity("page_read", content_id="1"))
    post(ben, Activity("page_read", content_id="2", occurred_at=clock() - timedelta(days=9)))
    clock.advance(minutes=-5)  # the server's clock was set back
    post(ann, Activity("page_read", content_id="3"))
    feed = activity_feed(db, LIST_ACCESS)
    assert [activity.content_id for activity in feed] == ["3", "2", "1"]
    assert [activity.full_name for activity in feed] == ["Ann Archer", "Ben Baker", "Ann Archer"]


def test_the_feed_goes_on_after_an_id_and_is_no_longer_than_asked(db, cast, enter, post):
    post(enter(cast.ann), *(Activity("page_read", content_id=str(n)) for n in range(10)))
    feed = activity_feed(db, LIST_ACCESS)
    assert activities_after(db, LIST_ACCESS, feed[3].id, length=2) == (feed[2], feed[1])
    assert activity_feed(db, LIST_ACCESS, length=2) == feed[:2]
    assert activities_after(db, LIST_ACCESS, feed[0].id, length=2) == ()


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
    first = activity_feed(db, LIST_ACCESS)[-1].id - 1
    for descending, order in ((False, up), (True, down)):
        ids = activity_ids(db, LIST_ACCESS, ListQuery(sort, descending), clock()).ids
        assert "".join(str(id - first) for id in ids) == order


@pytest.mark.parametrize(
    ("words", "found"),
    [("ann", "1"), ("name:ben type:page", "3"), ("duration>1m", "2"), ("!momo", "32"), ("x", "")],
)
def test_a_filter_keeps_what_is_meant(db, clock, three_activities, words, found):
    first = activity_feed(db, LIST_ACCESS)[-1].id - 1
    ids = activity_ids(db, LIST_ACCESS, ListQuery("created_at", True, parse(words)), clock()).ids
    assert "".join(str(id - first) for id in ids) == found


@pytest.mark.parametrize("title", [None, ""])
def test_without_a_title_an_activity_has_the_last_title_of_its_content(
    db, cast, clock, enter, post, title
):
    ann, ben = enter(cast.ann), enter(cast.ben)
    post(ann, Activity("page_read", "faust", "Faust"), Activity("page_read", "faust", title))
    post(ben, Activity("page_read", "faust", title))
    assert [it.content_title for it in activity_feed(db, LIST_ACCESS)] == ["", "Faust", "Faust"]
    pages = reader_data.activities(db, permit_for(cast.ann.id))
    assert [page.content_title for page in pages] == ["Faust", "Faust"]
    query = ListQuery("created_at", True, parse("title:faust"))
    assert len(activity_ids(db, LIST_ACCESS, query, clock()).ids) == 2


def test_an_order_is_as_long_as_asked_and_a_filter_goes_back_so_far_only(
    db, cast, clock, enter, post, monkeypatch
):
    monkeypatch.setattr(store, "MAX_ROWS_SEARCHED", 6)
    post(enter(cast.ann), *(Activity("page_read", content_title=str(n)) for n in range(10)))
    newest = [activity.id for activity in activity_feed(db, LIST_ACCESS)]

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
    feed = activity_feed(db, LIST_ACCESS)
    rows = activity_rows(db, LIST_ACCESS, [feed[2].id, feed[0].id, 4711], clock())
    assert set(rows) == {feed[0], feed[2]}
