"""Users: readers, consultants and admins."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from unicodedata import normalize

from readwatch.domain.common_passwords import COMMON_PASSWORDS
from readwatch.domain.errors import invalid
from readwatch.domain.text import SafeText, clean

MAX_NAME_LENGTH = 255
MAX_PASSWORD_BYTES = 72
"""The longest password that bcrypt reads to its end; a longer one is refused."""


class UserRole(StrEnum):
    """The roles of users."""

    READER = "reader"
    CONSULTANT = "consultant"
    ADMIN = "admin"

    @property
    def is_staff(self) -> bool:
        """Tell whether this role may see the data of readers."""
        return self is not UserRole.READER

    @property
    def with_article(self) -> str:
        """The role with its article: "an admin"."""
        return f"{'an' if self is UserRole.ADMIN else 'a'} {self}"


MIN_PASSWORD_LENGTH = {UserRole.READER: 8, UserRole.CONSULTANT: 12, UserRole.ADMIN: 12}


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    id: int
    email: SafeText
    user_role: UserRole
    full_name: SafeText
    is_active: bool
    email_verified: bool
    created_at: datetime
    password_changed_at: datetime


class AccountState(StrEnum):
    """The states of accounts."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is listed, also a deleted one."""

    user: User
    state: AccountState


@dataclass(frozen=True, slots=True)
class ReaderProfile:
    """The profile of a reader, with the totals from the rollups."""

    user_id: int
    reading_level: SafeText
    preferred_language: SafeText
    timezone: SafeText
    last_login: datetime | None
    last_activity_at: datetime | None
    total_reading_time_minutes: int
    total_sessions: int
    unique_content_read: int


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """Sessions and logins of an account; `locked_for` is zero unless logins failed too often, and
    `invited_until` is None without an invitation that can be used."""

    open_sessions: int
    last_login: datetime | None
    locked_for: timedelta
    invited_until: datetime | None


def normalised_email(email: str) -> str:
    """Return an e-mail address as the database stores it; accept any text."""
    return normalize("NFC", clean(email)).lower()


def checked_name(full_name: str) -> str:
    """Return the name as it is stored; refuse one that is empty, too long or not printable."""
    name = " ".join(full_name.split())
    if not name:
        raise invalid("a name is needed", field="full_name")
    if len(name) > MAX_NAME_LENGTH:
        raise invalid(f"a name has at most {MAX_NAME_LENGTH} characters", field="full_name")
    if clean(name) != name:
        raise invalid("a name cannot hold control characters", field="full_name")
    return name


def checked_password(password: str, role: UserRole, *, field: str = "password") -> str:
    """Return the password unchanged; refuse one that is common, too short or over 72 bytes.

    `field` is the name of the input, for the error.
    """
    shortest = MIN_PASSWORD_LENGTH[role]
    if len(password) < shortest:
        raise invalid(
            f"the password of {role.with_article} has at least {shortest} characters",
            field=field,
        )
    try:
        size = len(password.encode())
    except UnicodeEncodeError:
        raise invalid("a password has to be in UTF-8", field=field) from None
    if size > MAX_PASSWORD_BYTES:
        raise invalid(
            f"a password has at most {MAX_PASSWORD_BYTES} bytes in UTF-8; this one is longer",
            field=field,
        )
    if password.lower() in COMMON_PASSWORDS:
        raise invalid("this password is too common", field=field)
    return password
