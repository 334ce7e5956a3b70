"""The rule of `domain.presence` in SQL, to sort and filter lists by presence.

The expressions use the row `p` of reader_profiles: `last_login` is the latest login of all
sessions and `last_activity_at` the latest `occurred_at`, so no session or activity is read.
"""

from datetime import datetime

from readwatch.domain.presence import (
    IDLE_AFTER,
    LEAVING_AFTER,
    ONLINE_WINDOW,
    SILENT_AFTER,
    Presence,
)
from readwatch.store.engine.times import to_db_time

RANKS = {presence: rank for rank, presence in enumerate(Presence)}
"""The rank of each presence in SQL; the order is from reading to offline."""

IDLE_SINCE = (
    "CASE WHEN p.last_activity_at > p.last_login THEN p.last_activity_at"
    " ELSE coalesce(p.last_login, p.last_activity_at) END"
)
"""`presence.idle_since`; NULL is never."""


def presence_rank(last_heartbeat: str) -> str:
    """Return the expression for `presence_of`, as a rank.

    `last_heartbeat` is an expression for the latest heartbeat of the active sessions, and may be
    NULL. `presence_parameters` returns the values of the parameters.
    """
    return (
        f"CASE WHEN coalesce({last_heartbeat} <= :offline_since, TRUE)"
        f" THEN {RANKS[Presence.OFFLINE]}"
        f" WHEN {last_heartbeat} <= :leaving_since THEN {RANKS[Presence.LEAVING]}"
        f" WHEN {last_heartbeat} <= :silent_since THEN {RANKS[Presence.SILENT]}"
        f" WHEN coalesce({IDLE_SINCE} <= :idle_since, TRUE) THEN {RANKS[Presence.IDLE]}"
        f" ELSE {RANKS[Presence.READING]} END"
    )


def presence_parameters(now: datetime) -> dict[str, object]:
    """Return the times that separate the presences: each applies at that time or before."""
    return {
        "offline_since": to_db_time(now - ONLINE_WINDOW),
        "leaving_since": to_db_time(now - LEAVING_AFTER),
        "silent_since": to_db_time(now - SILENT_AFTER),
        "idle_since": to_db_time(now - IDLE_AFTER),
    }
