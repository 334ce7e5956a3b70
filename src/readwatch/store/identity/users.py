"""Accounts: add, find, list and authenticate users, and change the user's own password."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee
from email_validator import EmailNotValidError, validate_email
from peewee import fn

from readwatch.domain.errors import (
    ErrorKind,
    ReadwatchError,
    conflict,
    invalid,
    misconfigured,
    not_found,
)
from readwatch.domain.text import clean
from readwatch.domain.users import User, UserRole, checked_name, normalised_email
from readwatch.store.engine import models
from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.connections import Database, connection
from readwatch.store.engine.times import from_db_time, to_db_time
from readwatch.store.identity.passwords import DEFAULT_COST, password_matches

SUSPENDED = "this account is suspended"

TAKEN = "there is an account with this e-mail already"

TAKEN_BY_DELETED = (
    "this e-mail belonged to an account that was deleted, and stays taken; use another one"
)

ACTIVE_READER = "u.user_role = 'reader' AND u.is_active = TRUE AND u.deleted_at IS NULL"
"""SQL condition on a row `u` of users: an active reader, who may log in and is in the lists."""

_COLUMNS = (
    models.Users.id,
    models.Users.email,
    models.Users.user_role,
    models.Users.full_name,
    models.Users.is_active,
    models.Users.email_verified,
    models.Users.created_at,
    models.Users.password_changed_at,
)

_ACCOUNTS = models.Users.select(*_COLUMNS).where(models.Users.deleted_at.is_null())
_OF_EMAIL = fn.lower(models.Users.email) == Param("email")
_FIND_USER = CompiledQuery(_ACCOUNTS.where(_OF_EMAIL))
_FIND_USER_WITH_HASH = CompiledQuery(
    _ACCOUNTS.select_extend(models.Users.password_hash).where(_OF_EMAIL)
)
_GET_USER = CompiledQuery(_ACCOUNTS.where(models.Users.id == Param("user_id")))
_ADMINS = CompiledQuery(
    _ACCOUNTS.where(models.Users.user_role == UserRole.ADMIN).order_by(
        models.Users.full_name, models.Users.id
    )
)
_ACCOUNT_OF_EMAIL = CompiledQuery(
    models.Users.select(models.Users.id, models.Users.deleted_at).where(_OF_EMAIL)
)
_PASSWORD_HASH = CompiledQuery(
    models.Users.select(models.Users.password_hash).where(
        models.Users.id == Param("user_id"), models.Users.deleted_at.is_null()
    )
)
_CHANGE_PASSWORD = CompiledQuery(
    models.Users.update(
        {
            models.Users.password_hash: Param("new_hash"),
            models.Users.password_changed_at: Param("now"),
            models.Users.updated_at: Param("now"),
        }
    )
    .where(models.Users.id == Param("user_id"), models.Users.password_hash == Param("old_hash"))
    .returning(models.Users.id)
)


class WrongPassword(ReadwatchError):
    """No account has this e-mail and this password."""

    def __init__(self) -> None:
        super().__init__(ErrorKind.UNAUTHENTICATED, "wrong e-mail or password")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """An account to add; the profile fields are for readers."""

    email: str
    full_name: str
    user_role: UserRole
    password_hash: str
    reading_level: str | None = None
    preferred_language: str = "en"
    timezone: str = "UTC"


def checked_email(email: str) -> str:
    """Return the e-mail address in lower case, as it is stored; refuse an invalid address."""
    try:
        # Special-use domains such as .test are allowed, because no mail is sent.
        validated = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise invalid(f"not an e-mail address: {error}", field="email") from None
    return validated.normalized.lower()


def add_user(db: Database, new: NewUser, now: datetime) -> User:
    """Add an account, for a reader with a profile; an e-mail that is taken is a conflict."""
    email, full_name = checked_email(new.email), checked_name(new.full_name)
    try:
        with db.atomic():
            user_id = (
                models.Users.insert(
                    email=email,
                    password_hash=new.password_hash,
                    user_role=new.user_role,
                    full_name=full_name,
                    is_active=True,
                    email_verified=False,
                    created_at=now,
                    updated_at=now,
                    password_changed_at=now,
                )
                .returning(models.Users.id)
                .tuples()
                .execute(db)[0][0]
            )
            if new.user_role is UserRole.READER:
                models.ReaderProfiles.insert(
                    user=user_id,
                    reading_level=new.reading_level,
                    preferred_language=new.preferred_language,
                    timezone=new.timezone,
                    total_reading_time_minutes=0,
                    total_sessions=0,
                    total_reading_seconds=0,
                    unique_content_read=0,
                    created_at=now,
                    updated_at=now,
                ).execute(db)
    except peewee.IntegrityError:
        refuse_taken_email(db, email)
        raise
    return User(
        id=user_id,
        email=clean(email),
        user_role=new.user_role,
        full_name=clean(full_name),
        is_active=True,
        email_verified=False,
        created_at=now,
        password_changed_at=now,
    )


def refuse_taken_email(db: Database, email: str) -> None:
    """Refuse the e-mail of an existing or deleted account."""
    account = _ACCOUNT_OF_EMAIL.one_or_none(db, email=email)
    if account is None:
        return
    raise conflict(
        TAKEN if account.deleted_at is None else TAKEN_BY_DELETED, field="email"
    ) from None


def find_user(db: Database, email: str) -> User:
    """Return the account with this e-mail, compared without case; deleted ones are not found."""
    user = user_or_none(db, email)
    if user is None:
        raise not_found("there is no account with this e-mail")
    return user


def user_or_none(db: Database, email: str) -> User | None:
    """Return the account with this e-mail as `find_user` does, or None."""
    row = _FIND_USER.one_or_none(db, email=normalised_email(email))
    return None if row is None else user_of(row)


def get_user(db: Database, user_id: int) -> User:
    """Return an account by its id; deleted accounts are not found."""
    row = _GET_USER.one_or_none(db, user_id=user_id)
    if row is None:
        raise not_found(f"there is no user {user_id}")
    return user_of(row)


def account_id(db: Database, email: str) -> int:
    """Return the id of an account by its e-mail, including deleted accounts."""
    account = _ACCOUNT_OF_EMAIL.one_or_none(db, email=normalised_email(email))
    if account is None:
        raise not_found("there is no account with this e-mail")
    user_id: int = account.id
    return user_id


def id_or_none(db: Database, user_id: int) -> int | None:
    """Return the id if an account has it, even a deleted one; otherwise None."""
    rows = (
        models.Users.select(models.Users.id).where(models.Users.id == user_id).tuples().execute(db)
    )
    return user_id if list(rows) else None


def list_admins(db: Database) -> tuple[User, ...]:
    """Return the admins by name: one of them has to act before anything can be logged."""
    return tuple(user_of(row) for row in _ADMINS.all(db))


def acting_admin(db: Database, email: str | None) -> User:
    """Return the acting admin: the named one, or else the only active admin."""
    if email is not None:
        user = user_or_none(db, email)
        if user is None or user.user_role is not UserRole.ADMIN or not user.is_active:
            raise ReadwatchError(
                ErrorKind.FORBIDDEN, f"there is no active admin {email!r}; name one with --as EMAIL"
            )
        return user
    every = list_admins(db)
    if not every:
        raise misconfigured("there is no admin yet; run: readwatch init")
    admins = [user for user in every if user.is_active]
    if not admins:
        raise misconfigured(
            "all admins are suspended; the owner of the database can set is_active for one of them"
        )
    if len(admins) > 1:
        raise invalid("there are several admins: say which one acts with --as EMAIL", field="as")
    return admins[0]


def authenticate(db: Database, email: str, password: str, *, cost: int = DEFAULT_COST) -> User:
    """Return the user with this e-mail and password; refuse the login otherwise.

    An unknown e-mail and a wrong password get the same answer in the same time; only the right
    password reveals that an account is suspended. No connection is open during the check.
    """
    with connection(db):
        row = _FIND_USER_WITH_HASH.one_or_none(db, email=normalised_email(email))
    user, password_hash = (user_of(row), row.password_hash) if row else (None, None)
    if not password_matches(password, password_hash, cost) or user is None:
        raise WrongPassword
    if not user.is_active:
        raise ReadwatchError(ErrorKind.UNAUTHENTICATED, SUSPENDED)
    return user


def check_current_password(
    db: Database, user_id: int, password: str, *, cost: int = DEFAULT_COST
) -> str:
    """Return the hash of a user's password; refuse a wrong one.

    No connection is open during the check.
    """
    with connection(db):
        user = _PASSWORD_HASH.one_or_none(db, user_id=user_id)
    if user is None or not password_matches(password, user.password_hash, cost):
        raise _not_the_current_password()
    password_hash: str = user.password_hash
    return password_hash


def change_password(
    db: Database, user_id: int, old_hash: str, new_hash: str, now: datetime
) -> None:
    """Replace the password hash that was checked, if it is still the current one.

    Call it in a transaction.
    """
    changed = _CHANGE_PASSWORD.one_or_none(
        db, user_id=user_id, old_hash=old_hash, new_hash=new_hash, now=to_db_time(now)
    )
    if changed is None:
        raise _not_the_current_password()


def _not_the_current_password() -> ReadwatchError:
    return ReadwatchError(
        ErrorKind.FORBIDDEN, "this is not the current password", field="current_password"
    )


def require_unchanged(db: Database, logged_in: User) -> None:
    """Refuse a user whose account, role or password has changed since the login."""
    try:
        user = get_user(db, logged_in.id)
    except ReadwatchError:
        raise _logged_out("this account was deleted") from None
    if to_db_time(user.created_at) != to_db_time(logged_in.created_at):
        raise _logged_out("this is another database; log in again")
    if user.email != logged_in.email:
        raise _logged_out("the e-mail of this account was changed; log in with the new one")
    if not user.is_active:
        raise _logged_out(SUSPENDED)
    if user.user_role is not logged_in.user_role:
        raise _logged_out("the role of this account was changed; log in again")
    if to_db_time(user.password_changed_at) != to_db_time(logged_in.password_changed_at):
        raise _logged_out("the password of this account was changed; log in again")


def _logged_out(reason: str) -> ReadwatchError:
    return ReadwatchError(ErrorKind.UNAUTHENTICATED, reason)


def user_of(row: Any) -> User:
    """Return the account of a row of users."""
    return User(
        id=row.id,
        email=clean(row.email),
        user_role=UserRole(row.user_role),
        full_name=clean(row.full_name),
        is_active=bool(row.is_active),
        email_verified=bool(row.email_verified),
        created_at=from_db_time(row.created_at),
        password_changed_at=from_db_time(row.password_changed_at),
    )
