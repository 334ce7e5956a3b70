"""Logging in, at the API and the console: one order of steps, and what is logged of it."""

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
class LoginSource:
    """The account that a password is given for, the address it comes from, and the program, as the
    access log names it."""

    email: str
    address: str | None
    program: str


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
    """Return what `open_session` gives for the user whose e-mail and password these are.

    `commit` runs it in one transaction with the entry of the access log, which every login of a
    member of staff has. Failures are counted, at the API and the console together, and are logged
    where the account is one of staff. An unknown e-mail gets the same answer in the same time.
    """
    with failures_counted(db, commit, source, clock):
        user = authenticate(db, source.email, password, cost=cost)
    if staff_only and not user.user_role.is_staff:
        raise ReadwatchError(ErrorKind.FORBIDDEN, "only consultants and admins can log in here")

    def write(db: Database) -> T:
        now = clock()
        acquire_lock(db, Lock.ROLLUPS)  # first, as for every login: else two could deadlock
        lockout.refuse_if_locked(db, source.email, source.address, now)
        require_unchanged(db, user)  # since the password was checked
        lockout.delete_failures(db, source.email, source.address)
        if user.user_role.is_staff:
            _append(db, user, action, source, source.program, now)
        return open_session(db, user, now)

    return commit(write)


@contextmanager
def failures_counted(
    db: Database, commit: RunInTransaction, source: LoginSource, clock: Clock
) -> Iterator[None]:
    """Refuse who failed too often to give a password, and count a wrong one that is given inside.

    Who tried while others failed is refused afterwards, and does not learn whether it was right.
    """
    with connection(db):
        lockout.refuse_if_locked(db, source.email, source.address, clock())
    try:
        yield
    except ReadwatchError as error:
        if error.kind in {ErrorKind.UNAUTHENTICATED, ErrorKind.FORBIDDEN}:
            reason = error.message
            commit(lambda db: _record_failure(db, source, reason, clock()))
        raise


def _record_failure(db: Database, source: LoginSource, reason: str, now: datetime) -> None:
    """Count a failure; for an account of staff log it, and that the account is locked."""
    acquire_lock(db, Lock.ROLLUPS)
    lockout.refuse_if_locked(db, source.email, source.address, now)
    lockout.record_failure(db, source.email, source.address, now)
    user = _staff(db, source.email)
    if user is None:
        return
    _append(db, user, AuditAction.FAILED_LOGIN, source, f"{source.program}: {reason}", now)
    seconds = ceil(lockout.login_delay(db, source.email, source.address, now).total_seconds())
    if seconds:
        details = f"{source.program}, for {seconds} s"
        _append(db, user, AuditAction.LOCKED_OUT, source, details, now)


def _append(
    db: Database,
    user: User,
    action: AuditAction,
    source: LoginSource,
    details: str,
    now: datetime,
) -> None:
    event = AuditEvent(user.id, action, details=details, ip_address=source.address)
    append_in_transaction(db, event, now)


def _staff(db: Database, email: str) -> User | None:
    try:
        user = find_user(db, email)
    except ReadwatchError:
        return None
    return user if user.user_role.is_staff else None
