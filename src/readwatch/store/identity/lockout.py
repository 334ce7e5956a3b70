"""Failed logins; they are stored, so that a restart does not reset the counts."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil

import peewee

from readwatch.domain.addresses import network_of
from readwatch.domain.audit import AuditAction
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.lockout import MAX_FAILURES, Failures, FailureScope, failure_keys, scope_delay
from readwatch.domain.users import normalised_email
from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import (
    ConsultantAccessLog,
    FailedLogins,
    ReaderSessions,
    StaffSessions,
    Users,
)
from readwatch.store.engine.times import from_db_time, to_db_time

_FIND = CompiledQuery(
    FailedLogins.select(FailedLogins.failures, FailedLogins.last_failed_at).where(
        FailedLogins.subject == Param("subject")
    )
)
_SAVE = CompiledQuery(
    FailedLogins.insert(
        {
            FailedLogins.subject: Param("subject"),
            FailedLogins.failures: Param("failures"),
            FailedLogins.last_failed_at: Param("now"),
        }
    ).on_conflict(
        conflict_target=[FailedLogins.subject],
        update={
            FailedLogins.failures: Param("failures"),
            FailedLogins.last_failed_at: Param("now"),
        },
    )
)
_DELETE = CompiledQuery(FailedLogins.delete().where(FailedLogins.subject == Param("subject")))

# The addresses from which an account logged in before; for the console they are in the access log.
_IS_ACCOUNT = peewee.fn.lower(Users.email) == Param("email")
_OF_READER = ReaderSessions.select(ReaderSessions.ip_address).join(Users).where(_IS_ACCOUNT)
_OF_STAFF = StaffSessions.select(StaffSessions.ip_address).join(Users).where(_IS_ACCOUNT)
_OF_CONSOLE = (
    ConsultantAccessLog.select(ConsultantAccessLog.ip_address)
    .join(Users, on=ConsultantAccessLog.consultant_user)
    .where(_IS_ACCOUNT, ConsultantAccessLog.action_type == AuditAction.LOGGED_IN)
)
_ADDRESSES = CompiledQuery(_OF_READER | _OF_STAFF | _OF_CONSOLE)


def refuse_if_locked(db: Database, email: str | None, address: str | None, now: datetime) -> None:
    """Refuse a login that comes too soon after failed ones; the error has the time to wait.

    Without an e-mail, as for the code of an invitation, only failures at the address count.
    """
    delay = login_delay(db, email, address, now)
    if delay > timedelta(0):
        seconds = ceil(delay.total_seconds())
        raise ReadwatchError(
            ErrorKind.THROTTLED,
            f"too many failed logins; try again in {seconds} s",
            retry_after=seconds,
        )


def login_delay(db: Database, email: str | None, address: str | None, now: datetime) -> timedelta:
    """Return the wait before a login because of failed ones; zero if a login is allowed now.

    At an address from which the account logged in before, only its failures there count.
    """
    delays = {
        scope: scope_delay(scope, _failures(db, failure_key), now)
        for scope, failure_key in _failure_keys(email, address).items()
    }
    longest = max(delays.values())
    if email is None or longest <= delays[FailureScope.ACCOUNT_AT_ADDRESS]:
        return longest
    logged_in_before = _has_logged_in_from(db, email, address)
    return delays[FailureScope.ACCOUNT_AT_ADDRESS] if logged_in_before else longest


def locked_for(db: Database, email: str, now: datetime) -> timedelta:
    """Return the longest wait of an account, at the addresses of its logins and everywhere else.

    Failures at a single other address are not included: the keys of failures are hashes.
    """
    return max(
        scope_delay(scope, _failures(db, failure_key), now)
        for scope, failure_key in _failure_keys_of_account(db, email)
    )


def record_failure(db: Database, email: str | None, address: str | None, now: datetime) -> None:
    """Count a failed login. Call it in a transaction."""
    for failure_key in _failure_keys(email, address).values():
        earlier = _failures(db, failure_key)
        failures = min(MAX_FAILURES, earlier.left(now) + 1) if earlier else 1
        _SAVE(db, subject=failure_key, failures=failures, now=to_db_time(now))


def delete_failures(db: Database, email: str, address: str | None) -> None:
    """Delete the failures of a user who has logged in; the failures of the address stay.

    Call it in a transaction.
    """
    for scope, failure_key in _failure_keys(email, address).items():
        if scope is not FailureScope.ADDRESS:
            _DELETE(db, subject=failure_key)


def delete_account_failures(db: Database, email: str) -> None:
    """Delete the failures of an account, at the addresses of its logins and everywhere else.

    Call it in a transaction.
    """
    for _, failure_key in _failure_keys_of_account(db, email):
        _DELETE(db, subject=failure_key)


def count_of_account(db: Database, email: str) -> int:
    """Return the number of rows that `delete_account_failures` would delete."""
    keys_of_account = {failure_key for _, failure_key in _failure_keys_of_account(db, email)}
    return sum(_failures(db, failure_key) is not None for failure_key in keys_of_account)


def _failure_keys_of_account(db: Database, email: str) -> Iterator[tuple[FailureScope, str]]:
    logins = _ADDRESSES.all(db, email=normalised_email(email))
    for address in (*(login.ip_address for login in logins), None):
        for scope, failure_key in _failure_keys(email, address).items():
            if scope is not FailureScope.ADDRESS:
                yield scope, failure_key


def _failure_keys(email: str | None, address: str | None) -> dict[FailureScope, str]:
    # Different spellings of the e-mail of one account have one count.
    return failure_keys(None if email is None else normalised_email(email), address)


def _has_logged_in_from(db: Database, email: str, address: str | None) -> bool:
    logins = _ADDRESSES.all(db, email=normalised_email(email))
    networks = {network_of(login.ip_address) for login in logins if login.ip_address}
    return network_of(address) in networks


def _failures(db: Database, failure_key: str) -> Failures | None:
    row = _FIND.one_or_none(db, subject=failure_key)
    return Failures(row.failures, from_db_time(row.last_failed_at)) if row else None
