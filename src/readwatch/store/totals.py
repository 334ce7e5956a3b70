"""Totals over all readers: the activities per minute, and the ages of the last heartbeats."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from peewee import fn

from readwatch.domain.activities import MinuteCount
from readwatch.domain.arrivals import HEARTBEAT_AT_LEAST_EVERY, Arrivals, Heartbeats
from readwatch.domain.clock import COMMITTED_WITHIN, MAX_CLOCK_DIFFERENCE
from readwatch.domain.presence import ONLINE_WINDOW, SILENT_AFTER
from readwatch.store.audit.scope import READERS_OF_CONSULTANT, Scope, has_few_readers
from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import ActivityCounts
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, to_db_time

_COUNTS_OF_ALL = CompiledQuery(
    ActivityCounts.select(
        ActivityCounts.minute, fn.sum(ActivityCounts.activities).alias("activities")
    )
    .where(ActivityCounts.minute > Param("since"))
    .group_by(ActivityCounts.minute)
    .order_by(ActivityCounts.minute)
)

# The activities of the last hour are among those that arrived in it: a range of ids. The index on
# user and id has it for each of few readers; for more, the range is read once.
_SINCE = """
    a.occurred_at > :since AND a.id >= (
        SELECT id FROM reader_activities WHERE created_at > :arrived_after
        ORDER BY created_at, id LIMIT 1
    ) GROUP BY 1
"""
_OF_FEW = f"""
    SELECT {{minute}} AS minute, count(*) AS activities
    FROM (SELECT DISTINCT user_id FROM ({READERS_OF_CONSULTANT}) AS of_groups) AS r
    CROSS JOIN reader_activities a WHERE a.user_id = r.user_id AND {_SINCE}
"""  # noqa: S608 - our own text
_OF_MANY = f"""
    SELECT {{minute}} AS minute, count(*) AS activities FROM reader_activities a
    WHERE a.user_id IN ({READERS_OF_CONSULTANT}) AND {_SINCE}
"""  # noqa: S608 - our own text


def _by_minute(sql: str) -> Statement:
    return Statement(
        sql.format(minute="substr(a.occurred_at, 1, 16) || ':00.000'"),
        postgresql=sql.format(minute="date_trunc('minute', a.occurred_at)"),
    )


_COUNTS_OF_FEW, _COUNTS_OF_MANY = _by_minute(_OF_FEW), _by_minute(_OF_MANY)

# An index has the last heartbeats of the open sessions in their order.
_NEWEST_HEARTBEAT = Statement(
    """
    SELECT last_heartbeat FROM reader_sessions
    WHERE is_active = TRUE AND last_heartbeat <= :until
    ORDER BY last_heartbeat DESC LIMIT 1
    """
)
_BETWEEN = """
    FROM reader_sessions
    WHERE is_active = TRUE AND last_heartbeat > :after AND last_heartbeat <= :until
"""
_READERS = Statement(f"SELECT count(DISTINCT user_id) {_BETWEEN}")
_READERS_OF_SESSIONS = Statement(
    f"""
    SELECT count(DISTINCT user_id)
    FROM (SELECT user_id {_BETWEEN} ORDER BY last_heartbeat LIMIT :sessions) AS sessions
    """  # noqa: S608 - our own text
)

_GROUPS = 3
"""How many of the last groups of readers a program that has just started looks at."""

SESSIONS_A_READER = 4
"""An app that logs in again leaves an open session behind: to count readers up to a number, so many
sessions are read for each."""


def activities_per_minute(
    db: Database, scope: Scope, now: datetime, *, minutes: int = 60
) -> tuple[MinuteCount, ...]:
    """Return the number of activities of a scope's readers in each of the last minutes, oldest
    first; the last value is the current minute."""
    this_minute = now.replace(second=0, microsecond=0)
    since = this_minute - timedelta(minutes=minutes)
    rows = _minutes(db, scope, since)
    counts = {from_db_time(row.minute): int(row.activities) for row in rows}
    return tuple(
        MinuteCount(minute, counts.get(minute, 0))
        for minute in (since + timedelta(minutes=step) for step in range(1, minutes + 1))
    )


def _minutes(db: Database, scope: Scope, since: datetime) -> Iterator[Any]:
    if not scope.is_limited:
        return _COUNTS_OF_ALL.iterate(db, since=to_db_time(since))
    arrived_after = to_db_time(since - MAX_CLOCK_DIFFERENCE - COMMITTED_WITHIN)
    statement = _COUNTS_OF_FEW if has_few_readers(db, scope) else _COUNTS_OF_MANY
    return statement.iterate(
        db, since=to_db_time(since), arrived_after=arrived_after, **scope.values
    )


def heartbeats(db: Database, now: datetime, before: Arrivals) -> Heartbeats:
    """Return the newest heartbeat, and how many readers are overdue, together or one by one, or
    during a stop since it began.

    Readers who are on time are counted up to the number of those with which a rule compares them,
    because usually they are by far the most. `before` are the arrivals of the last time. At the
    first time, the stop may be some time ago, and some of its readers may have come back and left:
    then the largest of the last groups that fell silent together counts.
    """
    stop = before.stop
    newest, overdue_at = _newest_heartbeat(db, now), now - SILENT_AFTER
    if stop is not None:
        together_since = stop.since - HEARTBEAT_AT_LEAST_EVERY
        return Heartbeats(
            newest,
            still_silent=_readers_up_to(stop.readers, db, together_since, stop.since),
            on_time=_readers_up_to(stop.readers, db, overdue_at, now),
        )
    groups = islice(
        _silent_together(db, newest, now), 1 if before.last_post_at is not None else _GROUPS
    )
    return max(groups, key=lambda group: group.together, default=Heartbeats(newest))


def _silent_together(db: Database, newest: datetime | None, now: datetime) -> Iterator[Heartbeats]:
    """Yield the readers who fell silent within one interval, the last ones first."""
    silent_since = _newest_heartbeat(db, now - SILENT_AFTER)
    while silent_since is not None:
        together_since = silent_since - HEARTBEAT_AT_LEAST_EVERY
        together = _readers(db, together_since, silent_since)
        yield Heartbeats(
            newest,
            silent_since,
            together=together,
            earlier=_readers(db, silent_since - ONLINE_WINDOW, together_since),
            later=_readers_up_to(together, db, silent_since, now),
        )
        silent_since = _newest_heartbeat(db, together_since)


def _newest_heartbeat(db: Database, until: datetime) -> datetime | None:
    row = _NEWEST_HEARTBEAT.one_or_none(db, until=to_db_time(until))
    return None if row is None else from_db_time(row.last_heartbeat)


def _readers(db: Database, after: datetime, until: datetime) -> int:
    """Return how many readers have a last heartbeat after `after` and not after `until`."""
    number: int = _READERS.scalar(db, after=to_db_time(after), until=to_db_time(until))
    return number


def _readers_up_to(most: int, db: Database, after: datetime, until: datetime) -> int:
    """Return the same number, or `most` if there are more, without reading all of them."""
    number: int = _READERS_OF_SESSIONS.scalar(
        db,
        after=to_db_time(after),
        until=to_db_time(until),
        sessions=most * SESSIONS_A_READER,
    )
    return min(number, most)
