"""Presence in SQL: `presence_of` once more, for lists that are sorted and filtered by it."""

from datetime import datetime

from readwatch.domain.presence import (
    IDLE_AFTER,
    LEAVING_AFTER,
    ONLINE_WINDOW,
    SILENT_AFTER,
    Presence,
)
from readwatch.store.engine.connections import to_db_time

PLACES = {state: place for place, state in enumerate(Presence)}
"""What stands for each state in SQL, so that they sort from reading to offline."""


def presence(heartbeat: str, activity: str) -> str:
    """Return the expression for the place of a state: of the last heartbeat and the last activity,
    each an expression that may be NULL. Its parameters are those of `presence_moments`.
    """
    return (
        f"CASE WHEN coalesce({heartbeat} <= :offline_since, TRUE) THEN {PLACES[Presence.OFFLINE]}"
        f" WHEN {heartbeat} <= :leaving_since THEN {PLACES[Presence.LEAVING]}"
        f" WHEN {heartbeat} <= :silent_since THEN {PLACES[Presence.SILENT]}"
        f" WHEN coalesce({activity} <= :idle_since, TRUE) THEN {PLACES[Presence.IDLE]}"
        f" ELSE {PLACES[Presence.READING]} END"
    )


def presence_moments(now: datetime) -> dict[str, object]:
    """Return the moments at or before which each state begins."""
    return {
        "offline_since": to_db_time(now - ONLINE_WINDOW),
        "leaving_since": to_db_time(now - LEAVING_AFTER),
        "silent_since": to_db_time(now - SILENT_AFTER),
        "idle_since": to_db_time(now - IDLE_AFTER),
    }
