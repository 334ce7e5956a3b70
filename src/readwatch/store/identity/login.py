"""Logins at the API and the console: the order of the steps, and their access log entries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import TypeVar

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import Clock
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import User
from readwatch.store.audit.log import RunInTransaction, append_in_transaction
from readwatch.store.engine.connections import Database, connection
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.identity import lockout
from readwatch.store.identity.passwords import DEFAULT_COST
from readwatch.store.identity.users import authenticate, find_user, require_unchanged

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The address of a client, and the name of the program for the access log."""

    address: str | None
    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSource(Origin):
    """The origin and the e-mail of a login; the code of an invitation comes without an e-mail."""

    email: str


def log_in(
    db: Database,
    commit: RunInTransaction,
    source: LoginSource,
    password: str,
    clock: Clock,
    open_session: Callable[[Database, User, datetime], T],
    *,
    action: AuditAction = AuditAction.LOGGED_IN,
    staff_only: bool = False,
    cost: int = DEFAULT_COST,
) -> T:
    """Check the e-mail and the password, and return the result of `open_session` for the user.

    `commit` runs `open_session` and, for staff, the entry of the access log in one transaction.
    Failures at the API and the console have one count; failures of staff accounts are logged. An
    unknown e-mail gets the same answer in the same time.
    """
    with failures_counted(db, commit, source, clock):
        user = authenticate(db, source.email, password, cost=cost)
    if staff_only and not user.user_role.is_staff:
        raise ReadwatchError(ErrorKind.FORBIDDEN, "only consultants and admins can log in here")

    def write(db: Database) -> T:
        now = clock()
        acquire_lock(db, Lock.ROLLUPS)  # the first lock of every login, so that two cannot deadlock
        lockout.refuse_if_locked(db, source.email, source.address, now)
        require_unchanged(db, user)  # the account may have changed since the password was checked
        lockout.delete_failures(db, source.email, source.address)
        if user.user_role.is_staff:
            _append(db, user, action, source, source.program, now)
        return open_session(db, user, now)

    return commit(write)


@contextmanager
def failures_counted(
    db: Database, commit: RunInTransaction, source: Origin, clock: Clock
) -> Iterator[None]:
    """Refuse a password or a code after too many failures, and count a wrong one in the `with`
    block.

    If failures of other logins exceed the limit during the check, the login is refused, and the
    answer does not reveal whether the password was right.
    """
    with connection(db):
        lockout.refuse_if_locked(db, _email(source), source.address, clock())
    try:
        yield
    except ReadwatchError as error:
        if error.kind in {ErrorKind.UNAUTHENTICATED, ErrorKind.FORBIDDEN}:
            reason = error.message
            commit(lambda db: _record_failure(db, source, reason, clock()))
        raise


def _email(source: Origin) -> str | None:
    return source.email if isinstance(source, LoginSource) else None


def _record_failure(db: Database, source: Origin, reason: str, now: datetime) -> None:
    """Count a failure; for a staff account log the failure and the lockout."""
    acquire_lock(db, Lock.ROLLUPS)
    email = _email(source)
    lockout.refuse_if_locked(db, email, source.address, now)
    lockout.record_failure(db, email, source.address, now)
    user = None if email is None else _staff(db, email)
    if user is None:
        return
    _append(db, user, AuditAction.FAILED_LOGIN, source, f"{source.program}: {reason}", now)
    seconds = ceil(lockout.login_delay(db, email, source.address, now).total_seconds())
    if seconds:
        details = f"{source.program}, for {seconds} s"
        _append(db, user, AuditAction.LOCKED_OUT, source, details, now)


def _append(
    db: Database,
    user: User,
    action: AuditAction,
    source: Origin,
    details: str,
    now: datetime,
) -> None:
    event = AuditEvent(
        actor_id=user.id, action_type=action, details=details, ip_address=source.address
    )
    append_in_transaction(db, event, now)


def _staff(db: Database, email: str) -> User | None:
    try:
        user = find_user(db, email)
    except ReadwatchError:
        return None
    return user if user.user_role.is_staff else None
