"""No log, no look: the entry is committed first, and what it permits is read afterwards."""

from datetime import datetime

from readwatch.domain.audit import GENESIS, AuditEvent, Permit, entry_hash
from readwatch.domain.sessions import Principal
from readwatch.store.engine.connections import Database, Lock, Statement, acquire_lock, to_db_time

_HEAD = Statement("SELECT row_hash FROM consultant_access_log ORDER BY id DESC LIMIT 1")
_APPEND = Statement(
    """
    INSERT INTO consultant_access_log (
        consultant_user_id, action_type, target_user_id, action_details, ip_address,
        created_at, prev_hash, row_hash
    ) VALUES (
        :consultant_user_id, :action_type, :target_user_id, :action_details, :ip_address,
        :created_at, :prev_hash, :row_hash
    )
    """
)


def append_event(db: Database, look: AuditEvent, now: datetime) -> None:
    """Put an entry at the end of the chain; when this returns it is on disk.

    Appending is serialised, so that programs at the same time make one chain.
    """
    created_at = to_db_time(now)
    with db.atomic():  # BEGIN IMMEDIATE on SQLite: nobody else writes meanwhile
        acquire_lock(db, Lock.ACCESS_LOG)
        head = _HEAD(db).fetchone()
        prev_hash = head[0] if head else GENESIS
        _APPEND(
            db,
            consultant_user_id=look.consultant_user_id,
            action_type=str(look.action_type),
            target_user_id=look.target_user_id,
            action_details=look.details,
            ip_address=look.ip_address,
            created_at=created_at,
            prev_hash=prev_hash,
            row_hash=entry_hash(prev_hash, look, created_at),
        )


def permit_look(log: Database, look: AuditEvent, now: datetime) -> Permit:
    """Record a look at one reader's data and permit it; when it cannot be recorded, raise."""
    if log.in_transaction():
        raise ValueError("a look is permitted once its entry is committed, not in a transaction")
    append_event(log, look, now)
    return permitted(look)


def permitted(look: AuditEvent) -> Permit:
    """Return the permit for a look whose entry is committed."""
    if look.target_user_id is None:
        raise ValueError("a look at a reader's data names the reader")
    return Permit(look.target_user_id)


def permit_own(caller: Principal) -> Permit:
    """Permit readers to read their own data."""
    return Permit(caller.user_id)
