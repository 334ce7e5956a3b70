"""The console and the API limit and log logins alike, each with its own privileges."""

import pytest
from conftest import COST, PASSWORD

from readwatch.domain.audit import AuditAction
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.lockout import LIMITS, FailureScope
from readwatch.store.audit.log import transaction_on
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
            transaction_on(db),
            source,
            password,
            clock,
            lambda _db, user, _now: user,
            staff_only=True,
            cost=COST,
        )

    return console_login


@pytest.fixture
def attempt(console_login):
    """`attempt(email, password, address)` returns the user, or the kind of the error."""

    def attempt(email=CARA, password=WRONG, address=OFFICE):
        try:
            return console_login(email, password, address)
        except ReadwatchError as error:
            return error.kind

    return attempt


@pytest.fixture
def entries(db):
    """`entries()` returns the access log, oldest first."""

    def entries():
        return db.execute_sql(
            "SELECT consultant_user_id, action_type, action_details, ip_address"
            " FROM consultant_access_log ORDER BY id"
        ).fetchall()

    return entries


def test_each_login_of_a_consultant_is_logged(attempt, entries, cast):
    assert attempt() is ErrorKind.UNAUTHENTICATED
    assert attempt(password=PASSWORD) == cast.cara
    assert entries() == [
        (cast.cara.id, "failed_login", "console: wrong e-mail or password", OFFICE),
        (cast.cara.id, "logged_in", "console", OFFICE),
    ]


def test_after_too_many_failed_logins_a_consultant_is_locked_out_and_that_is_logged(
    attempt, entries, cast, clock
):
    assert [attempt() for _ in range(5)] == [ErrorKind.UNAUTHENTICATED] * 5
    assert entries()[-1] == (cast.cara.id, "locked_out", "console, for 1 s", OFFICE)
    before = entries()
    assert attempt(password=PASSWORD) is ErrorKind.THROTTLED
    assert entries() == before, "a login that has to wait is not logged"
    clock.advance(seconds=1)
    assert attempt(password=PASSWORD) == cast.cara
    assert attempt() is ErrorKind.UNAUTHENTICATED, "a login resets the failed ones"


def test_the_error_says_when_to_try_again(console_login, attempt):
    for _ in range(5):
        attempt()
    with pytest.raises(ReadwatchError, match="too many failed logins; try again in 1 s"):
        console_login(password=PASSWORD)


@pytest.mark.parametrize("email", ["nobody@example.org", "ann@example.org"])
def test_failed_logins_of_other_accounts_are_counted_too_and_not_logged(attempt, entries, email):
    assert [attempt(email) for _ in range(6)] == [ErrorKind.UNAUTHENTICATED] * 5 + [
        ErrorKind.THROTTLED
    ]
    assert entries() == []


def test_failed_logins_at_the_api_count_at_the_console(attempt, db, clock):
    with db.atomic():
        for _ in range(LIMITS[FailureScope.ACCOUNT_AT_ADDRESS].free):
            record_failure(db, CARA, OFFICE, clock())
    assert attempt(password=PASSWORD) is ErrorKind.THROTTLED


def test_failed_logins_elsewhere_do_not_lock_out_an_address_with_a_past_login(
    attempt, db, cast, clock, entries
):
    assert attempt(password=PASSWORD) == cast.cara
    with db.atomic():
        for _ in range(30):
            record_failure(db, CARA, ELSEWHERE, clock())
    assert attempt(password=PASSWORD, address="10.0.0.8") is ErrorKind.THROTTLED, (
        "no login from there yet"
    )
    assert attempt(password=PASSWORD) == cast.cara
    assert {action for _, action, _, _ in entries()} == {AuditAction.LOGGED_IN}


def test_a_login_of_a_suspended_account_is_refused_and_logged(attempt, db, cast, entries):
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'cara@example.org'")
    assert attempt(password=PASSWORD) is ErrorKind.UNAUTHENTICATED
    assert entries() == [
        (cast.cara.id, "failed_login", "console: this account is suspended", OFFICE)
    ]


def test_a_login_that_cannot_be_logged_fails_alike_with_either_password(console_login, db):
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


def test_an_account_that_is_suspended_during_the_password_check_is_refused(
    connected, db, cast, clock, entries
):
    ingest = connected(Role.INGEST)
    source = LoginSource(email=CARA, address=OFFICE, program="api")

    def suspend_first(write):
        db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {cast.cara.id}")
        return transaction_on(ingest)(write)

    with pytest.raises(ReadwatchError, match="suspended"):
        log_in(ingest, suspend_first, source, PASSWORD, clock, lambda *_: None, cost=COST)
    assert entries() == []


def test_the_session_and_its_entry_are_written_together_or_not_at_all(
    connected, db, cast, clock, entries
):
    ingest = connected(Role.INGEST)
    source = LoginSource(email=CARA, address=OFFICE, program="api")

    def fails(_db, _user, _now):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        log_in(ingest, transaction_on(ingest), source, PASSWORD, clock, fails, cost=COST)
    assert entries() == []
    log_in(ingest, transaction_on(ingest), source, PASSWORD, clock, lambda *_: None, cost=COST)
    assert entries() == [(cast.cara.id, "logged_in", "api", OFFICE)]
