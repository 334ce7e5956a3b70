"""What time ends or makes needless, a portion a call."""

from datetime import timedelta

import pytest
from permits import permit_for

from readwatch.domain.activities import Activity, ActivityStatus
from readwatch.domain.lockout import ALL_FAILURES_EXPIRE_AFTER
from readwatch.store import reader_data
from readwatch.store.engine.connections import driver_connection
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time_or_none
from readwatch.store.identity import lockout
from readwatch.store.lifecycle import retention
from readwatch.store.lifecycle.retention import (
    BEFORE_FIRST_RECEIPT,
    RECEIPT_RETENTION,
    end_silent_sessions,
    end_staff_sessions,
    purge_failed_logins,
    purge_receipts,
)
from readwatch.store.recording.heartbeats import record_heartbeat

HOUR = timedelta(hours=1)
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def ingest(connected):
    """All of it is done with the rights of the service."""
    return connected(Role.INGEST)


@pytest.fixture
def receipts(db):
    return lambda: db.execute_sql("SELECT event_id FROM activity_receipts ORDER BY 1").fetchall()


# Silent sessions --------------------------------------------------------------------------------


def test_a_session_ends_when_it_was_silent_for_longer_than_allowed(ingest, db, cast, clock, enter):
    silent, heard = enter(cast.ann), enter(cast.ben)
    record_heartbeat(db, heard, clock.advance(seconds=1))
    now = clock.advance(hours=1)

    end_silent_sessions(ingest, now - timedelta(seconds=1), HOUR)
    assert reader_data.sessions(db, permit_for(silent.user_id))[0].is_active
    end_silent_sessions(ingest, now, HOUR)

    (ended,) = reader_data.sessions(db, permit_for(silent.user_id))
    assert (ended.is_active, ended.ended_at) == (False, now)
    (still_open,) = reader_data.sessions(db, permit_for(heard.user_id))
    assert (still_open.is_active, still_open.ended_at) == (True, None)


def test_what_ended_before_keeps_its_end(ingest, db, cast, clock, enter):
    enter(cast.ann)
    end_silent_sessions(ingest, ended_at := clock.advance(hours=2), HOUR)
    end_silent_sessions(ingest, clock.advance(hours=2), HOUR)
    assert reader_data.sessions(db, permit_for(cast.ann.id))[0].ended_at == ended_at


def test_the_longest_silent_sessions_end_first_and_the_result_says_if_there_may_be_more(
    ingest, db, cast, clock, enter
):
    for _ in range(3):
        enter(cast.ann)
        clock.advance(minutes=1)
    now = clock.advance(hours=2)
    assert end_silent_sessions(ingest, now, HOUR, most=2)
    newest_first = [
        session.is_active for session in reader_data.sessions(db, permit_for(cast.ann.id))
    ]
    assert newest_first == [True, False, False]
    assert not end_silent_sessions(ingest, now, HOUR, most=2)
    assert not end_silent_sessions(ingest, now, HOUR, most=2)


@pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_a_session_that_another_server_is_at_is_left_to_it(opened, url, db, cast, clock, enter):
    """Neither waits for the other, so that they cannot wait for one another."""
    session = enter(cast.ann)
    enter(cast.ben)
    now = clock.advance(hours=2)
    other = opened(url, Role.INGEST)
    other.connect()
    with db.atomic():
        record_heartbeat(db, session, now)
        end_silent_sessions(other, now, HOUR)
    assert reader_data.sessions(db, permit_for(cast.ann.id))[0].is_active
    assert not reader_data.sessions(db, permit_for(cast.ben.id))[0].is_active


# Sessions of staff ------------------------------------------------------------------------------


def test_sessions_of_staff_end_after_twelve_hours_the_oldest_first(ingest, db, cast, clock, enter):
    for user in (cast.cara, cast.dora, cast.cara):
        enter(user)
        clock.advance(minutes=1)
    clock.advance(hours=11, minutes=58)
    assert end_staff_sessions(ingest, now := clock(), most=1)
    assert not end_staff_sessions(ingest, now, most=2)
    kept = db.execute_sql("SELECT is_active, ended_at FROM staff_sessions ORDER BY id").fetchall()
    ends = [(bool(is_active), from_db_time_or_none(ended_at)) for is_active, ended_at in kept]
    assert ends == [(False, now), (False, now), (True, None)]


# Receipts ---------------------------------------------------------------------------------------


def test_a_retry_is_recognised_for_as_long_as_promised(ingest, cast, clock, enter, post):
    assert timedelta(days=30) <= RECEIPT_RETENTION
    ann, page = enter(cast.ann), Activity("page_read", event_id="page 7")
    post(ann, page)
    clock.advance(days=30)
    purge_receipts(ingest, BEFORE_FIRST_RECEIPT, clock())
    assert post(ann, page)[0].status is ActivityStatus.DUPLICATE
    purge_receipts(ingest, BEFORE_FIRST_RECEIPT, clock() + MOMENT)
    assert post(ann, page)[0].status is ActivityStatus.ACCEPTED


def test_portion_after_portion_every_old_receipt_is_found(
    ingest, cast, clock, enter, post, receipts
):
    ann, ben = enter(cast.ann), enter(cast.ben)
    for caller in (ann, ben):
        post(caller, *(Activity("page_read", event_id=f"old {n}") for n in range(5)))
    clock.advance(days=31)
    post(ann, Activity("page_read", event_id="new"), Activity("page_read", event_id="old 2 b"))

    place, portions = BEFORE_FIRST_RECEIPT, 0
    while (following := purge_receipts(ingest, place, clock(), most=3)) is not None:
        place = following
        portions += 1

    assert portions == 4
    assert receipts() == [("new",), ("old 2 b",)]


# Failed logins ----------------------------------------------------------------------------------


def test_failed_logins_are_forgotten_when_none_of_them_can_count_any_more(ingest, db, clock):
    kept = "SELECT count(*) FROM failed_logins"
    for _ in range(200):
        lockout.record_failure(ingest, "ann@example.org", "10.0.0.1", clock())
    clock.moment += ALL_FAILURES_EXPIRE_AFTER
    lockout.refuse_if_locked(ingest, "ann@example.org", "10.0.0.1", clock())
    assert not purge_failed_logins(ingest, clock())
    assert db.execute_sql(kept).fetchone() == (3,)
    assert purge_failed_logins(ingest, clock() + MOMENT, most=2)
    assert not purge_failed_logins(ingest, clock() + MOMENT, most=2)
    assert db.execute_sql(kept).fetchone() == (0,)


# Cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_statement_goes_through_a_whole_table(db):
    statements = [(n, s) for n, s in vars(retention).items() if isinstance(s, Statement)]
    assert len(statements) >= 4
    names = ("now", "silent_since", "most", "user_id", "event_id", "before")
    values = dict.fromkeys((*names, "last_user_id", "last_event_id"), 1)
    for name, statement in statements:
        plan = driver_connection(db).execute(f"EXPLAIN QUERY PLAN {statement.text(db)}", values)
        steps = [step for *_, step in plan]
        assert (name, [s for s in steps if s.startswith("SCAN") and "chunk" not in s]) == (
            name,
            [],
        )
