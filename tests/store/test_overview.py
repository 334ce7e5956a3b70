"""What the console's overview shows: who is here, what happens, and never from history."""

from datetime import timedelta

import pytest

from readwatch.domain.activities import Activity, as_json
from readwatch.domain.presence import ONLINE_WINDOW, Presence
from readwatch.domain.users import UserRole
from readwatch.store import overview, readers
from readwatch.store.database import Database, Statement, driver_of
from readwatch.store.overview import (
    activities_after,
    activities_per_minute,
    activity_feed,
    count_online,
    online_readers,
    reader_summaries,
)
from readwatch.store.sessions import end_session, record_heartbeat

JUST = timedelta(milliseconds=1)
HOSTILE = "Ev\x1b[2J\x9b\u202ee"


@pytest.fixture
def names_online(db, clock):
    """`names_online()` is who is online, and that the header counts as many."""

    def names_online() -> list[str]:
        readers = online_readers(db, clock())
        assert count_online(db, clock()) == len(readers)
        return [reader.full_name for reader in readers]

    return names_online


# Online -----------------------------------------------------------------------------------------


def test_a_reader_is_online_for_five_minutes_after_the_last_heartbeat(
    db, cast, clock, enter, names_online
):
    ann = enter(cast.ann)
    clock.advance(minutes=4)
    record_heartbeat(db, ann, clock())
    clock.moment += ONLINE_WINDOW - JUST
    assert names_online() == ["Ann Archer"]
    assert online_readers(db, clock())[0].presence(clock()) is Presence.LEAVING
    clock.moment += JUST
    assert names_online() == []


def test_a_reader_with_two_devices_is_online_once_with_the_one_heard_from_last(
    db, cast, clock, enter, names_online
):
    tablet = enter(cast.ann, device_type="tablet")
    clock.advance(minutes=1)
    enter(cast.ann, device_type="mobile")
    assert names_online() == ["Ann Archer"]
    assert online_readers(db, clock())[0].device_type == "mobile"
    record_heartbeat(db, tablet, clock.advance(minutes=1))
    (ann,) = online_readers(db, clock())
    assert (ann.device_type, ann.session_id) == ("tablet", tablet.session_id)


def test_who_was_heard_from_last_comes_first(cast, clock, enter, names_online):
    enter(cast.ben)
    clock.advance(minutes=1)
    enter(cast.ann)
    assert names_online() == ["Ann Archer", "Ben Baker"]


def test_staff_is_never_online(cast, enter, names_online):
    enter(cast.cara)
    enter(cast.dora)
    assert names_online() == []


def test_an_ended_session_is_not_online(db, cast, clock, enter, names_online):
    end_session(db, enter(cast.ann), clock())
    assert names_online() == []


@pytest.mark.parametrize(
    "change",
    [
        "is_active = FALSE",
        "deleted_at = '2026-11-22 12:00:00.000'",
        "user_role = 'consultant'",
    ],
)
def test_who_is_no_active_reader_any_more_is_not_online(db, cast, enter, change, names_online):
    enter(cast.ann)
    db.execute_sql(f"UPDATE users SET {change} WHERE id = {cast.ann.id}")
    assert names_online() == []


def test_an_online_reader_comes_with_the_latest_activity(db, cast, clock, enter, post, join):
    eve = join("Eve Early", reading_level="B1")
    reading, started_at = enter(eve), clock()
    clock.advance(minutes=2)
    post(
        reading,
        Activity("page_read", "momo", "Momo", 80),
        Activity("quiz_completed", "hobbit", "The Hobbit", 20, occurred_at=started_at),
    )
    (seen,) = online_readers(db, clock())
    assert (seen.user_id, seen.reading_level, seen.started_at) == (eve.id, "B1", started_at)
    assert (seen.activity_type, seen.content_title) == ("page_read", "Momo")
    assert (seen.progress_percentage, seen.last_activity_at) == (80, clock())


def test_an_online_reader_who_did_nothing_yet_is_shown_too(db, cast, clock, enter):
    enter(cast.ann)
    (ann,) = online_readers(db, clock())
    assert (ann.activity_type, ann.content_title, ann.last_activity_at) == ("", "", None)


# Feed -------------------------------------------------------------------------------------------


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


# Counts -----------------------------------------------------------------------------------------


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


# Summaries --------------------------------------------------------------------------------------


def test_every_active_reader_has_a_line_by_name_also_the_absent(db, cast, clock, enter, post, join):
    join("Zoe Zander", reading_level="C2")
    join("Aaron Consultant", UserRole.CONSULTANT)
    suspended, deleted = join("Sam Suspended"), join("Del Deleted")
    db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {suspended.id}")
    db.execute_sql(
        f"UPDATE users SET deleted_at = '2026-11-22 12:00:00.000' WHERE id = {deleted.id}"
    )
    ben = enter(cast.ben)
    post(ben, Activity("page_read", "momo", duration_seconds=150))
    ann, ben, zoe = reader_summaries(db)
    assert [ann.full_name, ben.full_name, zoe.full_name] == [
        "Ann Archer",
        "Ben Baker",
        "Zoe Zander",
    ]
    assert (ben.total_reading_time_minutes, ben.total_sessions, ben.unique_content_read) == (
        2,
        1,
        1,
    )
    assert (ben.last_login, ben.last_activity_at) == (clock(), clock())
    assert (zoe.reading_level, zoe.last_login, zoe.last_activity_at) == ("C2", None, None)


# Safety and cost --------------------------------------------------------------------------------


def test_nothing_that_readers_and_apps_write_reaches_the_console_unclean(
    db, cast, clock, enter, post
):
    write = Statement("UPDATE users SET full_name = :name WHERE id = :id")
    write(db, name=HOSTILE, id=cast.ann.id)
    level = Statement("UPDATE reader_profiles SET reading_level = :name WHERE user_id = :id")
    level(db, name=HOSTILE, id=cast.ann.id)
    post(
        enter(cast.ann, device_type=HOSTILE),
        Activity(HOSTILE, HOSTILE, HOSTILE, metadata=as_json({HOSTILE: HOSTILE})),
    )
    shown = [
        text
        for rows in (online_readers(db, clock()), activity_feed(db), reader_summaries(db))
        for row in rows
        for text in (getattr(row, name) for name in row.__slots__)
        if isinstance(text, str)
    ]
    assert "Ev␛[2Je" in shown
    assert not [text for text in shown if {"\x1b", "\x9b", "\u202e"} & set(text)]


@pytest.fixture
def a_month_of_history(db, cast, clock, enter, post) -> Database:
    """Many sessions, few of them active, and many activities, as after a while."""
    for _ in range(30):
        for user in (cast.ann, cast.ben):
            session = enter(user)
            post(session, *(Activity("page_read", content_id=str(n)) for n in range(20)))
            end_session(db, session, clock.advance(hours=12))
    enter(cast.ann)
    return db


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("analyzed", [False, True], ids=["as made", "analyzed"])
def test_no_statement_of_the_console_goes_through_history(a_month_of_history, analyzed):
    db = a_month_of_history
    if analyzed:
        db.execute_sql("ANALYZE")
        db.close()
        db.connect()
    statements = [
        (name, statement)
        for module in (overview, readers)
        for name, statement in vars(module).items()
        if isinstance(statement, Statement)
    ]
    assert len(statements) >= 9
    values = dict.fromkeys(("since", "after", "before", "length", "user_id"), 1)
    for name, statement in statements:
        plan = driver_of(db).execute(f"EXPLAIN QUERY PLAN {statement._sqlite}", values)
        steps = [step for *_, step in plan]
        history = ("SCAN a", "SCAN reader_activities", "SCAN s", "SCAN reader_sessions")
        assert (name, [step for step in steps if step.startswith(history)]) == (name, [])
