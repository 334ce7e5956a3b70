"""An open reader's page reads only what can be new since its last picture."""

from collections.abc import Callable

import pytest
from conftest import Cast, Connections, StillClock
from grouped import limit, put_into
from permits import permit_for
from reading_app import ReadingApp, add_readers

from readwatch.monitor import reader_page as opened_page
from readwatch.monitor.reader_page import PAGE_LENGTH, ReaderPage
from readwatch.monitor.snapshots import LiveStats, ReaderSnapshot
from readwatch.store.audit.log import list_access
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.users import find_user

Picture = Callable[[], ReaderSnapshot]


@pytest.fixture
def opened(cast: Cast) -> ReaderPage:
    return ReaderPage(1, permit_for(cast.ann.id))


@pytest.fixture
def picture(connected: Connections, clock: StillClock, opened: ReaderPage) -> Picture:
    console = connected(Role.CONSOLE)

    def picture() -> ReaderSnapshot:
        stats = LiveStats(clock(), online=0, per_minute=())
        return opened.snapshot(console, ALL_READERS, stats, case=None)

    return picture


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


@pytest.fixture
def four_b(db: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock) -> None:
    """Ann, Ben and three Zoes are in 4b, and Ann alone is in a group that sorts first."""
    add_readers(db, clock, 3)
    zoes = [find_user(db, f"Zoe{number}@example.org") for number in range(3)]
    put_into(db, "4b", ann.user, ben.user, *zoes)
    for zoe in zoes[:2]:
        ReadingApp(db, zoe, clock).reads(duration_seconds=1)
    put_into(db, "1a", ann.user)


@pytest.mark.usefixtures("four_b")
def test_a_reader_is_beside_the_first_group_that_has_figures(
    ann: ReadingApp, ben: ReadingApp, picture: Picture, clock: StillClock, db: Database
) -> None:
    clock.advance(days=-7)
    ann.reads(duration_seconds=300)
    ben.reads(duration_seconds=100)
    clock.advance(days=7)
    ann.reads(duration_seconds=60)
    peers = picture().peers
    assert peers is not None
    assert peers.group_name == "4b"
    assert [week.seconds for week in peers.weeks[-2:]] == [300, 60]
    assert [week.median_seconds for week in peers.weeks] == [0, 0, 0, 1]
    ann.reads(duration_seconds=60)
    clock.advance(seconds=30)
    peers = picture().peers
    assert peers is not None
    assert peers.weeks[-1].seconds == 120
    db.execute_sql("UPDATE reader_groups SET deleted_at = created_at")
    assert picture().peers is None


@pytest.mark.usefixtures("four_b")
def test_a_reader_has_no_peers_for_a_consultant_who_does_not_see_the_group(
    db: Database, cast: Cast, opened: ReaderPage, clock: StillClock
) -> None:
    limit(db, cast.cara, "1a")
    scope = list_access(db, cast.cara.id).scope
    stats = LiveStats(clock(), online=0, per_minute=())
    assert opened.snapshot(db, scope, stats, case=None).peers is None


@pytest.mark.usefixtures("four_b")
def test_a_reader_who_is_suspended_has_no_peers(
    db: Database, clock: StillClock, ann: ReadingApp, picture: Picture
) -> None:
    add_readers(db, clock, 1, "Yan")
    put_into(db, "4b", find_user(db, "Yan0@example.org"))
    db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {ann.user.id}")
    assert picture().peers is None
