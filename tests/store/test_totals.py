"""The activities of all readers per minute, and the heartbeats that are overdue."""

from datetime import timedelta

from readwatch.domain.activities import Activity
from readwatch.domain.arrivals import Heartbeats
from readwatch.domain.presence import SILENT_AFTER
from readwatch.store.identity.sessions import end_session
from readwatch.store.totals import activities_per_minute, heartbeats


def test_the_last_sixty_minutes_are_all_there_the_running_one_last(db, cast, clock, enter, post):
    ann = enter(cast.ann)
    clock.advance(seconds=30)
    moments = [clock() - timedelta(minutes=n) for n in (0, 0, 5, 59, 60)]
    post(ann, *(Activity("page_read", occurred_at=moment) for moment in moments))
    post(ann, Activity("bookmark_added"))
    counted = activities_per_minute(db, clock())
    this_minute = clock().replace(second=0)
    assert [count.minute for count in counted] == [
        this_minute - timedelta(minutes=n) for n in range(59, -1, -1)
    ]
    busy = {59 - n: count.activities for n, count in enumerate(counted) if count.activities}
    assert busy == {0: 3, 5: 1, 59: 1}


def test_heartbeats_are_counted_before_the_newest_one_that_is_overdue(db, cast, clock, enter):
    assert heartbeats(db, clock()) == Heartbeats()
    noon = clock()
    sessions = []
    for seconds in (-300, -299, -120, -119, -60, 0, 1, 60):
        clock.moment = noon + timedelta(seconds=seconds)
        sessions.append(enter(cast.ann))
    clock.moment = noon + SILENT_AFTER
    assert heartbeats(db, clock()) == Heartbeats(
        newest=noon + timedelta(seconds=60), silent_since=noon, together=3, earlier=2, on_time=2
    )
    for session in sessions:
        end_session(db, session, clock())
    assert heartbeats(db, clock()) == Heartbeats()


def test_heartbeats_on_time_are_no_silence(db, cast, clock, enter):
    enter(cast.ann)
    assert heartbeats(db, clock()) == Heartbeats(newest=clock())
