"""The activities of all readers are counted per minute."""

from datetime import timedelta

from readwatch.domain.activities import Activity
from readwatch.store.totals import activities_per_minute


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
