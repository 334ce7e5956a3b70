"""An open reader's page reads only what can be new since its last picture."""

from collections.abc import Callable

import pytest
from conftest import Cast, StillClock
from permits import permit_for
from reading_app import ReadingApp

from readwatch.monitor import reader_page as opened_page
from readwatch.monitor.reader_page import PAGE_LENGTH, ReaderPage
from readwatch.monitor.snapshots import LiveStats, ReaderSnapshot
from readwatch.store.engine.connections import Database

Picture = Callable[[], ReaderSnapshot]


@pytest.fixture
def opened(cast: Cast) -> ReaderPage:
    return ReaderPage(1, permit_for(cast.ann.id))


@pytest.fixture
def picture(db: Database, clock: StillClock, opened: ReaderPage) -> Picture:
    return lambda: opened.snapshot(
        db, LiveStats(clock(), online=0, per_minute=(), peak=None), case=None
    )


def test_older_activities_are_read_once_however_often_they_are_asked_for(
    ann: ReadingApp, opened: ReaderPage, picture: Picture
) -> None:
    for _ in range(PAGE_LENGTH + 20):
        ann.reads()
    page = picture()
    assert (len(page.activities), page.has_older) == (PAGE_LENGTH, True)
    oldest = page.activities[-1].id
    assert opened.read_older(oldest)
    page = picture()
    assert (len(page.activities), page.has_older) == (PAGE_LENGTH + 20, False)
    assert not opened.read_older(oldest)
    ann.reads()
    ids = [activity.id for activity in picture().activities]
    assert len(ids) == len(set(ids)) == PAGE_LENGTH + 21
    assert ids == sorted(ids, reverse=True)


def test_no_activity_is_missing_when_many_arrive_between_two_snapshots(
    ann: ReadingApp, opened: ReaderPage, picture: Picture
) -> None:
    ann.reads()
    first = picture().activities[0].id
    for _ in range(PAGE_LENGTH + 1):
        ann.reads()
    page = picture()
    assert (len(page.activities), page.has_older) == (PAGE_LENGTH, True)
    assert opened.read_older(page.activities[-1].id)
    assert picture().activities[-1].id == first


def test_a_page_that_is_left_open_keeps_the_newest(
    ann: ReadingApp, opened: ReaderPage, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened_page, "MAX_ACTIVITIES", PAGE_LENGTH + 50)
    ann.reads_all(f"Book {number}" for number in range(PAGE_LENGTH + 40))
    assert opened.read_older(picture().activities[-1].id)
    page = picture()
    assert (len(page.activities), page.has_older) == (PAGE_LENGTH + 40, False)
    for number in range(20):
        ann.reads(f"Later {number}")
        page = picture()
    titles = [activity.content_title for activity in page.activities]
    assert (len(titles), titles[0], titles[-1]) == (PAGE_LENGTH + 50, "Later 19", "Book 10")
    assert page.has_older
    assert not opened.read_older(page.activities[-1].id)


def test_the_sessions_of_the_weeks_are_read_once_a_day(
    ann: ReadingApp, clock: StillClock, db: Database, picture: Picture
) -> None:
    ann.logs_in()
    clock.advance(minutes=30)
    ann.sends_a_heartbeat()
    assert picture().days[-1].minutes == 30
    clock.advance(minutes=10)
    ann.sends_a_heartbeat()
    assert picture().days[-1].minutes == 40
    db.execute_sql("DELETE FROM reader_sessions")
    assert picture().days[-1].minutes == 30
    clock.advance(days=1)
    assert [day.minutes for day in picture().days[-2:]] == [0, 0]
