"""Totals of the readers online, and of the activities of a day."""

from datetime import timedelta

import pytest
from conftest import Cast, Connections, StillClock
from grouped import limit, put_into
from reading_app import ReadingApp

from readwatch.domain.presence import Presence
from readwatch.store.audit.log import list_access
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.online_totals import (
    activities_between,
    readers_by_presence,
    readers_who_left,
    readers_who_logged_in,
)

LATELY = timedelta(minutes=5)


@pytest.fixture
def console(connected: Connections) -> Database:
    return connected(Role.CONSOLE)


@pytest.fixture
def ann(db: Database, cast: Cast, clock: StillClock) -> ReadingApp:
    return ReadingApp(db, cast.ann, clock)


@pytest.fixture
def ben(db: Database, cast: Cast, clock: StillClock) -> ReadingApp:
    return ReadingApp(db, cast.ben, clock)


def test_each_reader_is_counted_once_in_one_presence(
    console: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    ReadingApp(ann._db, ann.user, clock).reads()  # on another device
    clock.advance(minutes=3)
    ben.reads()
    assert readers_by_presence(console, ALL_READERS, clock()) == {
        Presence.READING: 1,
        Presence.IDLE: 0,
        Presence.SILENT: 1,
        Presence.LEAVING: 0,
    }


def test_who_logged_in_and_who_left_is_counted_for_some_minutes(
    console: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    def moves() -> tuple[int, int]:
        now = clock()
        return (
            readers_who_logged_in(console, ALL_READERS, now, LATELY),
            readers_who_left(console, ALL_READERS, now, LATELY),
        )

    assert moves() == (0, 0)
    ann.logs_in()
    ben.logs_in()
    assert moves() == (2, 0)
    clock.advance(minutes=1)
    ann.logs_out()
    assert moves() == (1, 1)
    clock.advance(minutes=4, seconds=30)
    assert moves() == (0, 2), "Ben was too long without a heartbeat"
    clock.advance(minutes=1)
    assert moves() == (0, 1)
    ben.logs_in()
    assert moves() == (1, 0), "who is back has not left"


def test_a_day_has_the_activities_that_occurred_in_it(
    console: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    ben.reads()
    hour = clock().replace(minute=0, second=0)
    clock.advance(hours=1)
    ann.reads()
    until = clock() + timedelta(hours=1)
    assert activities_between(console, ALL_READERS, hour, until) == 3
    assert activities_between(console, ALL_READERS, hour, hour + timedelta(hours=1)) == 2
    assert activities_between(console, ALL_READERS, until, until + LATELY) == 0


def test_a_consultant_of_a_group_has_the_totals_of_its_readers(
    db: Database,
    console: Database,
    cast: Cast,
    ann: ReadingApp,
    ben: ReadingApp,
    clock: StillClock,
) -> None:
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    ann.reads()
    ben.reads()
    ben.reads()
    scope, now = list_access(console, cast.cara.id).scope, clock()
    hour = now.replace(minute=0, second=0)
    assert readers_by_presence(console, scope, now)[Presence.READING] == 1
    assert readers_who_logged_in(console, scope, now, LATELY) == 1
    assert activities_between(console, scope, hour, hour + timedelta(hours=1)) == 2
    ann.logs_out()
    assert readers_who_left(console, scope, now, LATELY) == 0
