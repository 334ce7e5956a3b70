"""The totals of Online: groups, and today beside the same weekday of the weeks before."""

from datetime import timedelta

import pytest
from conftest import NOON, Cast, Connections, StillClock
from grouped import put_into
from permits import LIST_ACCESS
from reading_app import ReadingApp, add_readers

from readwatch.monitor.online_totals import Today, Totals
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.users import find_user


@pytest.fixture
def console(connected: Connections) -> Database:
    return connected(Role.CONSOLE)


def reads_on(app: ReadingApp, clock: StillClock, weeks_ago: int, times: int, hour: int = 9) -> None:
    clock.moment = NOON.replace(hour=hour) - timedelta(weeks=weeks_ago)
    for _ in range(times):
        app.reads()


def test_today_is_compared_with_the_median_of_the_same_weekday(
    console: Database, ann: ReadingApp, clock: StillClock
) -> None:
    for weeks_ago, times in ((4, 2), (3, 4), (2, 4), (1, 9)):
        reads_on(ann, clock, weeks_ago, times)
    reads_on(ann, clock, 1, 5, hour=15)  # later than now
    reads_on(ann, clock, 0, 6)
    clock.moment = NOON + timedelta(minutes=10)
    ann.reads()  # this hour has not ended
    totals = Totals().of_online(console, LIST_ACCESS, clock())
    assert totals.today == Today(activities=7, trend=50)


def test_without_reading_on_such_days_there_is_no_trend(
    console: Database, ann: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    assert Totals().of_online(console, LIST_ACCESS, clock()).today == Today(1, None)


def test_groups_come_with_those_online_without_groups_of_a_few(
    db: Database, console: Database, cast: Cast, clock: StillClock
) -> None:
    add_readers(db, clock, 5)
    zoes = [find_user(db, f"Zoe{number}@example.org") for number in range(5)]
    put_into(db, "4a", *zoes[:4])
    put_into(db, "4b", *zoes)
    put_into(db, "5a", zoes[0], cast.ann)
    put_into(db, "6a", *zoes[:3], cast.ben)
    for zoe in (zoes[0], zoes[4]):
        ReadingApp(db, zoe, clock).logs_in()
    totals = Totals().of_online(console, LIST_ACCESS, clock())
    assert totals.by_group == (("4b", 2), ("4a", 1), ("6a", 1))


def test_totals_are_kept_for_two_seconds_and_not_for_another_user(
    console: Database, ann: ReadingApp, clock: StillClock
) -> None:
    totals = Totals()
    assert totals.of_online(console, LIST_ACCESS, clock()).logged_in == 0
    ann.logs_in()
    assert totals.of_online(console, LIST_ACCESS, clock.advance(seconds=1)).logged_in == 0
    assert totals.of_online(console, LIST_ACCESS, clock.advance(seconds=1)).logged_in == 1
    ann.logs_out()
    totals.reset()
    assert totals.of_online(console, LIST_ACCESS, clock()).logged_in == 0
