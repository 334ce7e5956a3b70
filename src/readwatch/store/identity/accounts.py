"""Changes of accounts: suspend, activate, delete, role and password, by admins or an invitation.

Call each function in a transaction. It first acquires the lock that logins use, so that no login
happens during the change, and two admins cannot suspend each other at the same time.
"""

from datetime import datetime

from peewee import fn

from readwatch.domain.audit import AuditAction
from readwatch.domain.errors import ReadwatchError, conflict, not_found
from readwatch.domain.users import AccountStatus, User, UserRole
from readwatch.store.audit.log import Permit
from readwatch.store.engine.compiled import FALSE, TRUE, CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.models import (
    ConsultantAccessLog,
    ReaderProfiles,
    ReaderSessions,
    StaffSessions,
    Users,
)
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time_or_none, to_db_time
from readwatch.store.identity import groups, invitations
from readwatch.store.identity.lockout import locked_for
from readwatch.store.identity.sessions import end_all_sessions
from readwatch.store.identity.users import get_user

_OPEN_READER_SESSIONS = CompiledQuery(
    ReaderSessions.select(fn.count(ReaderSessions.id)).where(
        ReaderSessions.user == Param("user_id"), ReaderSessions.is_active == TRUE
    )
)
_OPEN_STAFF_SESSIONS = CompiledQuery(
    StaffSessions.select(fn.count(StaffSessions.id)).where(
        StaffSessions.user == Param("user_id"), StaffSessions.is_active == TRUE
    )
)
_LAST_READER_LOGIN = CompiledQuery(
    ReaderProfiles.select(fn.max(ReaderProfiles.last_login)).where(
        ReaderProfiles.user == Param("user_id")
    )
)
_LAST_STAFF_LOGIN = CompiledQuery(
    StaffSessions.select(fn.max(StaffSessions.started_at)).where(
        StaffSessions.user == Param("user_id")
    )
)
# A login at the console is stored as an entry of the access log.
_LAST_CONSOLE_LOGIN = CompiledQuery(
    ConsultantAccessLog.select(fn.max(ConsultantAccessLog.created_at)).where(
        ConsultantAccessLog.consultant_user == Param("user_id"),
        ConsultantAccessLog.action_type == AuditAction.LOGGED_IN,
    )
)
_LAST_LOGINS = (_LAST_READER_LOGIN, _LAST_STAFF_LOGIN, _LAST_CONSOLE_LOGIN)
_OTHER_ADMIN = CompiledQuery(
    Users.select(Users.id)
    .where(
        Users.user_role == UserRole.ADMIN,
        Users.is_active == TRUE,
        Users.deleted_at.is_null(),
        Users.id != Param("user_id"),
    )
    .limit(1)
)
_IS_USER = Users.id == Param("user_id")
_SUSPEND = CompiledQuery(
    Users.update({Users.is_active: FALSE, Users.updated_at: Param("now")}).where(_IS_USER)
)
_ACTIVATE = CompiledQuery(
    Users.update({Users.is_active: TRUE, Users.updated_at: Param("now")}).where(_IS_USER)
)
_DELETE = CompiledQuery(
    Users.update(
        {
            Users.is_active: FALSE,
            Users.deleted_at: Param("now"),
            Users.updated_at: Param("now"),
        }
    ).where(_IS_USER)
)
_CHANGE_ROLE = CompiledQuery(
    Users.update({Users.user_role: Param("role"), Users.updated_at: Param("now")}).where(_IS_USER)
)
_SET_PASSWORD = CompiledQuery(
    Users.update(
        {
            Users.password_hash: Param("password_hash"),
            Users.password_changed_at: Param("now"),
            Users.updated_at: Param("now"),
        }
    ).where(_IS_USER)
)
# SQL, because on SQLite Peewee would ignore all conflicts. A former reader still has a profile.
_ADD_PROFILE = Statement(
    """
    INSERT INTO reader_profiles (user_id, created_at, updated_at) VALUES (:user_id, :now, :now)
    ON CONFLICT (user_id) DO NOTHING
    """
)


def account_status(db: Database, permit: Permit, now: datetime) -> AccountStatus:
    """Return the sessions and logins of an account at `now`."""
    user = get_user(db, permit.subject_id)
    open_sessions = (_OPEN_READER_SESSIONS, _OPEN_STAFF_SESSIONS)
    logins = (from_db_time_or_none(query.scalar(db, user_id=user.id)) for query in _LAST_LOGINS)
    return AccountStatus(
        open_sessions=sum(query.scalar(db, user_id=user.id) for query in open_sessions),
        last_login=max((login for login in logins if login), default=None),
        locked_for=locked_for(db, user.email, now),
        invited_until=invitations.invited_until(db, user.id, now),
    )


def suspend(db: Database, user_id: int, now: datetime) -> int:
    """Suspend an account until it is activated; return the number of ended sessions.

    Suspending a suspended account or the last active admin is a conflict.
    """
    user = _locked_user(db, user_id)
    if not user.is_active:
        raise conflict("this account is suspended already")
    _refuse_last_admin(db, user)
    _SUSPEND(db, user_id=user_id, now=to_db_time(now))
    return _end_access(db, user_id, now)


def activate(db: Database, user_id: int, now: datetime) -> None:
    """Activate a suspended account; activating an active account is a conflict."""
    if _locked_user(db, user_id).is_active:
        raise conflict("this account is active already")
    _ACTIVATE(db, user_id=user_id, now=to_db_time(now))


def delete(db: Database, user_id: int, now: datetime) -> int:
    """Mark an account as deleted, for good; return the number of ended sessions.

    The reader's data stays, and the e-mail stays taken. Deleting the last active admin is a
    conflict.
    """
    _refuse_last_admin(db, _locked_user(db, user_id))
    _DELETE(db, user_id=user_id, now=to_db_time(now))
    return _end_access(db, user_id, now)


def set_password(db: Database, user_id: int, password_hash: str, now: datetime) -> int:
    """Set the password of an account; return the number of ended sessions.

    Append the entry first: the engine refuses a new password of staff without it.
    """
    _locked_user(db, user_id)
    _SET_PASSWORD(db, user_id=user_id, password_hash=password_hash, now=to_db_time(now))
    return _end_access(db, user_id, now)


def change_role(
    db: Database, user_id: int, role: UserRole, password_hash: str | None, now: datetime
) -> int:
    """Change the role of an account; return the number of ended sessions.

    A reader who becomes staff needs a new password, because the rule for staff is stricter, and
    leaves all groups; a consultant keeps the assignments. It is a conflict to set the current role,
    or another role for the last active admin.
    """
    user = _locked_user(db, user_id)
    if user.user_role is role:
        raise conflict(f"this account is {role.with_article} already")
    _refuse_last_admin(db, user)
    if role.is_staff and not user.user_role.is_staff and password_hash is None:
        raise ValueError("a reader who joins the staff needs another password")
    _CHANGE_ROLE(db, user_id=user_id, role=str(role), now=to_db_time(now))
    if not user.user_role.is_staff:
        groups.leave_all(db, user_id)
    if role is UserRole.READER:
        _ADD_PROFILE(db, user_id=user_id, now=to_db_time(now))
    if password_hash is not None:
        _SET_PASSWORD(db, user_id=user_id, password_hash=password_hash, now=to_db_time(now))
    return _end_access(db, user_id, now)


def _end_access(db: Database, user_id: int, now: datetime) -> int:
    """End what gave access before the change: sessions and an invitation; return how many sessions
    were active."""
    invitations.revoke(db, user_id)
    return end_all_sessions(db, user_id, now)


def _locked_user(db: Database, user_id: int) -> User:
    """Return an account and lock it until the transaction ends."""
    acquire_lock(db, Lock.ROLLUPS)
    try:
        return get_user(db, user_id)
    except ReadwatchError:
        raise not_found("this account was deleted") from None


def _refuse_last_admin(db: Database, user: User) -> None:
    if user.user_role is not UserRole.ADMIN or not user.is_active:
        return
    if _OTHER_ADMIN.one_or_none(db, user_id=user.id) is None:
        raise conflict(
            "this is the last active admin; first add another one: "
            "readwatch user add EMAIL --role admin --name NAME"
        )
