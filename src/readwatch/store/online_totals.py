"""Totals of the readers online, and of the activities of a day: numbers, which name nobody."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from readwatch.domain.presence import ONLINE_WINDOW, Presence
from readwatch.store.audit.scope import READERS_OF_CONSULTANT, Scope
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import to_db_time
from readwatch.store.identity.users import ACTIVE_READER
from readwatch.store.lists.online import LATEST_SESSIONS, ONLINE_USER_IDS
from readwatch.store.lists.presence_sql import RANKS, presence_parameters, presence_rank

_BY_PRESENCE = f"""
    SELECT {presence_rank("s.last_heartbeat")} AS rank, count(*) AS readers
    FROM ({LATEST_SESSIONS}) s JOIN users u ON u.id = s.user_id
    LEFT JOIN reader_profiles p ON p.user_id = u.id
    WHERE s.rank = 1 AND {ACTIVE_READER}
"""  # noqa: S608 - our own text
_LOGGED_IN = f"""
    SELECT count(DISTINCT s.user_id) AS readers
    FROM reader_sessions s CROSS JOIN users u
    WHERE s.started_at > :lately AND u.id = s.user_id AND {ACTIVE_READER}
    AND u.id IN ({ONLINE_USER_IDS})
"""  # noqa: S608 - our own text
# One select for each index: a session has ended, or is too long without a heartbeat.
_LEFT = f"""
    SELECT count(DISTINCT s.user_id) AS readers FROM (
        SELECT user_id FROM reader_sessions WHERE ended_at > :lately
        UNION ALL
        SELECT user_id FROM reader_sessions
        WHERE is_active = TRUE AND last_heartbeat > :online_lately AND last_heartbeat <= :since
    ) s JOIN users u ON u.id = s.user_id
    WHERE {ACTIVE_READER} AND u.id NOT IN ({ONLINE_USER_IDS})
"""  # noqa: S608 - our own text
_ACTIVITIES_OF_ALL = Statement(
    """
    SELECT CAST(coalesce(sum(activities), 0) AS BIGINT) AS activities FROM activity_counts
    WHERE minute >= :since AND minute < :until
    """
)
_ACTIVITIES = Statement(
    f"""
    SELECT CAST(coalesce(sum(h.activities), 0) AS BIGINT) AS activities
    FROM (SELECT DISTINCT user_id FROM ({READERS_OF_CONSULTANT}) AS of_groups) AS r
    CROSS JOIN reader_hours h
    WHERE h.user_id = r.user_id AND h.hour >= :since AND h.hour < :until
    """  # noqa: S608 - our own text
)


def readers_by_presence(db: Database, scope: Scope, now: datetime) -> Mapping[Presence, int]:
    """Return the number of readers of a scope in each presence of those online."""
    statement = Statement(f"{_BY_PRESENCE} AND {scope.contains('u.id')} GROUP BY 1")
    values = {**presence_parameters(now), **scope.values}
    rows = statement.all(db, since=to_db_time(now - ONLINE_WINDOW), **values)
    readers = {row.rank: row.readers for row in rows}
    return {
        presence: readers.get(rank, 0)
        for presence, rank in RANKS.items()
        if presence is not Presence.OFFLINE
    }


def readers_who_logged_in(db: Database, scope: Scope, now: datetime, within: timedelta) -> int:
    """Return how many readers of a scope are online and have logged in within a time."""
    statement = Statement(f"{_LOGGED_IN} AND {scope.contains('u.id')}")
    return int(statement.scalar(db, **_times(now, within), **scope.values))


def readers_who_left(db: Database, scope: Scope, now: datetime, within: timedelta) -> int:
    """Return how many readers of a scope have left within a time, and are not online again."""
    statement = Statement(f"{_LEFT} AND {scope.contains('u.id')}")
    return int(statement.scalar(db, **_times(now, within), **scope.values))


def _times(now: datetime, within: timedelta) -> Mapping[str, object]:
    since = now - ONLINE_WINDOW
    return {
        "since": to_db_time(since),
        "lately": to_db_time(now - within),
        "online_lately": to_db_time(since - within),
    }


def activities_between(db: Database, scope: Scope, since: datetime, until: datetime) -> int:
    """Return the number of activities that occurred in the minutes, or in a limited scope in the
    hours, that begin from `since` until before `until`."""
    statement = _ACTIVITIES if scope.is_limited else _ACTIVITIES_OF_ALL
    times = {"since": to_db_time(since), "until": to_db_time(until)}
    return int(statement.scalar(db, **times, **scope.values))
