"""The privileges of each role for each table: one table, enforced by the engine.

On SQLite each connection has an authorizer that enforces the table
(https://www.sqlite.org/c3ref/set_authorizer.html); on PostgreSQL `readwatch.store.engine.grants`
creates GRANTs from the table.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import apsw


class Role(StrEnum):
    """The roles of connections, one for each purpose."""

    OWNER = "owner"  # creates and upgrades the schema
    ADMIN = "admin"  # the command line
    ERASURE = "erasure"  # the command line, when it erases a user
    MAINTENANCE = "maintenance"  # the command line, when it checks and fixes the database
    BACKUP = "backup"  # the command line, when it copies the database
    ARCHIVE = "archive"  # the command line, when it moves old activities to files
    PURGE = "purge"  # the command line, when it deletes what is old
    INGEST = "ingest"  # the HTTP service
    CONSOLE = "console"  # the lists and reader pages of the console
    LOGIN = "login"  # the console, when it checks a password and logs the login
    ACCESS_LOG = "access_log"  # the entries and case notes that a console appends


@dataclass(frozen=True, slots=True)
class Columns:
    """A set of columns of a table: the named ones, or all except the named ones."""

    names: frozenset[str] = frozenset()
    left_out: bool = False

    def __contains__(self, name: str) -> bool:
        """Tell whether a column is in the set."""
        return (name in self.names) != self.left_out

    def __bool__(self) -> bool:
        """Tell whether the set can contain any column."""
        return self.left_out or bool(self.names)

    def __str__(self) -> str:
        """Return `all`, `none`, the names, or `all but` with the names."""
        if not self.names:
            return "all" if self.left_out else "none"
        return f"{'all but ' if self.left_out else ''}{', '.join(sorted(self.names))}"


def only(*names: str) -> Columns:
    """Return these columns and no others."""
    return Columns(frozenset(names))


def all_but(*names: str) -> Columns:
    """Return all columns except these, including columns that are added later."""
    return Columns(frozenset(names), left_out=True)


ALL, NONE = all_but(), only()


@dataclass(frozen=True, slots=True)
class Privileges:
    """The privileges of a role for one table; whole rows are deleted.

    `append` has the columns that a new row may set. PostgreSQL enforces them with GRANTs. SQLite's
    authorizer is asked for the table only, so there a trigger has to enforce them.
    """

    read: Columns = NONE
    append: Columns = NONE
    change: Columns = NONE
    delete: bool = False

    @property
    def writes(self) -> bool:
        """Tell whether the role may append, change or delete anything."""
        return self.delete or bool(self.append) or bool(self.change)


_TOTALS = only(
    *("total_reading_seconds", "total_reading_time_minutes", "unique_content_read"),
    *("last_activity_id", "last_activity_at", "total_sessions", "last_login", "updated_at"),
)
_PROFILE = only("reading_level", "preferred_language", "timezone", "updated_at")
_PASSWORD = ("password_hash", "password_changed_at", "updated_at")
_END = only("is_active", "ended_at")
_LOGINS = only("user_id", "total_sessions", "last_login")
_HOUR = only("activities", "seconds")
_ENTRY = all_but("id")  # the engine numbers the entries
_COUNTER = {"access_log_counter": Privileges(ALL)}  # on PostgreSQL; SQLite has sqlite_sequence
_CUTS = {"access_log_cuts": Privileges(ALL)}
_GROUPS = dict.fromkeys(
    ("reader_groups", "reader_group_members", "consultant_groups"), Privileges(ALL)
)
_SCOPES = {  # whose readers a consultant may see
    "reader_groups": Privileges(only("id", "deleted_at")),
    "reader_group_members": Privileges(only("group_id", "user_id")),
    "consultant_groups": Privileges(only("user_id", "group_id")),
}
_READ_BY_CONSOLE = {
    "schema_history": Privileges(ALL),
    "users": Privileges(all_but("password_hash")),
    "reader_profiles": Privileges(ALL),
    "reader_sessions": Privileges(all_but("session_token")),
    "reader_activities": Privileges(ALL),
    "reader_content_progress": Privileges(ALL),
    "reader_quizzes": Privileges(ALL),
    "reader_hours": Privileges(ALL),
    "activity_counts": Privileges(ALL),
    "online_counts": Privileges(ALL),
    **_GROUPS,
    "case_notes": Privileges(ALL),
    "consultant_access_log": Privileges(ALL),
}
_ARCHIVED = ("archived_totals", "archived_content_progress", "archived_quizzes")

PRIVILEGES: Mapping[Role, Mapping[str, Privileges]] = {
    Role.ADMIN: {
        **_READ_BY_CONSOLE,
        "users": Privileges(
            all_but("password_hash"),
            append=ALL,
            change=only(
                *_PASSWORD,
                *("email", "full_name", "email_verified", "user_role", "is_active", "deleted_at"),
            ),
        ),
        "reader_profiles": Privileges(ALL, append=ALL, change=_PROFILE),
        "reader_sessions": Privileges(all_but("session_token"), change=_END),
        "staff_sessions": Privileges(all_but("session_token"), change=_END),
        "resume_tokens": Privileges(only("user_id", "session_id"), delete=True),
        "invitations": Privileges(all_but("code_hash"), append=ALL, delete=True),
        "failed_logins": Privileges(ALL, delete=True),
        "reader_groups": Privileges(ALL, append=all_but("id"), change=only("name", "deleted_at")),
        "reader_group_members": Privileges(ALL, append=ALL, delete=True),
        "consultant_groups": Privileges(ALL, append=ALL, delete=True),
        # SQLite checks whether any row refers to a new account.
        "activity_receipts": Privileges(only("user_id")),
        **dict.fromkeys(_ARCHIVED, Privileges(ALL)),
        "activity_archives": Privileges(ALL),
        "consultant_access_log": Privileges(ALL, append=_ENTRY),
    },
    Role.ERASURE: {
        **_READ_BY_CONSOLE,
        "users": Privileges(
            all_but("password_hash"),
            change=only(
                *_PASSWORD, "email", "full_name", "email_verified", "is_active", "deleted_at"
            ),
        ),
        "reader_profiles": Privileges(ALL, delete=True),
        "reader_sessions": Privileges(all_but("session_token"), change=_END, delete=True),
        "staff_sessions": Privileges(all_but("session_token"), change=_END, delete=True),
        "resume_tokens": Privileges(
            all_but("token_hash", "predecessor_hash", "successor_salt"), delete=True
        ),
        "invitations": Privileges(all_but("code_hash"), delete=True),
        "failed_logins": Privileges(ALL, delete=True),
        # The activities of a deleted session stay.
        "reader_activities": Privileges(ALL, change=only("session_id"), delete=True),
        "activity_receipts": Privileges(all_but("fingerprint"), delete=True),
        "reader_content_progress": Privileges(ALL, delete=True),
        "reader_quizzes": Privileges(ALL, delete=True),
        "reader_hours": Privileges(ALL, delete=True),
        **dict.fromkeys(_ARCHIVED, Privileges(ALL, delete=True)),
        "activity_archives": Privileges(ALL, change=only("folder", "activities", "sha256")),
        "activity_counts": Privileges(ALL, change=only("activities"), delete=True),
        "reader_group_members": Privileges(ALL, delete=True),
        "consultant_groups": Privileges(ALL, delete=True),
        "case_notes": Privileges(only("id", "user_id"), delete=True),
        "consultant_access_log": Privileges(ALL, append=_ENTRY),
    },
    Role.MAINTENANCE: {
        **_READ_BY_CONSOLE,
        "reader_profiles": Privileges(ALL, change=_TOTALS),
        "reader_content_progress": Privileges(ALL, append=ALL, delete=True),
        "reader_quizzes": Privileges(ALL, append=ALL, delete=True),
        "reader_hours": Privileges(ALL, append=ALL, delete=True),
        **dict.fromkeys(_ARCHIVED, Privileges(ALL)),
        "activity_archives": Privileges(ALL),
        "activity_counts": Privileges(ALL, append=ALL, change=only("activities"), delete=True),
        "case_notes": Privileges(only("id")),
        **_COUNTER,
        **_CUTS,
        "consultant_access_log": Privileges(ALL, append=_ENTRY),
    },
    # The copy itself is made without statements: whoever may read the file may copy it.
    Role.BACKUP: {
        "schema_history": Privileges(ALL),
        "users": Privileges(all_but("password_hash")),
        "consultant_access_log": Privileges(only("id", "prev_hash", "row_hash"), append=_ENTRY),
    },
    Role.ARCHIVE: {
        "schema_history": Privileges(ALL),
        "users": Privileges(all_but("password_hash")),
        "reader_profiles": Privileges(only("user_id", "last_activity_id")),
        # SQLite checks the references of a row that it deletes.
        "reader_sessions": Privileges(only("id")),
        "reader_activities": Privileges(ALL, delete=True),
        **dict.fromkeys(_ARCHIVED, Privileges(ALL, append=ALL, change=ALL)),
        "reader_hours": Privileges(ALL, change=_HOUR, delete=True),
        "activity_counts": Privileges(ALL, change=only("activities"), delete=True),
        "activity_archives": Privileges(
            ALL,
            append=ALL,
            change=only("folder", "activities", "sha256", "moved_at"),
            delete=True,
        ),
        "consultant_access_log": Privileges(only("id", "prev_hash", "row_hash"), append=_ENTRY),
    },
    # PostgreSQL locks a row only for a role that may change one of its columns.
    Role.PURGE: {
        "schema_history": Privileges(ALL),
        "users": Privileges(all_but("password_hash")),
        "reader_sessions": Privileges(all_but("session_token"), change=_END, delete=True),
        "staff_sessions": Privileges(all_but("session_token"), change=_END, delete=True),
        "archived_totals": Privileges(
            _LOGINS, append=_LOGINS, change=only("total_sessions", "last_login")
        ),
        # The activities of a deleted session stay.
        "reader_activities": Privileges(only("id", "session_id"), change=only("session_id")),
        "resume_tokens": Privileges(
            all_but("token_hash", "predecessor_hash", "successor_salt"),
            change=only("expires_at"),
            delete=True,
        ),
        "invitations": Privileges(all_but("code_hash"), delete=True),
        "failed_logins": Privileges(ALL, change=only("last_failed_at"), delete=True),
        "activity_receipts": Privileges(
            all_but("fingerprint"), change=only("created_at"), delete=True
        ),
        "online_counts": Privileges(ALL, delete=True),
        **_COUNTER,
        "access_log_cuts": Privileges(ALL, append=ALL),
        "consultant_access_log": Privileges(ALL, append=_ENTRY, delete=True),  # before a cut
    },
    Role.INGEST: {
        "schema_history": Privileges(ALL),
        "users": Privileges(ALL, change=only(*_PASSWORD)),
        "reader_profiles": Privileges(ALL, change=_TOTALS),
        "reader_sessions": Privileges(
            ALL, append=ALL, change=only("started_at", "last_heartbeat", "is_active", "ended_at")
        ),
        "staff_sessions": Privileges(ALL, append=ALL, change=_END),
        "resume_tokens": Privileges(
            ALL,
            append=ALL,
            change=only(
                *("token_hash", "session_id", "expires_at"),
                *("predecessor_hash", "predecessor_session_id", "successor_salt"),
            ),
            delete=True,
        ),
        "invitations": Privileges(ALL, delete=True),
        "failed_logins": Privileges(ALL, append=ALL, change=ALL, delete=True),
        "reader_activities": Privileges(ALL, append=ALL),
        # PostgreSQL locks a row only for a role that may change one of its columns.
        "activity_receipts": Privileges(ALL, append=ALL, change=only("created_at"), delete=True),
        "reader_content_progress": Privileges(ALL, append=ALL, change=ALL),
        "reader_quizzes": Privileges(ALL, append=ALL, change=ALL),
        "reader_hours": Privileges(ALL, append=ALL, change=_HOUR),
        "activity_counts": Privileges(ALL, append=ALL, change=only("activities")),
        "online_counts": Privileges(ALL, append=ALL, delete=True),
        **_SCOPES,
        **_COUNTER,
        **_CUTS,
        "consultant_access_log": Privileges(ALL, append=_ENTRY),
    },
    Role.CONSOLE: {**_READ_BY_CONSOLE, **_COUNTER, **_CUTS},
    Role.LOGIN: {
        "schema_history": Privileges(ALL),
        "users": Privileges(ALL),
        "failed_logins": Privileges(ALL, append=ALL, change=ALL, delete=True),
        # The addresses from which an account logged in before.
        "reader_sessions": Privileges(only("user_id", "ip_address")),
        "staff_sessions": Privileges(only("user_id", "ip_address")),
        "consultant_access_log": Privileges(
            only(
                *("id", "consultant_user_id", "action_type", "ip_address"),
                *("prev_hash", "row_hash"),  # the hash that the next entry contains
            ),
            append=_ENTRY,
        ),
    },
    Role.ACCESS_LOG: {
        "schema_history": Privileges(ALL),
        # The users that a new entry refers to, and whether the first of them is active staff.
        "users": Privileges(only("id", "user_role", "is_active", "deleted_at")),
        **_SCOPES,
        "case_notes": Privileges(
            only("id", "user_id", "author_user_id", "kind"), append=all_but("id")
        ),
        "consultant_access_log": Privileges(only("id", "prev_hash", "row_hash"), append=_ENTRY),
    },
}

LIMITED_ROLES: tuple[Role, ...] = tuple(PRIVILEGES)
"""All roles except the owner."""

PROGRAMS: Mapping[str, tuple[Role, ...]] = {
    "ingest": (Role.INGEST,),
    "console": (Role.CONSOLE, Role.LOGIN, Role.ACCESS_LOG),
    "admin": (
        *(Role.ADMIN, Role.ERASURE, Role.MAINTENANCE, Role.BACKUP),
        *(Role.ARCHIVE, Role.PURGE),
    ),
}
"""The roles of each program: `db grant` gives a PostgreSQL login the roles of one program."""

TABLES: tuple[str, ...] = tuple(
    sorted({table for of_role in PRIVILEGES.values() for table in of_role})
)

ID_SEQUENCES: Mapping[Role, tuple[str, ...]] = {Role.INGEST: ("reader_activities",)}
"""The tables whose next id a role reads before it appends."""

_NOTHING = Privileges()


def privileges_on(role: Role, table: str) -> Privileges:
    """Return the privileges of a limited role for a table; without a rule it has none."""
    return PRIVILEGES[role].get(table, _NOTHING)


def reads_only(role: Role) -> bool:
    """Tell whether a role may change nothing."""
    return role is not Role.OWNER and not any(
        privileges.writes for privileges in PRIVILEGES[role].values()
    )


# SQLite -----------------------------------------------------------------------------------------

_INTERNAL_TABLES: Mapping[Role, frozenset[str]] = {
    Role.ADMIN: frozenset({"jsonb_each"}),
    Role.ERASURE: frozenset({"jsonb_each"}),
    Role.ARCHIVE: frozenset({"jsonb_each"}),
    Role.PURGE: frozenset({"jsonb_each", "sqlite_sequence"}),
    Role.INGEST: frozenset({"jsonb_each", "sqlite_sequence"}),
    Role.CONSOLE: frozenset({"jsonb_each", "sqlite_sequence"}),
    Role.ACCESS_LOG: frozenset({"jsonb_each"}),
    Role.MAINTENANCE: frozenset(
        {"dbstat", "jsonb_each", "pragma_page_count", "pragma_page_size", "sqlite_sequence"}
    ),
}
"""The internal tables of SQLite that a role may also read."""

_CHECKING_TRIGGERS = {
    "consultant_access_log_keeps_order",
    "invitations_are_logged",
    "users_log_staff_passwords",
}
"""Triggers of the schema that may read more than the role, because they only refuse a statement."""

_CATALOGUE = {"sqlite_master", "sqlite_schema"}
_HARMLESS = {
    apsw.SQLITE_SELECT,
    apsw.SQLITE_RECURSIVE,
    apsw.SQLITE_TRANSACTION,
    apsw.SQLITE_SAVEPOINT,
}
_FUNCTIONS = {
    *("->>", "hex", "json_array", "json_group_array", "unhex"),
    *("coalesce", "count", "lag", "lead", "lower", "max", "min", "nullif", "row_number"),
    *("substr", "sum"),
    *("glob", "instr", "length", "like", "matches", "octet_length"),
    *("sqlite_version", "strftime"),
}
_PRAGMAS = {
    "busy_timeout",
    "cache_size",
    "data_version",
    "foreign_key_check",
    "foreign_keys",
    "freelist_count",
    "integrity_check",
    "journal_mode",
    "journal_size_limit",
    "page_count",
    "page_size",
    "synchronous",
    "temp_store",
}

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def authorizer(role: Role) -> Authorizer | None:
    """Return SQLite's authorizer for a role; None for the owner, who may do everything.

    SQLite calls the authorizer for each operation of a statement when it prepares the statement.
    """
    if role is Role.OWNER:
        return None

    def decide(
        operation: int,
        first: str | None,
        second: str | None,
        _database: str | None,
        trigger: str | None,
    ) -> int:
        checks = operation == apsw.SQLITE_READ and trigger in _CHECKING_TRIGGERS
        allowed = checks or _allowed(role, operation, first or "", second)
        return apsw.SQLITE_OK if allowed else apsw.SQLITE_DENY

    return decide


_CHECKED_TEXTS: set[str] = set()
_MAX_CHECKED_TEXTS = 1024  # a program has some hundred
# NATURAL and USING compare columns without asking the authorizer, and with FULL or RIGHT the result
# contains them. Keywords cannot be written in another way; a number can stand before one without a
# space. The pattern may also find a word of a comment, a text or a name, but misses no keyword.
_MERGING_JOIN = re.compile(r"(?<![a-z_])(?:full|natural|using)(?![\w$])", re.IGNORECASE | re.ASCII)


def statement_check(role: Role) -> Callable[[object, str, object], bool] | None:
    """Return SQLite's hook for each statement of a role; None for the owner.

    The authorizer does not see the columns that a join merges, so the hook refuses such joins.
    """
    return None if role is Role.OWNER else _check_statement


def _check_statement(_cursor: object, sql: str, _values: object) -> bool:
    if sql not in _CHECKED_TEXTS:
        if _MERGING_JOIN.search(sql):
            raise apsw.AuthError("FULL, NATURAL and USING are prohibited: write the join with ON")
        if len(_CHECKED_TEXTS) >= _MAX_CHECKED_TEXTS:
            _CHECKED_TEXTS.clear()
        _CHECKED_TEXTS.add(sql)
    return True


def _allowed(role: Role, operation: int, first: str, second: str | None) -> bool:
    match operation:
        case apsw.SQLITE_READ:
            return _may_read(role, first, second)
        case apsw.SQLITE_INSERT:
            return bool(privileges_on(role, first).append)
        case apsw.SQLITE_UPDATE:
            return (second or "") in privileges_on(role, first).change
        case apsw.SQLITE_DELETE:
            return privileges_on(role, first).delete
        case apsw.SQLITE_FUNCTION:
            return second in _FUNCTIONS
        case apsw.SQLITE_PRAGMA:
            # Settings are changed before the authorizer is set; afterwards they can only be read.
            return first in _PRAGMAS and second is None
    return operation in _HARMLESS


def _may_read(role: Role, table: str, column: str | None) -> bool:
    if table in _CATALOGUE or table in _INTERNAL_TABLES.get(role, ()):
        return True
    readable = privileges_on(role, table).read
    # Without a column, the statement only counts the rows.
    return column in readable if column else bool(readable)
