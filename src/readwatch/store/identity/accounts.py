"""Changes that admins make to accounts: suspend, activate, delete, role and password.

Call each change in a transaction. It takes the lock of the logins first, so that no login happens
in between, and of two admins who suspend each other one stays.
"""

from datetime import datetime

from readwatch.domain.errors import ReadwatchError, conflict, not_found
from readwatch.domain.users import AccountStatus, User, UserRole
from readwatch.store.audit.log import Permit
from readwatch.store.engine.connections import (
    Database,
    Lock,
    Statement,
    acquire_lock,
    from_db_time_or_none,
    to_db_time,
)
from readwatch.store.identity.lockout import locked_for
from readwatch.store.identity.sessions import end_all_sessions
from readwatch.store.identity.users import get_user

_OPEN_SESSIONS = Statement(
    """
    SELECT (
        SELECT count(*) FROM reader_sessions WHERE user_id = :user_id AND is_active = TRUE
    ) + (
        SELECT count(*) FROM staff_sessions WHERE user_id = :user_id AND is_active = TRUE
    )
    """
)
# A login at the console is an entry of the access log.
_LAST_LOGIN = Statement(
    """
    SELECT max(at) FROM (
        SELECT last_login AS at FROM reader_profiles WHERE user_id = :user_id
        UNION ALL
        SELECT max(started_at) FROM staff_sessions WHERE user_id = :user_id
        UNION ALL
        SELECT max(created_at) FROM consultant_access_log
        WHERE consultant_user_id = :user_id AND action_type = 'logged_in'
    ) AS logins
    """
)
_OTHER_ADMIN = Statement(
    """
    SELECT 1 FROM users
    WHERE user_role = 'admin' AND is_active = TRUE AND deleted_at IS NULL AND id <> :user_id
    LIMIT 1
    """
)
_SUSPEND = Statement("UPDATE users SET is_active = FALSE, updated_at = :now WHERE id = :user_id")
_ACTIVATE = Statement("UPDATE users SET is_active = TRUE, updated_at = :now WHERE id = :user_id")
_DELETE = Statement(
    """
    UPDATE users SET is_active = FALSE, deleted_at = :now, updated_at = :now WHERE id = :user_id
    """
)
_CHANGE_ROLE = Statement(
    "UPDATE users SET user_role = :role, updated_at = :now WHERE id = :user_id"
)
# Who was a reader before still has one.
_ADD_PROFILE = Statement(
    """
    INSERT INTO reader_profiles (user_id, created_at, updated_at) VALUES (:user_id, :now, :now)
    ON CONFLICT (user_id) DO NOTHING
    """
)
_SET_PASSWORD = Statement(
    """
    UPDATE users SET password_hash = :password_hash, password_changed_at = :now, updated_at = :now
    WHERE id = :user_id
    """
)


def account_status(db: Database, permit: Permit, now: datetime) -> AccountStatus:
    """Return the sessions and logins of an account at `now`."""
    user = get_user(db, permit.subject_id)
    return AccountStatus(
        open_sessions=_OPEN_SESSIONS(db, user_id=user.id).fetchone()[0],
        last_login=from_db_time_or_none(_LAST_LOGIN(db, user_id=user.id).fetchone()[0]),
        locked_for=locked_for(db, user.email, now),
    )


def suspend(db: Database, user_id: int, now: datetime) -> int:
    """Suspend an account until it is activated; return how many sessions ended.

    An account that is suspended already, and the last active admin, are conflicts.
    """
    user = _locked_user(db, user_id)
    if not user.is_active:
        raise conflict("this account is suspended already")
    _refuse_last_admin(db, user)
    _SUSPEND(db, user_id=user_id, now=to_db_time(now))
    return end_all_sessions(db, user_id, now)


def activate(db: Database, user_id: int, now: datetime) -> None:
    """Activate a suspended account; one that is active already is a conflict."""
    if _locked_user(db, user_id).is_active:
        raise conflict("this account is active already")
    _ACTIVATE(db, user_id=user_id, now=to_db_time(now))


def delete(db: Database, user_id: int, now: datetime) -> int:
    """Mark an account as deleted, for good; return how many sessions ended.

    The data of its reader stays, and its e-mail stays taken. The last active admin is a conflict.
    """
    _refuse_last_admin(db, _locked_user(db, user_id))
    _DELETE(db, user_id=user_id, now=to_db_time(now))
    return end_all_sessions(db, user_id, now)


def set_password(db: Database, user_id: int, password_hash: str, now: datetime) -> int:
    """Give an account another password; return how many sessions ended."""
    _locked_user(db, user_id)
    _SET_PASSWORD(db, user_id=user_id, password_hash=password_hash, now=to_db_time(now))
    return end_all_sessions(db, user_id, now)


def change_role(
    db: Database, user_id: int, role: UserRole, password_hash: str | None, now: datetime
) -> int:
    """Give an account another role; return how many sessions ended.

    A reader who joins the staff needs another password, as the rule for staff is stricter. The role
    that the account has already, and another one for the last active admin, are conflicts.
    """
    user = _locked_user(db, user_id)
    if user.user_role is role:
        raise conflict(f"this account is {role.with_article} already")
    _refuse_last_admin(db, user)
    if role.is_staff and not user.user_role.is_staff and password_hash is None:
        raise ValueError("a reader who joins the staff needs another password")
    _CHANGE_ROLE(db, user_id=user_id, role=str(role), now=to_db_time(now))
    if role is UserRole.READER:
        _ADD_PROFILE(db, user_id=user_id, now=to_db_time(now))
    if password_hash is not None:
        _SET_PASSWORD(db, user_id=user_id, password_hash=password_hash, now=to_db_time(now))
    return end_all_sessions(db, user_id, now)


def _locked_user(db: Database, user_id: int) -> User:
    """Return an account that no other program changes until the transaction ends."""
    acquire_lock(db, Lock.ROLLUPS)
    try:
        return get_user(db, user_id)
    except ReadwatchError:
        raise not_found("this account was deleted") from None


def _refuse_last_admin(db: Database, user: User) -> None:
    if user.user_role is not UserRole.ADMIN or not user.is_active:
        return
    if _OTHER_ADMIN(db, user_id=user.id).fetchone() is None:
        raise conflict(
            "this is the last active admin; first add another one: "
            "readwatch user add EMAIL --role admin --name NAME"
        )
