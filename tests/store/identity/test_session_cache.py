"""A token is remembered, and soon forgotten when its session ends anywhere."""

from datetime import timedelta

import pytest

from readwatch.store.audit.log import transaction_on
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.times import to_db_time
from readwatch.store.identity.session_cache import CHECK_EVERY, SessionCache
from readwatch.store.identity.sessions import end_session, open_session


@pytest.fixture
def token(db, cast, clock) -> str:
    open_session(db, cast.ann, "hash of a token", clock())
    return "hash of a token"


@pytest.fixture
def callers(opened, url) -> SessionCache:
    ingest = opened(url, Role.INGEST)
    return SessionCache(ingest, transaction_on(ingest))


def test_a_caller_is_found_and_a_stranger_is_not(callers, token, cast, clock):
    assert callers.find(token, clock()).user_id == cast.ann.id
    assert callers.find("another hash", clock()) is None


def test_what_is_known_is_not_asked_again(callers, token, db, clock):
    callers.find(token, clock())
    db.execute_sql("DELETE FROM reader_sessions")
    assert callers.find(token, clock()) is not None


def test_a_session_that_another_process_ended_is_forgotten_within_seconds(
    callers, token, db, clock
):
    caller = callers.find(token, clock())
    end_session(db, caller, clock.advance(seconds=1))
    clock.moment += CHECK_EVERY
    assert callers.find(token, clock()) is None


@pytest.mark.parametrize(
    "change", ["is_active = FALSE", "is_active = FALSE, deleted_at = created_at"]
)
def test_a_suspended_account_is_forgotten_within_seconds(callers, token, db, clock, change):
    callers.find(token, clock())
    now = to_db_time(clock.advance(seconds=1))
    db.execute_sql(f"UPDATE users SET {change}, updated_at = '{now}'")
    clock.moment += CHECK_EVERY
    assert callers.find(token, clock()) is None


@pytest.mark.parametrize("behind", [0, 10])
def test_a_session_of_staff_that_ended_is_nobodys_at_once_whatever_clock_ended_it(
    callers, db, cast, clock, behind
):
    caller = open_session(db, cast.cara, "hash of a token", clock())
    assert callers.find("hash of a token", clock()) == caller
    end_session(db, caller, clock() - timedelta(minutes=behind))
    assert callers.find("hash of a token", clock()) is None


def test_a_token_of_staff_is_good_for_twelve_hours_and_one_of_a_reader_for_longer(
    callers, token, db, cast, clock
):
    open_session(db, cast.cara, "hash of another", clock())
    clock.advance(hours=12, milliseconds=-1)
    assert callers.find("hash of another", clock()).user_id == cast.cara.id
    clock.advance(milliseconds=1)
    assert callers.find("hash of another", clock()) is None
    assert callers.find(token, clock()).user_id == cast.ann.id


def test_one_that_logged_out_here_is_forgotten_at_once(callers, token, db, clock):
    caller = callers.find(token, clock())
    end_session(db, caller, clock())
    callers.discard(token)
    assert callers.find(token, clock()) is None
