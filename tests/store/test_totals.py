"""The activities of all readers per minute, and the heartbeats that are overdue."""

from datetime import timedelta

import pytest
from conftest import NOON

from readwatch.domain.activities import Activity
from readwatch.domain.arrivals import NO_ARRIVALS, Arrivals, Heartbeats, Stop, arrivals_after
from readwatch.domain.presence import SILENT_AFTER
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.identity.sessions import end_session
from readwatch.store.totals import activities_per_minute, heartbeats


def test_the_last_sixty_minutes_are_all_there_the_running_one_last(db, cast, clock, enter, post):
    ann = enter(cast.ann)
    clock.advance(seconds=30)
    moments = [clock() - timedelta(minutes=n) for n in (0, 0, 5, 59, 60)]
    post(ann, *(Activity("page_read", occurred_at=moment) for moment in moments))
    post(ann, Activity("bookmark_added"))
    counted = activities_per_minute(db, ALL_READERS, clock())
    this_minute = clock().replace(second=0)
    assert [count.minute for count in counted] == [
        this_minute - timedelta(minutes=n) for n in range(59, -1, -1)
    ]
    busy = {59 - n: count.activities for n, count in enumerate(counted) if count.activities}
    assert busy == {0: 3, 5: 1, 59: 1}


@pytest.fixture
def enter_at(clock, join, enter):
    """`enter_at(seconds, …)` lets one new reader after the other log in, at seconds after noon."""
    noon = clock()

    def enter_at(*moments):
        entered = []
        for seconds in moments:
            clock.moment = noon + timedelta(seconds=seconds)
            entered.append(enter(join(f"Reader{seconds}")))
        return entered

    return enter_at


def test_readers_are_counted_before_the_newest_heartbeat_that_is_overdue(db, clock, enter_at):
    noon = clock()
    assert heartbeats(db, noon, NO_ARRIVALS) == Heartbeats()
    sessions = enter_at(-300, -299, -120, -119, -60, 0, 1, 60)
    clock.moment = noon + SILENT_AFTER
    assert heartbeats(db, clock(), NO_ARRIVALS) == Heartbeats(
        newest=noon + timedelta(seconds=60), silent_since=noon, together=3, earlier=2, later=2
    )
    for session in sessions:
        end_session(db, session, clock())
    assert heartbeats(db, clock(), NO_ARRIVALS) == Heartbeats()


def test_heartbeats_on_time_are_no_silence(db, cast, clock, enter):
    enter(cast.ann)
    assert heartbeats(db, clock(), NO_ARRIVALS) == Heartbeats(newest=clock())


def test_an_app_that_logs_in_five_times_is_one_reader(db, cast, clock, enter):
    for _ in range(5):
        enter(cast.ann)
        clock.advance(seconds=20)
    clock.advance(minutes=5)
    silent = heartbeats(db, clock(), NO_ARRIVALS)
    assert (silent.together, silent.earlier) == (1, 0)
    assert arrivals_after(NO_ARRIVALS, silent, clock()).stop is None


def test_a_stop_ends_with_its_sessions_although_other_readers_are_overdue(db, clock, enter_at):
    silent = enter_at(*range(20))
    clock.advance(minutes=5)
    stopped = arrivals_after(NO_ARRIVALS, heartbeats(db, clock(), NO_ARRIVALS), clock())
    assert stopped.stop == Stop(NOON + timedelta(seconds=19), 20)
    for session in silent[:10]:
        end_session(db, session, clock())
    enter_at(*range(14_400, 14_402), *range(14_700, 14_706))  # two of these are overdue
    clock.moment = NOON + timedelta(seconds=14_700)
    half = heartbeats(db, clock(), stopped)
    assert half == Heartbeats(newest=clock(), still_silent=10, on_time=1)
    clock.moment = NOON + timedelta(seconds=14_706)
    assert arrivals_after(stopped, half, clock()).stop == stopped.stop
    end_session(db, silent[10], clock())
    ended = heartbeats(db, clock(), stopped)
    assert ended == Heartbeats(newest=NOON + timedelta(seconds=14_705), still_silent=9, on_time=6)
    assert arrivals_after(stopped, ended, clock()).stop is None


def test_a_console_that_starts_after_a_stop_knows_it_although_one_reader_came_back_and_left(
    db, clock, enter_at
):
    enter_at(*range(9), 240)
    clock.moment = NOON + timedelta(minutes=20)
    begun = arrivals_after(NO_ARRIVALS, heartbeats(db, clock(), NO_ARRIVALS), clock())
    assert begun.stop == Stop(NOON + timedelta(seconds=8), 9)
    enter_at(*range(1200, 1209))
    clock.moment = NOON + timedelta(minutes=20, seconds=9)
    with_others = arrivals_after(NO_ARRIVALS, heartbeats(db, clock(), NO_ARRIVALS), clock())
    assert with_others.stop is None


def test_during_a_stop_no_more_readers_are_counted_than_fell_silent(db, clock, enter_at):
    enter_at(*range(-8, 0), *range(1, 9))
    during = heartbeats(db, clock(), Arrivals(NOON, Stop(NOON, 5)))
    assert (during.still_silent, during.on_time) == (5, 5)
