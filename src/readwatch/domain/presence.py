"""Presence is derived from two moments, the last heartbeat and the last activity; never stored."""

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

    READING = "reading"  # heartbeats and activities arrive
    IDLE = "idle"  # heartbeats arrive, activities do not
    SILENT = "silent"  # a heartbeat is overdue
    LEAVING = "leaving"  # about to leave the online list
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class OnlineCount:
    """How many readers were online in one minute."""

    minute: datetime
    readers: int


def presence_of(
    last_heartbeat: datetime | None, last_activity: datetime | None, now: datetime
) -> Presence:
    """Tell what a reader is doing at `now`; no heartbeat at all is offline."""
    if last_heartbeat is None:
        return Presence.OFFLINE
    silence = now - last_heartbeat
    if silence >= ONLINE_WINDOW:
        return Presence.OFFLINE
    if silence >= LEAVING_AFTER:
        return Presence.LEAVING
    if silence >= SILENT_AFTER:
        return Presence.SILENT
    if last_activity is None or now - last_activity >= IDLE_AFTER:
        return Presence.IDLE
    return Presence.READING
