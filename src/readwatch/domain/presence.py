"""Presence: what a reader seems to be doing, computed from stored times and never stored.

The rule, over all devices of a reader together:

- A reader is online, silent or leaving by the age of the last heartbeat: the latest
  `last_heartbeat` of the active sessions. A login, a heartbeat and a post of activities set
  `last_heartbeat`, the post by its arrival: the app is connected.
- A reader is idle since the last login on any device or the last activity, whichever is later.
- An activity counts at the time when it occurred (`occurred_at`), not when it arrived
  (`created_at`): a batch that a device stored while it was offline keeps its reader online, and
  does not end the idle time.

`store.lists.presence_sql` is the same rule in SQL.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ONLINE_WINDOW = timedelta(minutes=5)
"""A reader is online while the last heartbeat of an active session is younger than this."""

LEAVING_AFTER = timedelta(minutes=4)
SILENT_AFTER = timedelta(seconds=150)
"""Apps send a heartbeat every 60 to 120 s: after this time a heartbeat is overdue."""

IDLE_AFTER = timedelta(minutes=3)


class Presence(StrEnum):
    """What an online reader seems to be doing."""

    READING = "reading"  # heartbeats or posts arrive, and the reader did something lately
    IDLE = "idle"  # heartbeats or posts arrive, and the reader did nothing lately
    SILENT = "silent"  # a heartbeat is overdue
    LEAVING = "leaving"  # the reader leaves the online list soon
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class OnlineCount:
    """The number of readers online in one minute."""

    minute: datetime
    readers: int


def idle_since(last_login: datetime | None, last_activity_at: datetime | None) -> datetime | None:
    """Return the time of a reader's last activity or login, whichever is later; None is never."""
    if last_login is None or last_activity_at is None:
        return last_login or last_activity_at
    return max(last_login, last_activity_at)


def presence_of(
    last_heartbeat: datetime | None, idle_since: datetime | None, now: datetime
) -> Presence:
    """Return what a reader seems to be doing at `now`.

    `last_heartbeat` is the latest one of all active sessions; None without an active session.
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
