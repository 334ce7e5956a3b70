"""A sign-in at the console: limited as at the API, on record, with its own few rights."""

import pytest
from conftest import COST, PASSWORD

from readwatch.domain.audit import AuditAction
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.lockout import LIMITS, Counted
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.lockout import record_failure
from readwatch.store.identity.login import log_in

CARA, DESK, ELSEWHERE = "cara@example.org", "10.0.0.7", "203.0.113.9"
WRONG = "a wrong guess"


@pytest.fixture
def tries(connected, clock, cast):
    """`tries(email, password, address)` tells whether somebody got in, or the kind of refusal."""

    def tries(email=CARA, password=WRONG, address=DESK):
        try:
            user = log_in(connected(Role.LOGIN), email, password, address, clock(), cost=COST)
        except ReadwatchError as refusal:
            return refusal.kind
        return user

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
        (cast.cara.id, "failed_sign_in", "console: wrong e-mail or password", DESK),
        (cast.cara.id, "signed_in", "console", DESK),
    ]


def test_who_fails_too_often_has_to_wait_and_that_is_on_record(tries, on_record, cast, clock):
    assert [tries() for _ in range(5)] == [ErrorKind.UNAUTHENTICATED] * 5
    assert on_record()[-1] == (cast.cara.id, "locked_out", "console, for 1 s", DESK)
    before = on_record()
    assert tries(password=PASSWORD) is ErrorKind.THROTTLED
    assert on_record() == before, "nothing was tried"
    clock.advance(seconds=1)
    assert tries(password=PASSWORD) == cast.cara
    assert tries() is ErrorKind.UNAUTHENTICATED, "who got in starts anew"


def test_it_is_told_when_to_try_again(connected, cast, clock, tries):
    for _ in range(5):
        tries()
    with pytest.raises(ReadwatchError, match="too many failed logins; try again in 1 s"):
        log_in(connected(Role.LOGIN), CARA, PASSWORD, DESK, clock(), cost=COST)


@pytest.mark.parametrize("email", ["nobody@example.org", "ann@example.org"])
def test_who_is_no_consultant_is_counted_alike_and_leaves_no_entry(tries, on_record, email):
    assert [tries(email) for _ in range(6)] == [ErrorKind.UNAUTHENTICATED] * 5 + [
        ErrorKind.THROTTLED
    ]
    assert on_record() == []


def test_what_failed_at_the_api_counts_too(tries, db, clock):
    with db.atomic():
        for _ in range(LIMITS[Counted.ACCOUNT_AT_ADDRESS].free):
            record_failure(db, CARA, DESK, clock())
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
    assert {action for _, action, _, _ in on_record()} == {AuditAction.SIGNED_IN}


def test_a_suspended_account_stays_out_and_the_try_is_on_record(tries, db, cast, on_record):
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'cara@example.org'")
    assert tries(password=PASSWORD) is ErrorKind.UNAUTHENTICATED
    assert on_record() == [
        (cast.cara.id, "failed_sign_in", "console: this account is suspended", DESK)
    ]


def test_no_entry_no_sign_in_and_no_answer_whether_the_guess_was_right(connected, db, cast, clock):
    db.execute_sql("ALTER TABLE consultant_access_log RENAME TO mislaid")
    for password in (PASSWORD, WRONG):
        with pytest.raises(ReadwatchError) as refusal:
            log_in(connected(Role.LOGIN), CARA, password, DESK, clock(), cost=COST)
        assert refusal.value.kind is ErrorKind.MISCONFIGURED
    assert db.execute_sql("SELECT * FROM failed_logins").fetchall() == []
