"""Failed logins: remembered across restarts, so that guessing passwords is slow."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.lockout import MAX_FAILURES, Counted, Failures, subjects, wait
from readwatch.domain.users import normalised_email
from readwatch.store.engine.connections import Database, Statement, from_db_time, to_db_time

_FIND = Statement("SELECT failures, last_failed_at FROM failed_logins WHERE subject = :subject")
_KEEP = Statement(
    """
    INSERT INTO failed_logins (subject, failures, last_failed_at)
    VALUES (:subject, :failures, :now)
    ON CONFLICT (subject) DO UPDATE SET failures = :failures, last_failed_at = :now
    """
)
# A console's sign-in is an entry of the access log.
_SIGNED_IN_THERE = Statement(
    """
    SELECT 1 FROM users u JOIN reader_sessions s ON s.user_id = u.id
    WHERE lower(u.email) = :email AND s.ip_address = :address
    UNION ALL
    SELECT 1 FROM users u JOIN staff_sessions s ON s.user_id = u.id
    WHERE lower(u.email) = :email AND s.ip_address = :address
    UNION ALL
    SELECT 1 FROM users u JOIN consultant_access_log l ON l.consultant_user_id = u.id
    WHERE lower(u.email) = :email AND l.ip_address = :address AND l.action_type = 'logged_in'
    LIMIT 1
    """
)
_ADDRESSES = Statement(
    """
    SELECT s.ip_address FROM users u JOIN reader_sessions s ON s.user_id = u.id
    WHERE lower(u.email) = :email
    UNION
    SELECT s.ip_address FROM users u JOIN staff_sessions s ON s.user_id = u.id
    WHERE lower(u.email) = :email
    UNION
    SELECT l.ip_address FROM users u JOIN consultant_access_log l ON l.consultant_user_id = u.id
    WHERE lower(u.email) = :email AND l.action_type = 'logged_in'
    """
)
_FORGET = Statement("DELETE FROM failed_logins WHERE subject = :subject")


def refuse_if_locked(db: Database, email: str, address: str | None, now: datetime) -> None:
    """Refuse a login that comes too soon after failed ones, and say when to try again."""
    longest = pause(db, email, address, now)
    if longest > timedelta(0):
        seconds = ceil(longest.total_seconds())
        raise ReadwatchError(
            ErrorKind.THROTTLED,
            f"too many failed logins; try again in {seconds} s",
            retry_after=seconds,
        )


def pause(db: Database, email: str, address: str | None, now: datetime) -> timedelta:
    """Return how long a login has to wait because of failed ones; zero if it may be tried now.

    Where the account was signed in before, only what failed there for it counts.
    """
    pauses = {
        counted: wait(counted, _remembered(db, subject), now)
        for counted, subject in _subjects(email, address).items()
    }
    longest = max(pauses.values())
    if longest > pauses[Counted.ACCOUNT_AT_ADDRESS] and _signed_in_there(db, email, address):
        return pauses[Counted.ACCOUNT_AT_ADDRESS]
    return longest


def locked_for(db: Database, email: str, now: datetime) -> timedelta:
    """Return how long an account is still locked, there where it was signed in or anywhere else.

    Of one other address alone it cannot be told: what failed is kept under hashes.
    """
    return max(
        wait(counted, _remembered(db, subject), now)
        for counted, subject in _subjects_of_account(db, email)
    )


def record_failure(db: Database, email: str, address: str | None, now: datetime) -> None:
    """Remember a failed login. Call it in a transaction."""
    for subject in _subjects(email, address).values():
        remembered = _remembered(db, subject)
        failures = min(MAX_FAILURES, remembered.left(now) + 1) if remembered else 1
        _KEEP(db, subject=subject, failures=failures, now=to_db_time(now))


def purge_failures(db: Database, email: str, address: str | None) -> None:
    """Forget the failures of one who got in; those of the address stay. In a transaction."""
    for counted, subject in _subjects(email, address).items():
        if counted is not Counted.ADDRESS:
            _FORGET(db, subject=subject)


def purge_account(db: Database, email: str) -> None:
    """Forget what failed for an account, there where it was signed in or anywhere else.

    Call it in a transaction.
    """
    for _, subject in _subjects_of_account(db, email):
        _FORGET(db, subject=subject)


def count_of_account(db: Database, email: str) -> int:
    """Return how many rows `purge_account` would delete."""
    subjects_of_account = {subject for _, subject in _subjects_of_account(db, email)}
    return sum(_remembered(db, subject) is not None for subject in subjects_of_account)


def _subjects_of_account(db: Database, email: str) -> Iterator[tuple[Counted, str]]:
    addresses = [row[0] for row in _ADDRESSES(db, email=normalised_email(email))]
    for address in (*addresses, None):
        for counted, subject in _subjects(email, address).items():
            if counted is not Counted.ADDRESS:
                yield counted, subject


def _subjects(email: str, address: str | None) -> dict[Counted, str]:
    # Spellings that lead to the same account are counted together.
    return subjects(normalised_email(email), address)


def _signed_in_there(db: Database, email: str, address: str | None) -> bool:
    return (
        _SIGNED_IN_THERE(db, email=normalised_email(email), address=address).fetchone() is not None
    )


def _remembered(db: Database, subject: str) -> Failures | None:
    row = _FIND(db, subject=subject).fetchone()
    return Failures(row[0], from_db_time(row[1])) if row else None
