"""The access log: its events, and the hash that chains each entry to the one before it."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from readwatch.domain.text import SafeText
from readwatch.domain.users import UserRole

GENESIS = "0" * 64
"""The `prev_hash` of the first entry."""

FEW_READERS = 3
"""A result with rows of at most so many readers says something about each of them, so the access
log names them."""


class AuditAction(StrEnum):
    """The kinds of entries, the values of `action_type`."""

    LOGGED_IN = "logged_in"
    FAILED_LOGIN = "failed_login"
    LOCKED_OUT = "locked_out"
    UNLOCKED_CONSOLE = "unlocked_console"
    MISSED_ENTRY = "missed_entry"
    REFUSED_ACCESS = "refused_access"
    EXPORTED_VIEW = "exported_view"
    COPIED_ROW = "copied_row"
    VIEWED_LIST = "viewed_list"
    VIEWED_READER_PROFILE = "viewed_reader_profile"
    VIEWED_READER_ACTIVITIES = "viewed_reader_activities"
    VIEWED_READER_SESSIONS = "viewed_reader_sessions"
    TOOK_CASE = "took_case"
    RELEASED_CASE = "released_case"
    SNOOZED_CASE = "snoozed_case"
    RESOLVED_CASE = "resolved_case"
    ADDED_CASE_NOTE = "added_case_note"
    LISTED_USERS = "listed_users"
    VIEWED_USER = "viewed_user"
    ADDED_USER = "added_user"
    IMPORTED_USERS = "imported_users"
    EDITED_USER = "edited_user"
    INVITED_USER = "invited_user"
    REVOKED_INVITATION = "revoked_invitation"
    CHANGED_ROLE = "changed_role"
    SUSPENDED_USER = "suspended_user"
    ACTIVATED_USER = "activated_user"
    DELETED_USER = "deleted_user"
    EXPORTED_USER = "exported_user"
    ERASED_USER = "erased_user"
    SET_PASSWORD = "set_password"  # noqa: S105 - a word, no secret
    ADDED_GROUP = "added_group"
    RENAMED_GROUP = "renamed_group"
    DELETED_GROUP = "deleted_group"
    ADDED_TO_GROUP = "added_to_group"
    REMOVED_FROM_GROUP = "removed_from_group"
    ASSIGNED_GROUP = "assigned_group"
    UNASSIGNED_GROUP = "unassigned_group"
    LISTED_SESSIONS = "listed_sessions"
    REVOKED_SESSIONS = "revoked_sessions"
    GRANTED_PRIVILEGES = "granted_privileges"
    REBUILT_ROLLUPS = "rebuilt_rollups"
    BACKED_UP_DATABASE = "backed_up_database"
    CHECKED_BACKUP = "checked_backup"
    RESTORED_BACKUP = "restored_backup"
    VACUUMED_DATABASE = "vacuumed_database"
    UPGRADED_DATABASE = "upgraded_database"
    FIXED_DATABASE = "fixed_database"
    ARCHIVED_ACTIVITIES = "archived_activities"
    BEGAN_MAINTENANCE = "began_maintenance"
    FINISHED_MAINTENANCE = "finished_maintenance"
    PURGED_SESSIONS = "purged_sessions"
    CUT_ACCESS_LOG = "cut_access_log"
    LISTED_ACCESS_LOG = "listed_access_log"
    EXPORTED_ACCESS_LOG = "exported_access_log"
    EXPORTED_DATA = "exported_data"
    EXPORTED_REPORT = "exported_report"
    VIEWED_STATS = "viewed_stats"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One access: the user who acts, the action, the user whose data it is, and the address.

    It never contains the data itself. `details` names the view, in a few words.
    """

    actor_id: int
    action_type: AuditAction
    subject_id: int | None = None
    details: str | None = None
    ip_address: str | None = None

    def about(self, reader_id: int) -> "AuditEvent":
        """Return the same access, of the data of one reader."""
        return AuditEvent(
            actor_id=self.actor_id,
            action_type=self.action_type,
            subject_id=reader_id,
            details=self.details,
            ip_address=self.ip_address,
        )


def few_readers(reader_ids: Iterable[int | None]) -> frozenset[int]:
    """Return the distinct readers of a result's rows if they are at most `FEW_READERS`, otherwise
    none. Rows without a reader do not count."""
    readers: set[int] = set()
    for reader_id in reader_ids:
        if reader_id is not None:
            readers.add(reader_id)
            if len(readers) > FEW_READERS:
                return frozenset()
    return frozenset(readers)


@dataclass(frozen=True, slots=True)
class AuditEntryForReader:
    """An access, in the form that the user whose data it was may see; only staff are named."""

    id: int
    created_at: datetime
    action_type: SafeText
    user_role: UserRole
    full_name: SafeText | None


def entry_hash(prev_hash: str, event: AuditEvent, created_at: str) -> str:
    """Return the SHA-256 (hex) of the previous entry's hash and an entry's canonical form.

    `created_at` is the text that the database stores, so that another program can verify the
    chain from the table alone.
    """
    return columns_hash(
        (
            prev_hash,
            event.actor_id,
            event.action_type,
            event.subject_id,
            event.details,
            event.ip_address,
            created_at,
        )
    )


def columns_hash(columns: Sequence[object]) -> str:
    """Return the hash of an entry from its stored columns, in the order of hashing.

    Values that no entry can have, such as bytes, give a hash that no entry has.
    """
    return hashlib.sha256(_canonical(columns).encode()).hexdigest()


_canonical = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=True, default=lambda value: [repr(value)]
).encode
