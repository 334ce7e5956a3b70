"""A login: limited and logged alike at the console and the API, each with its own rights."""

import pytest
from conftest import COST, PASSWORD

from readwatch.domain.audit import AuditAction
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.lockout import LIMITS, FailureScope
from readwatch.store.audit.log import commit_to
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.lockout import record_failure
from readwatch.store.identity.login import LoginSource, log_in

CARA, OFFICE, ELSEWHERE = "cara@example.org", "10.0.0.7", "203.0.113.9"
WRONG = "a wrong guess"


@pytest.fixture
def console_login(connected, clock, cast):
    """`console_login(email, password, address)` returns the user who logs in at the console."""

    def console_login(email=CARA, password=WRONG, address=OFFICE):
        db = connected(Role.LOGIN)
        source = LoginSource(email=email, address=address, program="console")
        return log_in(
            db,
            commit_to(db),
            source,
            password,
            clock,
            lambda _db, user, _now: user,
            staff_only=True,
            cost=COST,
        )

    return console_login


@pytest.fixture
def tries(console_login):
    """`tries(email, password, address)` tells whether somebody got in, or the kind of refusal."""

    def tries(email=CARA, password=WRONG, address=OFFICE):
        try:
            return console_login(email, password, address)
        except ReadwatchError as refusal:
            return refusal.kind

    return tries


@pytest.fixture
def on_record(db):
    def on_record():
        return db.execute_sql(
            "SELECT consultant_user_id, action_type, action_details, ip_address"
            " FROM consultant_access_log ORDER BY id"
        ).fetchall()

    return on_record


def test_each_try_of_a_consultant_is_on_record(tries, on_record, cast):
    assert tries() is ErrorKind.UNAUTHENTICATED
    assert tries(password=PASSWORD) == cast.cara
    assert on_record() == [
        (cast.cara.id, "failed_login", "console: wrong e-mail or password", OFFICE),
        (cast.cara.id, "logged_in", "console", OFFICE),
    ]


def test_who_fails_too_often_has_to_wait_and_that_is_on_record(tries, on_record, cast, clock):
    assert [tries() for _ in range(5)] == [ErrorKind.UNAUTHENTICATED] * 5
    assert on_record()[-1] == (cast.cara.id, "locked_out", "console, for 1 s", OFFICE)
    before = on_record()
    assert tries(password=PASSWORD) is ErrorKind.THROTTLED
    assert on_record() == before, "nothing was tried"
    clock.advance(seconds=1)
    assert tries(password=PASSWORD) == cast.cara
    assert tries() is ErrorKind.UNAUTHENTICATED, "who got in starts anew"


def test_the_refusal_says_when_to_try_again(console_login, tries):
    for _ in range(5):
        tries()
    with pytest.raises(ReadwatchError, match="too many failed logins; try again in 1 s"):
        console_login(password=PASSWORD)


@pytest.mark.parametrize("email", ["nobody@example.org", "ann@example.org"])
def test_who_is_no_consultant_is_counted_alike_and_leaves_no_entry(tries, on_record, email):
    assert [tries(email) for _ in range(6)] == [ErrorKind.UNAUTHENTICATED] * 5 + [
        ErrorKind.THROTTLED
    ]
    assert on_record() == []


def test_what_failed_at_the_api_counts_too(tries, db, clock):
    with db.atomic():
        for _ in range(LIMITS[FailureScope.ACCOUNT_AT_ADDRESS].free):
            record_failure(db, CARA, OFFICE, clock())
    assert tries(password=PASSWORD) is ErrorKind.THROTTLED


def test_strangers_do_not_lock_a_consultant_out_where_she_signed_in_before(
    tries, db, cast, clock, on_record
):
    assert tries(password=PASSWORD) == cast.cara
    with db.atomic():
        for _ in range(30):
            record_failure(db, CARA, ELSEWHERE, clock())
    assert tries(password=PASSWORD, address="10.0.0.8") is ErrorKind.THROTTLED, "never there"
    assert tries(password=PASSWORD) == cast.cara
    assert {action for _, action, _, _ in on_record()} == {AuditAction.LOGGED_IN}


def test_a_suspended_account_stays_out_and_the_try_is_on_record(tries, db, cast, on_record):
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'cara@example.org'")
    assert tries(password=PASSWORD) is ErrorKind.UNAUTHENTICATED
    assert on_record() == [
        (cast.cara.id, "failed_login", "console: this account is suspended", OFFICE)
    ]


def test_no_entry_no_login_and_no_answer_whether_the_guess_was_right(console_login, db):
    db.execute_sql("ALTER TABLE consultant_access_log RENAME TO mislaid")
    for password in (PASSWORD, WRONG):
        with pytest.raises(ReadwatchError) as refusal:
            console_login(password=password)
        assert refusal.value.kind is ErrorKind.MISCONFIGURED
    assert db.execute_sql("SELECT * FROM failed_logins").fetchall() == []


def test_a_reader_with_the_right_password_is_refused_at_the_console_and_not_counted(
    console_login, db, cast
):
    with pytest.raises(ReadwatchError, match="only consultants and admins") as refusal:
        console_login(cast.ann.email, PASSWORD)
    assert refusal.value.kind is ErrorKind.FORBIDDEN
    assert db.execute_sql("SELECT * FROM failed_logins").fetchall() == []


def test_an_account_that_changes_while_its_password_is_checked_stays_out(
    connected, db, cast, clock, on_record
):
    ingest = connected(Role.INGEST)
    source = LoginSource(email=CARA, address=OFFICE, program="api")

    def suspend_first(write):
        db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {cast.cara.id}")
        return commit_to(ingest)(write)

    with pytest.raises(ReadwatchError, match="suspended"):
        log_in(ingest, suspend_first, source, PASSWORD, clock, lambda *_: None, cost=COST)
    assert on_record() == []


def test_what_the_session_needs_is_written_with_the_entry_or_not_at_all(
    connected, db, cast, clock, on_record
):
    ingest = connected(Role.INGEST)
    source = LoginSource(email=CARA, address=OFFICE, program="api")

    def fails(_db, _user, _now):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        log_in(ingest, commit_to(ingest), source, PASSWORD, clock, fails, cost=COST)
    assert on_record() == []
    log_in(ingest, commit_to(ingest), source, PASSWORD, clock, lambda *_: None, cost=COST)
    assert on_record() == [(cast.cara.id, "logged_in", "api", OFFICE)]
