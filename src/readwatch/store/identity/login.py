"""A console's sign-in: the password, how often it may be tried, and what is put on record."""

from datetime import datetime
from math import ceil

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import User
from readwatch.store.audit.log import append_event
from readwatch.store.engine.connections import Database, Lock, acquire_lock, connection
from readwatch.store.identity import lockout
from readwatch.store.identity.passwords import DEFAULT_COST
from readwatch.store.identity.users import authenticate, find_user


def log_in(
    db: Database,
    email: str,
    password: str,
    address: str,
    now: datetime,
    *,
    action: AuditAction = AuditAction.SIGNED_IN,
    cost: int = DEFAULT_COST,
) -> User:
    """Return the consultant or admin whose e-mail and password these are, once that is on record.

    What fails is counted, together with what fails at the API, and is on record where the account
    is one of staff. An address that nobody has costs the same time.
    """
    with connection(db):
        lockout.refuse_if_locked(db, email, address, now)
    try:
        user = authenticate(db, email, password, cost=cost)
    except ReadwatchError as refusal:
        if refusal.kind is ErrorKind.UNAUTHENTICATED:
            with connection(db), db.atomic():
                record_failure(db, email, address, now, f"console: {refusal.message}")
        raise
    if not user.user_role.is_staff:
        raise ReadwatchError(ErrorKind.FORBIDDEN, "only consultants and admins get in")
    with connection(db), db.atomic():
        acquire_lock(db, Lock.ROLLUPS)  # as the service does for logins: else the two could cross
        lockout.refuse_if_locked(db, email, address, now)
        lockout.delete_failures(db, email, address)
        append_event(db, AuditEvent(user.id, action, details="console", ip_address=address), now)
    return user


def record_failure(
    db: Database, email: str, address: str | None, now: datetime, details: str
) -> None:
    """Count a failed sign-in; with an account of staff it is on record, and so is a lock.

    `details` say where and why. Who tried while it was locked is refused. Call it in a transaction.
    """
    acquire_lock(db, Lock.ROLLUPS)
    lockout.refuse_if_locked(db, email, address, now)
    lockout.record_failure(db, email, address, now)
    user = _staff(db, email)
    if user is None:
        return
    append_event(db, AuditEvent(user.id, AuditAction.FAILED_SIGN_IN, None, details, address), now)
    seconds = ceil(lockout.pause(db, email, address, now).total_seconds())
    if seconds:
        face = details.partition(":")[0]
        append_event(
            db,
            AuditEvent(user.id, AuditAction.LOCKED_OUT, None, f"{face}, for {seconds} s", address),
            now,
        )


def _staff(db: Database, email: str) -> User | None:
    try:
        user = find_user(db, email)
    except ReadwatchError:
        return None
    return user if user.user_role.is_staff else None
