"""Presence: what a reader seems to be doing, derived from stored times and never stored itself.

The rule, over all devices of a reader together:

- The sign of life is the latest `last_heartbeat` of the open sessions. An activity that arrives
  sets it too, also one that occurred long ago.
- The reader is idle since the later of the last login, on any device, and the last activity.
- An activity counts when it occurred (`occurred_at`), not when it arrived (`created_at`): a batch
  that a device kept while it was offline shows that the reader is online, not that they read now.

`store.lists.presence_sql` is the same rule in SQL.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ONLINE_WINDOW = timedelta(minutes=5)
"""A reader is online while the last heartbeat of an active session is younger than this."""

LEAVING_AFTER = timedelta(minutes=4)
SILENT_AFTER = timedelta(seconds=150)
"""Apps send a heartbeat every 60 to 120 s: after this one is overdue."""

IDLE_AFTER = timedelta(minutes=3)


class Presence(StrEnum):
    """What an online reader seems to be doing."""

    READING = "reading"  # heartbeats arrive, and something was done lately
    IDLE = "idle"  # heartbeats arrive, and nothing was done lately
    SILENT = "silent"  # a heartbeat is overdue
    LEAVING = "leaving"  # about to leave the online list
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class OnlineCount:
    """How many readers were online in one minute."""

    minute: datetime
    readers: int


def idle_since(last_login: datetime | None, last_activity_at: datetime | None) -> datetime | None:
    """Return when a reader last did anything, a login included; None is never."""
    if last_login is None or last_activity_at is None:
        return last_login or last_activity_at
    return max(last_login, last_activity_at)


def presence_of(
    last_heartbeat: datetime | None, idle_since: datetime | None, now: datetime
) -> Presence:
    """Return what a reader seems to be doing at `now`.

    `last_heartbeat` is the latest of all open sessions, None where there is none.
    """
    if last_heartbeat is None:
        return Presence.OFFLINE
    silence = now - last_heartbeat
    if silence >= ONLINE_WINDOW:
        return Presence.OFFLINE
    if silence >= LEAVING_AFTER:
        return Presence.LEAVING
    if silence >= SILENT_AFTER:
        return Presence.SILENT
    if idle_since is None or now - idle_since >= IDLE_AFTER:
        return Presence.IDLE
    return Presence.READING
