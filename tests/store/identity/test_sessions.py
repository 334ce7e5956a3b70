"""Sessions: opened at login, kept by heartbeats, found by token, ended."""

from dataclasses import replace
from datetime import timedelta

import pytest
from permits import permit_for

from readwatch.domain.users import UserRole
from readwatch.store import reader_data
from readwatch.store.identity.sessions import end_session, find_principal
from readwatch.store.identity.tokens import hash_token, new_token
from readwatch.store.recording.heartbeats import record_heartbeat


@pytest.fixture
def of(db):
    """`of(user)` is what a consultant sees of a user's sessions, the newest first."""
    return lambda user: reader_data.sessions(db, permit_for(user.id))


def test_a_login_opens_a_session_and_counts_in_the_profile(db, cast, clock, enter, of):
    ann = enter(cast.ann, ip_address="2001:db8::7", device_type="tablet")
    (session,) = of(cast.ann)
    assert (session.id, session.user_id) == (ann.session_id, cast.ann.id)
    assert (session.device_type, session.ip_address) == ("tablet", "2001:db8::7")
    assert (session.started_at, session.last_heartbeat) == (clock(), clock())
    assert (session.is_active, session.ended_at) == (True, None)

    enter(cast.ann, device_type="mobile")
    profile = reader_data.profile(db, permit_for(cast.ann.id))
    assert (profile.total_sessions, profile.last_login) == (2, clock())
    assert reader_data.profile(db, permit_for(cast.ben.id)).total_sessions == 0


def test_the_last_login_is_the_latest_one_also_when_the_clock_jumped_back(db, cast, clock, enter):
    enter(cast.ann)
    latest = clock()
    clock.advance(minutes=-5)
    enter(cast.ann)
    profile = reader_data.profile(db, permit_for(cast.ann.id))
    assert (profile.total_sessions, profile.last_login) == (2, latest)


def test_staff_gets_a_session_that_is_no_readers_session(db, cast, enter):
    enter(cast.cara)
    enter(cast.dora)
    assert db.execute_sql("SELECT count(*) FROM reader_sessions").fetchone() == (0,)
    assert db.execute_sql("SELECT count(*) FROM staff_sessions").fetchone() == (2,)


def test_an_overlong_user_agent_is_cut(db, cast, enter):
    enter(cast.ann, user_agent="Mozilla " * 1000)
    assert db.execute_sql("SELECT length(user_agent) FROM reader_sessions").fetchone() == (500,)


# Tokens -----------------------------------------------------------------------------------------


def test_a_token_tells_who_is_calling(db, cast, clock, enter):
    ann, cara = new_token(), new_token()
    assert enter(cast.ann, ann) == find_principal(db, hash_token(ann), clock())
    assert enter(cast.cara, cara) == find_principal(db, hash_token(cara), clock())
    principals = [find_principal(db, hash_token(token), clock()) for token in (ann, cara)]
    roles = [principal and principal.user_role for principal in principals]
    assert roles == [UserRole.READER, UserRole.CONSULTANT]


def test_every_token_is_new_and_recognisable():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.startswith("rw_") and len(token) >= 43 for token in tokens)


def test_the_token_itself_is_nowhere_in_the_database(db, cast, enter):
    ann, cara = new_token(), new_token()
    enter(cast.ann, ann)
    enter(cast.cara, cara)
    kept = [
        str(value)
        for table in db.get_tables()
        for row in db.execute_sql(f"SELECT * FROM {table}").fetchall()
        for value in row
    ]
    assert hash_token(ann) in kept
    assert hash_token(cara) in kept
    assert not [value for value in kept if ann[3:] in value or cara[3:] in value]


def test_an_unknown_token_is_nobodys(db, cast, clock, enter):
    enter(cast.ann)
    for token in ("", "rw_", "rw_" + "x" * 43, "' OR ''='"):
        assert find_principal(db, hash_token(token), clock()) is None
        assert find_principal(db, token, clock()) is None


@pytest.mark.parametrize("change", ["is_active = FALSE", "deleted_at = '2026-11-22 12:00:00.000'"])
def test_a_token_of_an_account_that_is_suspended_or_deleted_is_nobodys(
    db, cast, clock, enter, change
):
    ann, cara = new_token(), new_token()
    enter(cast.ann, ann)
    enter(cast.cara, cara)
    db.execute_sql(f"UPDATE users SET {change}")
    assert find_principal(db, hash_token(ann), clock()) is None
    assert find_principal(db, hash_token(cara), clock()) is None


# The end ----------------------------------------------------------------------------------------


def test_an_ended_session_stays_in_the_history_and_its_token_is_nobodys(db, cast, clock, enter, of):
    tablet, phone, staff = new_token(), new_token(), new_token()
    ann = enter(cast.ann, tablet)
    enter(cast.ann, phone)
    cara = enter(cast.cara, staff)
    started_at, ended_at = clock(), clock.advance(minutes=9)
    end_session(db, ann, ended_at)
    end_session(db, cara, ended_at)
    assert find_principal(db, hash_token(tablet), clock()) is None
    assert find_principal(db, hash_token(staff), clock()) is None
    assert find_principal(db, hash_token(phone), clock()) is not None
    on_phone, on_tablet = of(cast.ann)
    assert (on_tablet.is_active, on_tablet.ended_at) == (False, ended_at)
    assert (on_tablet.started_at, on_phone.is_active) == (started_at, True)


def test_a_session_ends_once(db, cast, clock, enter, of):
    ann = enter(cast.ann)
    end_session(db, ann, ended_at := clock.advance(minutes=1))
    end_session(db, ann, clock.advance(minutes=1))
    assert of(cast.ann)[0].ended_at == ended_at


# Heartbeats -------------------------------------------------------------------------------------


def test_a_heartbeat_moves_only_forward(db, cast, clock, enter, of):
    ann = enter(cast.ann)
    record_heartbeat(db, ann, later := clock() + timedelta(seconds=90))
    record_heartbeat(db, ann, clock() + timedelta(seconds=30))
    record_heartbeat(db, ann, clock() - timedelta(days=1))
    assert of(cast.ann)[0].last_heartbeat == later


def test_a_heartbeat_moves_one_session_only(db, cast, clock, enter, of):
    tablet, started_at = enter(cast.ann), clock()
    enter(cast.ann)
    enter(cast.ben)
    record_heartbeat(db, tablet, later := clock.advance(seconds=90))
    assert [session.last_heartbeat for session in of(cast.ann)] == [started_at, later]
    assert of(cast.ben)[0].last_heartbeat == started_at


def test_an_ended_session_does_not_come_back_to_life(db, cast, clock, enter, of):
    ann = enter(cast.ann)
    end_session(db, ann, clock())
    record_heartbeat(db, ann, clock.advance(seconds=90))
    (session,) = of(cast.ann)
    assert (session.is_active, session.last_heartbeat) == (False, session.started_at)


def test_nobody_moves_or_ends_the_session_of_somebody_else(db, cast, clock, enter, of):
    ann = enter(cast.ann)
    cara = enter(cast.cara)
    assert cara.session_id == ann.session_id, "each table counts its own sessions"
    for intruder in (replace(ann, user_id=cast.ben.id), cara):
        record_heartbeat(db, intruder, clock.advance(seconds=90))
        end_session(db, intruder, clock())
    (session,) = of(cast.ann)
    assert (session.is_active, session.last_heartbeat) == (True, session.started_at)
