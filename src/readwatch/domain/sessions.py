"""Sessions of readers, each on one device, and the principal of a token."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.presence import SILENT_AFTER, Presence, presence_of
from readwatch.domain.reading import Span
from readwatch.domain.text import SafeText
from readwatch.domain.users import UserRole

SESSION_TIMEOUT = timedelta(hours=1)
"""The default session timeout: a session without a heartbeat for this long is ended."""

STAFF_SESSION_LIFETIME = timedelta(hours=12)
"""The lifetime of a staff session from its login: a working day."""

MAX_DEVICE_TYPE_LENGTH = 50


@dataclass(frozen=True, slots=True)
class Principal:
    """The user and the session of a valid token; a member of staff has no reader session."""

    user_id: int
    user_role: UserRole
    session_id: int


@dataclass(frozen=True, slots=True)
class Session:
    """A session as a consultant sees it, without the token."""

    id: int
    user_id: int
    device_type: SafeText
    ip_address: SafeText
    started_at: datetime
    last_heartbeat: datetime
    ended_at: datetime | None
    is_active: bool

    @property
    def span(self) -> Span:
        """Return the time that counts as reading."""
        return span_of(self.started_at, self.last_heartbeat, self.ended_at)


def span_of(started_at: datetime, last_heartbeat: datetime, ended_at: datetime | None) -> Span:
    """Return the time of a session that counts as reading, from login to end.

    A session that timed out ends long after its last heartbeat; at most `SILENT_AFTER` of the time
    after that heartbeat counts.
    """
    if ended_at is None:
        return started_at, last_heartbeat
    return started_at, min(ended_at, last_heartbeat + SILENT_AFTER)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """An active session of any reader, in the list of all active sessions."""

    id: int
    user_id: int
    full_name: SafeText
    device_type: SafeText
    ip_address: SafeText
    started_at: datetime
    last_heartbeat: datetime


@dataclass(frozen=True, slots=True)
class OnlineReader:
    """A reader who is online: the session with the latest heartbeat, and the latest activity.

    `idle_since` is the result of `presence.idle_since`.
    """

    user_id: int
    session_id: int
    full_name: SafeText
    device_type: SafeText
    reading_level: SafeText
    started_at: datetime
    last_heartbeat: datetime
    last_activity_at: datetime | None
    idle_since: datetime | None
    activity_type: SafeText
    content_title: SafeText
    progress_percentage: int | None

    def presence_at(self, now: datetime) -> Presence:
        """Return what the reader seems to be doing at `now`."""
        return presence_of(self.last_heartbeat, self.idle_since, now)
