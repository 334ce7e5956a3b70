"""A device that was logged in gets a new session, and an old token ends it."""

from datetime import timedelta

import pytest
from permits import permit_for

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store import reader_data
from readwatch.store.audit.log import transaction_on
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.resume_tokens import (
    LIFETIME,
    Resumed,
    end_device,
    resume_session,
    save_resume_token,
)
from readwatch.store.identity.session_cache import SessionCache
from readwatch.store.identity.sessions import end_session
from readwatch.store.identity.tokens import hash_token, new_resume_token, new_token, successors
from readwatch.store.lifecycle.retention import end_silent_sessions, purge_resume_tokens


@pytest.fixture
def ingest(connected):
    """All of it is done with the rights of the service."""
    return connected(Role.INGEST)


@pytest.fixture
def signed_in(ingest, enter, clock):
    """`signed_in(user)` is a new session and the resume token that came with it."""

    def signed_in(user, **about):
        caller, token = enter(user, **about), new_resume_token()
        with ingest.atomic():
            save_resume_token(ingest, caller, token, clock())
        return caller, token

    return signed_in


@pytest.fixture
def resume(ingest, clock):
    """`resume(token)` is the resumed session with its tokens, or why there is none."""

    def resume(token, **about):
        with ingest.atomic():
            return resume_session(ingest, token, clock(), **about)

    return resume


@pytest.fixture
def come_back(resume):
    """`come_back(token)` is the new session and the next token, or why there is none."""

    def come_back(token, **about):
        resumed = resume(token, **about)
        if isinstance(resumed, ReadwatchError):
            return resumed
        return resumed.principal, resumed.tokens.resume_token

    return come_back


@pytest.fixture
def use(ingest, clock):
    """`use(resumed)` is the first request of a new session; it returns the principal."""

    def use(resumed):
        sessions = SessionCache(ingest, transaction_on(ingest))
        return sessions.find(hash_token(resumed.tokens.session_token), clock())

    return use


@pytest.fixture
def active(db):
    """`active(user)` are the numbers of a reader's sessions that have not ended."""
    return lambda user: [s.id for s in reader_data.sessions(db, permit_for(user.id)) if s.is_active]


def is_refused(answer) -> bool:
    return isinstance(answer, ReadwatchError) and answer.kind is ErrorKind.UNAUTHENTICATED


def test_a_session_that_ended_by_silence_is_followed_by_a_new_one(
    ingest, db, cast, clock, signed_in, come_back, active
):
    old, token = signed_in(cast.ann, device_type="tablet")
    end_silent_sessions(ingest, clock.advance(hours=9), timedelta(hours=1))
    new, _ = come_back(token)
    assert (new.user_id, new.user_role) == (old.user_id, old.user_role)
    assert active(cast.ann) == [new.session_id]
    latest = reader_data.sessions(db, permit_for(cast.ann.id))[0]
    assert (latest.device_type, latest.started_at) == ("tablet", clock())
    profile = reader_data.profile(db, permit_for(cast.ann.id))
    assert (profile.total_sessions, profile.last_login) == (2, clock())


def test_a_session_that_is_still_open_ends_when_it_is_resumed(cast, signed_in, come_back, active):
    phone, _ = signed_in(cast.ann)
    _, token = signed_in(cast.ann)
    new, _ = come_back(token)
    assert active(cast.ann) == [new.session_id, phone.session_id]


def test_each_token_is_good_for_once_and_the_next_for_once_more(cast, signed_in, come_back):
    _, token = signed_in(cast.ann)
    for _ in range(3):
        _, token = come_back(token)
    assert token.startswith("rwr_")


# The predecessor: the token that the last resume replaced -----------------------------------------


def test_until_its_first_use_a_repeated_resume_gets_the_same_session_and_tokens(
    cast, clock, signed_in, resume, active, use
):
    _, token = signed_in(cast.ann)
    first = resume(token)
    assert first.tokens.resume_token != token
    for _ in range(3):
        clock.advance(seconds=10)
        assert resume(token) == first
    assert active(cast.ann) == [first.principal.session_id]
    assert use(first) == first.principal


def test_a_repeated_resume_is_the_last_login_because_its_session_begins_then(
    db, cast, clock, signed_in, resume
):
    _, token = signed_in(cast.ann)
    for seconds in (10, 20, -5):  # the last one is answered by a server whose clock is behind
        clock.advance(seconds=seconds)
        resume(token)
        latest = reader_data.sessions(db, permit_for(cast.ann.id))[0]
        profile = reader_data.profile(db, permit_for(cast.ann.id))
        assert profile.last_login == latest.started_at
    assert latest.started_at == clock() + timedelta(seconds=5)


def test_a_lost_answer_is_given_again_after_the_unused_session_timed_out(
    ingest, db, cast, clock, signed_in, resume, active
):
    _, token = signed_in(cast.ann)
    first = resume(token)
    end_silent_sessions(ingest, clock.advance(days=29), timedelta(hours=1))
    assert active(cast.ann) == []

    assert resume(token) == first
    (session, _) = reader_data.sessions(db, permit_for(cast.ann.id))
    assert (session.id, session.is_active) == (first.principal.session_id, True)
    assert (session.started_at, session.last_heartbeat) == (clock(), clock())
    clock.advance(days=29)
    assert isinstance(resume(first.tokens.resume_token), Resumed), "30 days from the last answer"


@pytest.mark.parametrize("first_use", ["a request", "a resume"])
def test_after_the_first_use_the_predecessor_logs_the_device_out(
    cast, signed_in, resume, active, use, first_use
):
    phone, phones_token = signed_in(cast.ann)
    _, token = signed_in(cast.ann)
    first = latest = resume(token)
    if first_use == "a request":
        use(first)
    else:
        latest = resume(first.tokens.resume_token)

    refusal = resume(token)

    assert is_refused(refusal)
    assert "was replaced" in refusal.message
    assert active(cast.ann) == [phone.session_id]
    assert is_refused(resume(latest.tokens.resume_token))
    assert use(latest) is None
    assert not is_refused(resume(phones_token))


def test_a_token_that_is_older_than_the_predecessor_logs_the_device_out(
    cast, signed_in, resume, active
):
    _, oldest = signed_in(cast.ann)
    predecessor = resume(oldest).tokens.resume_token
    latest = resume(predecessor)
    assert is_refused(resume(oldest))
    assert active(cast.ann) == []
    assert is_refused(resume(predecessor))
    assert is_refused(resume(latest.tokens.resume_token))


def test_a_logout_with_the_previous_session_also_ends_the_one_whose_answer_was_lost(
    ingest, cast, clock, enter, resume, active
):
    session_token, token = new_token(), new_resume_token()
    principal = enter(cast.ann, session_token)
    with ingest.atomic():
        save_resume_token(ingest, principal, token, clock())
    resume(token)
    with ingest.atomic():
        end_device(ingest, hash_token(session_token), clock())
    assert active(cast.ann) == []
    assert is_refused(resume(token))


def test_neither_the_database_nor_the_old_token_alone_yields_the_next_tokens(
    db, cast, signed_in, resume
):
    _, token = signed_in(cast.ann)
    resumed = resume(token)
    (salt,) = db.execute_sql("SELECT successor_salt FROM resume_tokens").fetchone()
    assert successors(token, salt) == resumed.tokens
    assert successors(hash_token(token), salt) != resumed.tokens
    assert successors(token, "") != resumed.tokens


def test_after_the_first_use_the_database_has_nothing_of_the_predecessor(
    db, cast, signed_in, resume, use
):
    _, token = signed_in(cast.ann)
    use(resume(token))
    columns = "predecessor_hash, predecessor_session_id, successor_salt"
    rows = db.execute_sql(f"SELECT {columns} FROM resume_tokens").fetchall()
    assert rows == [(None, None, None)]


def test_a_token_is_good_for_thirty_days_from_its_own_making(cast, clock, signed_in, come_back):
    _, token = signed_in(cast.ann)
    for _ in range(2):
        clock.moment += LIFETIME - timedelta(milliseconds=1)
        _, token = come_back(token)
    clock.moment += LIFETIME
    assert is_refused(come_back(token))


def test_an_ended_session_is_not_resumed(ingest, cast, clock, signed_in, come_back):
    caller, token = signed_in(cast.ann)
    _, another = signed_in(cast.ann)
    with ingest.atomic():
        end_session(ingest, caller, clock())
    assert is_refused(come_back(token))
    assert not is_refused(come_back(another))


@pytest.mark.parametrize(
    "change",
    ["is_active = FALSE", "deleted_at = created_at", "user_role = 'consultant'"],
)
def test_an_account_that_may_not_come_in_does_not_come_back(
    db, cast, signed_in, come_back, active, change
):
    caller, token = signed_in(cast.ann)
    db.execute_sql(f"UPDATE users SET {change}")
    assert come_back(token).message == come_back(new_resume_token()).message
    assert active(cast.ann) == [caller.session_id]


@pytest.mark.parametrize("token", ["", "rwr_", "rwr_.", "x", "." * 255, "ä\0", "rw_abc"])
def test_what_is_no_token_is_nobodys(cast, signed_in, come_back, token):
    signed_in(cast.ann)
    assert is_refused(come_back(token))


def test_no_part_of_a_token_is_in_the_database(db, cast, signed_in, come_back):
    _, token = signed_in(cast.ann)
    _, following = come_back(token)
    kept = repr(db.execute_sql("SELECT * FROM resume_tokens").fetchall())
    assert hash_token(following) in kept
    for part in (*token[4:].split("."), *following[4:].split(".")):
        assert len(part) >= 22
        assert part not in kept


def test_a_device_is_one_row_which_goes_when_it_is_of_no_use(
    ingest, db, cast, clock, signed_in, come_back
):
    rows = "SELECT count(*) FROM resume_tokens"
    _, token = signed_in(cast.ann)
    for _ in range(3):
        clock.advance(days=1)
        _, token = come_back(token)
    signed_in(cast.ben)
    assert db.execute_sql(rows).fetchone() == (2,)
    just_before = clock() + LIFETIME - timedelta(milliseconds=1)
    assert not purge_resume_tokens(ingest, just_before)
    assert db.execute_sql(rows).fetchone() == (2,)
    assert purge_resume_tokens(ingest, clock() + LIFETIME, most=1)
    assert db.execute_sql(rows).fetchone() == (1,)
