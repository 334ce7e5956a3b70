"""What the rules of attention are asked about, found without going through history."""

from datetime import timedelta

import pytest
from permits import LIST_ACCESS, ROW_ACCESS

from readwatch.domain.activities import Activity
from readwatch.domain.attention import Login, OpenReader, UnfinishedReading
from readwatch.domain.presence import Presence
from readwatch.store.engine.connections import driver_connection
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.statements import Statement
from readwatch.store.identity.sessions import end_session
from readwatch.store.lists import attention
from readwatch.store.lists.attention import last_session_id, last_session_id_before
from readwatch.store.recording.heartbeats import record_heartbeat

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def console(connected):
    """All of it is asked with the rights of the console."""
    return connected(Role.CONSOLE)


@pytest.fixture
def quiet(console, clock):
    """`quiet()` returns the readers without a heartbeat for 4 minutes, or idle for 15."""

    def quiet() -> list[OpenReader]:
        now = clock()
        return attention.open_readers(
            console,
            LIST_ACCESS,
            now,
            heartbeat_at_or_before=now - 4 * MINUTE,
            idle_at_or_before=now - 15 * MINUTE,
        )

    return quiet


# Here -------------------------------------------------------------------------------------------


def test_who_is_not_heard_from_comes_with_the_latest_moments(db, cast, clock, enter, post, quiet):
    ann = enter(cast.ann)
    heard = clock.advance(minutes=2)
    record_heartbeat(db, ann, heard)
    post(ann, Activity("page_read"))
    clock.advance(minutes=3, seconds=59)
    assert quiet() == []
    clock.advance(seconds=1)
    assert quiet() == [OpenReader(cast.ann.id, last_heartbeat=heard, idle_since=heard)]
    clock.advance(minutes=26)
    assert quiet() == []


def test_who_does_nothing_is_found_while_heard_from(db, cast, clock, enter, post, quiet):
    ann, ben, came = enter(cast.ann), enter(cast.ben), clock()
    read = clock.advance(minutes=1)
    post(ann, Activity("page_read"))
    for minutes, found in ((13, []), (1, [cast.ben.id]), (1, [cast.ann.id, cast.ben.id])):
        now = clock.advance(minutes=minutes)
        for caller in (ann, ben):
            record_heartbeat(db, caller, now)
        assert sorted(reader.reader_id for reader in quiet()) == found
    assert sorted(quiet(), key=lambda reader: reader.reader_id) == [
        OpenReader(cast.ann.id, last_heartbeat=now, idle_since=read),
        OpenReader(cast.ben.id, last_heartbeat=now, idle_since=came),
    ]


def test_a_second_device_that_is_heard_speaks_for_its_reader(db, cast, clock, enter, quiet):
    enter(cast.ann, device_type="tablet")
    clock.advance(minutes=5)
    phone = enter(cast.ann, device_type="mobile")
    assert quiet() == []
    end_session(db, phone, clock())
    assert [reader.reader_id for reader in quiet()] == [cast.ann.id]


def test_who_logged_out_is_not_here(db, cast, clock, enter, quiet):
    end_session(db, enter(cast.ann), clock())
    clock.advance(minutes=5)
    assert quiet() == []


# Pauses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contents", "days", "found"),
    [
        ({"momo": 30}, 7, True),
        ({"momo": 30}, 6.9, False),
        ({"momo": 30}, 14, False),
        ({"momo": 100}, 8, False),
        ({"momo": 100, "emma": 99}, 8, True),
        ({"momo": None}, 8, True),
        ({}, 8, False),
    ],
)
def test_a_pause_is_of_a_reader_who_left_something_unfinished_some_days_ago(
    console, cast, clock, enter, post, contents, days, found
):
    ann = enter(cast.ann)
    post(ann, Activity("app_opened"))
    for content, progress in contents.items():
        post(ann, Activity("page_read", content, progress_percentage=progress))
    stopped, now = clock(), clock.advance(days=days)
    pauses = attention.unfinished_readings(console, LIST_ACCESS, now - 14 * DAY, now - 7 * DAY)
    assert pauses == ([UnfinishedReading(cast.ann.id, stopped)] if found else [])


def test_who_logs_in_and_reads_nothing_makes_no_progress(console, cast, clock, enter, post):
    post(enter(cast.ann), Activity("page_read", "momo", progress_percentage=30))
    now = clock.advance(days=8)
    enter(cast.ann)
    assert attention.unfinished_readings(console, LIST_ACCESS, now - 14 * DAY, now - 7 * DAY) != []


# What is shown of them ------------------------------------------------------------------------


def test_who_reads_on_a_tablet_is_reading_whatever_the_phone_does(
    db, console, cast, clock, enter, post
):
    def state() -> Presence:
        (ann,) = attention.attention_readers(console, ROW_ACCESS, [cast.ann.id], clock())
        return ann.presence_at(clock())

    assert state() is Presence.OFFLINE
    tablet = enter(cast.ann, device_type="tablet")
    clock.advance(minutes=4)
    phone = enter(cast.ann, device_type="mobile")
    record_heartbeat(db, tablet, clock.advance(minutes=4))
    post(tablet, Activity("page_read"))
    assert state() is Presence.READING
    end_session(db, phone, clock())
    assert state() is Presence.READING
    end_session(db, tablet, clock())
    assert state() is Presence.OFFLINE


# What is new ------------------------------------------------------------------------------------


def test_a_login_comes_with_the_last_word_of_the_session_before(console, db, cast, clock, enter):
    ann = enter(cast.ann)
    heard = clock.advance(hours=1)
    record_heartbeat(db, ann, heard)
    enter(cast.ben)
    before = last_session_id(console)
    now = clock.advance(days=20)
    enter(cast.ann)
    enter(cast.ann)  # the second device of the same morning is nothing new
    after = last_session_id(console)
    logins = [Login(cast.ann.id, now, heard)]
    assert attention.logins(console, LIST_ACCESS, before, after, now - 14 * DAY) == logins
    assert attention.logins(console, LIST_ACCESS, 0, after, now - 14 * DAY) == logins
    assert attention.logins(console, LIST_ACCESS, before, after, now - 21 * DAY) == []
    assert (
        attention.logins(console, LIST_ACCESS, after, last_session_id(console), now - 14 * DAY)
        == []
    )


def test_the_first_query_of_logins_goes_back_to_a_time_and_no_further(console, cast, clock, enter):
    morning = clock()
    assert last_session_id(console) == last_session_id_before(console, morning) == 0
    ann = enter(cast.ann)
    later = clock.advance(hours=1)
    ben = enter(cast.ben)
    assert last_session_id_before(console, morning) == 0
    assert last_session_id_before(console, later) == ann.session_id
    assert (
        last_session_id_before(console, later + MINUTE)
        == last_session_id(console)
        == ben.session_id
    )


@pytest.mark.parametrize("change", ["is_active = FALSE", "deleted_at = '2026-11-22 12:00:00.000'"])
def test_active_readers_are_distinguished_from_others(console, db, cast, change):
    ids = [cast.ann.id, cast.ben.id, cast.cara.id, 99]
    assert attention.active_readers(console, LIST_ACCESS, ids) == {cast.ann.id, cast.ben.id}
    db.execute_sql(f"UPDATE users SET {change} WHERE id = {cast.ann.id}")
    assert attention.active_readers(console, LIST_ACCESS, ids) == {cast.ben.id}
    assert attention.active_readers(console, LIST_ACCESS, ()) == set()


# Cost -------------------------------------------------------------------------------------------

ONLINE_INDEX = "idx_sessions_active (is_active=? AND last_heartbeat>?)"
SEARCHED = {
    "_OPEN_READERS": f"s USING COVERING INDEX {ONLINE_INDEX}",
    "_UNFINISHED_READINGS": "p USING INDEX idx_reader_profiles_last_login (last_login>?)",
    "_LAST_SESSION_ID": "reader_sessions",
    "_LOGINS": "s USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_each_query_begins_with_what_is_new_or_here(db):
    statements = {n: s for n, s in vars(attention).items() if isinstance(s, Statement)}
    assert statements.keys() - SEARCHED.keys() == {"_LAST_SESSION_ID_BEFORE"}
    names = "since heartbeat_at_or_before idle_at_or_before logged_in_since until after"
    for name, index in SEARCHED.items():
        sql = f"EXPLAIN QUERY PLAN {statements[name]._sqlite}"
        plan = driver_connection(db).execute(sql, dict.fromkeys(names.split(), 1))
        steps = [step for *_, step in plan]
        assert (name, steps[0]) == (name, f"SEARCH {index}")
        assert (name, [step for step in steps if step.startswith("SCAN")]) == (name, [])
