"""Who may do what to which table: one table of rights, enforced by the engine.

On SQLite each connection carries an authorizer made from it
(https://www.sqlite.org/c3ref/set_authorizer.html).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import apsw

_EVERYTHING = "*"


class Role(StrEnum):
    """What a connection is for."""

    OWNER = "owner"  # makes and upgrades the schema
    ADMIN = "admin"  # the command line
    MAINTENANCE = "maintenance"  # the command line, when it checks and mends the database
    INGEST = "ingest"  # the HTTP service
    CONSOLE = "console"  # what a consultant sees
    SIGN_IN = "sign_in"  # the console's look at a password hash, and what comes of it
    ACCESS_LOG = "access_log"  # all that a console writes once somebody is signed in


@dataclass(frozen=True, slots=True)
class Rights:
    """The tables that a role may read, add to and change.

    Of a table in `read_only` or `update_only` it may read or change these columns alone; `hidden`
    columns it cannot read.
    """

    read: frozenset[str]
    read_only: frozenset[tuple[str, str]] = frozenset()
    insert: frozenset[str] = frozenset()
    update: frozenset[str] = frozenset()
    update_only: frozenset[tuple[str, str]] = frozenset()
    delete: frozenset[str] = frozenset()
    hidden: frozenset[tuple[str, str]] = field(default=frozenset())

    @property
    def writes(self) -> bool:
        """Tell whether this role changes anything."""
        return bool(self.insert or self.update or self.update_only or self.delete)


_READER_TABLES = {
    "users",
    "reader_profiles",
    "reader_sessions",
    "reader_activities",
    "reader_content_progress",
    "activity_counts",
    "online_counts",
}
_TABLES_OF_SQLITE = {"dbstat", "jsonb_each", "pragma_page_count", "pragma_page_size"}
_SECRETS = frozenset(
    {
        ("users", "password_hash"),
        ("reader_sessions", "session_token"),
        ("staff_sessions", "session_token"),
    }
)
_TOTALS = frozenset(
    ("reader_profiles", column)
    for column in (
        "total_reading_seconds",
        "total_reading_time_minutes",
        "unique_content_read",
        "last_activity_id",
        "last_activity_at",
        "total_sessions",
        "last_login",
        "updated_at",
    )
)

RIGHTS: Mapping[Role, Rights] = {
    Role.ADMIN: Rights(
        read=frozenset({_EVERYTHING}),
        insert=frozenset({"users", "reader_profiles", "consultant_access_log"}),
        update=frozenset({"users", "reader_profiles", "reader_sessions", "staff_sessions"}),
        delete=frozenset({"resume_tokens"}),
    ),
    Role.MAINTENANCE: Rights(
        read=frozenset(
            {*_READER_TABLES, "consultant_access_log", "schema_history", *_TABLES_OF_SQLITE}
        ),
        insert=frozenset({"reader_content_progress", "activity_counts", "consultant_access_log"}),
        update=frozenset({"activity_counts"}),
        update_only=_TOTALS,
        delete=frozenset({"reader_content_progress", "activity_counts"}),
        hidden=_SECRETS,
    ),
    Role.INGEST: Rights(
        read=frozenset({_EVERYTHING}),
        insert=frozenset(
            {
                "reader_sessions",
                "staff_sessions",
                "resume_tokens",
                "reader_activities",
                "activity_receipts",
                "reader_content_progress",
                "activity_counts",
                "online_counts",
                "failed_logins",
                "consultant_access_log",
            }
        ),
        update=frozenset(
            {
                "reader_profiles",
                "reader_sessions",
                "staff_sessions",
                "resume_tokens",
                "reader_content_progress",
                "activity_counts",
                "failed_logins",
            }
        ),
        update_only=frozenset(
            ("users", column) for column in ("password_hash", "password_changed_at", "updated_at")
        ),
        delete=frozenset({"activity_receipts", "failed_logins", "resume_tokens", "online_counts"}),
    ),
    Role.CONSOLE: Rights(
        read=frozenset({*_READER_TABLES, "consultant_access_log", "schema_history", "jsonb_each"}),
        hidden=_SECRETS,
    ),
    Role.SIGN_IN: Rights(
        read=frozenset({"users", "schema_history", "failed_logins"}),
        # Where an account was signed in before, and what the next entry follows.
        read_only=frozenset(
            {
                *((table, "user_id") for table in ("reader_sessions", "staff_sessions")),
                *((table, "ip_address") for table in ("reader_sessions", "staff_sessions")),
                *(
                    ("consultant_access_log", column)
                    for column in (
                        *("id", "consultant_user_id", "action_type", "ip_address"),
                        *("prev_hash", "row_hash"),
                    )
                ),
            }
        ),
        insert=frozenset({"failed_logins", "consultant_access_log"}),
        update=frozenset({"failed_logins"}),
        delete=frozenset({"failed_logins"}),
    ),
    Role.ACCESS_LOG: Rights(
        # The engine looks up the users that a new entry refers to.
        read=frozenset({"consultant_access_log", "users", "schema_history"}),
        insert=frozenset({"consultant_access_log"}),
        hidden=_SECRETS,
    ),
}

_HARMLESS = {
    apsw.SQLITE_SELECT,
    apsw.SQLITE_RECURSIVE,
    apsw.SQLITE_TRANSACTION,
    apsw.SQLITE_SAVEPOINT,
}
_PRAGMAS = {
    "busy_timeout",
    "cache_size",
    "data_version",
    "foreign_key_check",
    "foreign_keys",
    "integrity_check",
    "journal_mode",
    "journal_size_limit",
    "page_count",
    "page_size",
    "synchronous",
    "temp_store",
}
_CATALOGUE = {"sqlite_master", "sqlite_schema"}

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def authorizer(role: Role) -> Authorizer | None:
    """Return SQLite's gatekeeper for a role, None for the owner who may do everything.

    It is asked once for each thing that a statement is going to do, when it is prepared.
    """
    if role is Role.OWNER:
        return None
    rights = RIGHTS[role]

    def decide(
        operation: int,
        first: str | None,
        second: str | None,
        _database: str | None,
        _trigger: str | None,
    ) -> int:
        return apsw.SQLITE_OK if _allowed(rights, operation, first, second) else apsw.SQLITE_DENY

    return decide


def _allowed(rights: Rights, operation: int, first: str | None, second: str | None) -> bool:
    if operation in _HARMLESS:
        return True
    if operation == apsw.SQLITE_READ:
        if (first, second) in rights.hidden:
            return False
        return (
            _EVERYTHING in rights.read
            or first in rights.read
            or (first, second) in rights.read_only
            or first in _CATALOGUE
        )
    if operation == apsw.SQLITE_INSERT:
        return first in rights.insert
    if operation == apsw.SQLITE_UPDATE:
        return first in rights.update or (first, second) in rights.update_only
    if operation == apsw.SQLITE_DELETE:
        return first in rights.delete
    if operation == apsw.SQLITE_FUNCTION:
        return second != "load_extension"
    if operation == apsw.SQLITE_PRAGMA:
        # Settings are made before the gatekeeper is set; afterwards they can only be read.
        return first in _PRAGMAS and second is None
    return False
