"""The feed: in the order of arrival, sorted and filtered as far back as it goes."""

from datetime import timedelta

import pytest

from readwatch.domain.activities import Activity
from readwatch.domain.filters import parse
from readwatch.store.lists import feed as store
from readwatch.store.lists.feed import (
    activities_after,
    activity_feed,
    activity_ids,
    activity_rows,
)
from readwatch.store.lists.query import ListQuery

NEWEST = ListQuery("time", descending=True)


def test_the_feed_is_in_the_order_of_arrival_newest_first(db, cast, clock, enter, post):
    ann, ben = enter(cast.ann), enter(cast.ben)
    post(ann, Activity("page_read", content_id="1"))
    post(ben, Activity("page_read", content_id="2", occurred_at=clock() - timedelta(days=9)))
    clock.advance(minutes=-5)  # the server's clock was set back
    post(ann, Activity("page_read", content_id="3"))
    feed = activity_feed(db)
    assert [activity.content_id for activity in feed] == ["3", "2", "1"]
    assert [activity.full_name for activity in feed] == ["Ann Archer", "Ben Baker", "Ann Archer"]


def test_the_feed_goes_on_after_an_id_and_is_no_longer_than_asked(db, cast, enter, post):
    post(enter(cast.ann), *(Activity("page_read", content_id=str(n)) for n in range(10)))
    feed = activity_feed(db)
    assert activities_after(db, feed[3].id, length=2) == (feed[2], feed[1])
    assert activity_feed(db, length=2) == feed[:2]
    assert activities_after(db, feed[0].id, length=2) == ()


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
        ("time", "123", "321"),
        ("name", "132", "321"),
        ("activity", "312", "231"),
        ("title", "213", "123"),
        ("progress", "123", "213"),
        ("duration", "123", "213"),
    ],
)
def test_each_column_sorts_both_ways(db, clock, three_activities, sort, up, down):
    first = activity_feed(db)[-1].id - 1
    for descending, order in ((False, up), (True, down)):
        ids = activity_ids(db, ListQuery(sort, descending), clock()).ids
        assert "".join(str(id - first) for id in ids) == order


@pytest.mark.parametrize(
    ("words", "found"),
    [("ann", "1"), ("reader:ben type:page", "3"), ("length>1m", "2"), ("!momo", "32"), ("x", "")],
)
def test_a_filter_keeps_what_is_meant(db, clock, three_activities, words, found):
    first = activity_feed(db)[-1].id - 1
    ids = activity_ids(db, ListQuery("time", True, parse(words)), clock()).ids
    assert "".join(str(id - first) for id in ids) == found


def test_an_order_is_as_long_as_asked_and_a_filter_goes_back_so_far_only(
    db, cast, clock, enter, post, monkeypatch
):
    monkeypatch.setattr(store, "LOOKED_THROUGH", 6)
    post(enter(cast.ann), *(Activity("page_read", content_title=str(n)) for n in range(10)))
    newest = [activity.id for activity in activity_feed(db)]
    assert list(activity_ids(db, ListQuery("time", True, length=4), clock()).ids) == newest[:4]
    assert list(activity_ids(db, ListQuery("time", False, length=4), clock()).ids) == newest[3::-1]
    assert activity_ids(db, ListQuery("time", True, parse("title:3")), clock()).ids == ()
    assert len(activity_ids(db, ListQuery("time", True, parse("title:4")), clock()).ids) == 1


def test_an_order_tells_whom_each_activity_is_about(db, cast, clock, three_activities):
    found = activity_ids(db, NEWEST, clock())
    assert found.reader_ids == (cast.ben.id, cast.ben.id, cast.ann.id)
    assert len(found.ids) == 3


def test_the_rows_are_the_activities_that_are_asked_for(db, clock, three_activities):
    feed = activity_feed(db)
    rows = activity_rows(db, [feed[2].id, feed[0].id, 4711], clock())
    assert set(rows) == {feed[0], feed[2]}
