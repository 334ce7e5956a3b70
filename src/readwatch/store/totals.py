"""Totals over all readers: the activities per minute."""

from datetime import datetime, timedelta

from peewee import fn

from readwatch.domain.activities import MinuteCount
from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import ActivityCounts
from readwatch.store.engine.times import from_db_time, to_db_time

_COUNTS = CompiledQuery(
    ActivityCounts.select(
        ActivityCounts.minute, fn.sum(ActivityCounts.activities).alias("activities")
    )
    .where(ActivityCounts.minute > Param("since"))
    .group_by(ActivityCounts.minute)
    .order_by(ActivityCounts.minute)
)


def activities_per_minute(
    db: Database, now: datetime, *, minutes: int = 60
) -> tuple[MinuteCount, ...]:
    """Return the number of activities in each of the last minutes, oldest first; the last value
    is the current minute."""
    this_minute = now.replace(second=0, microsecond=0)
    since = this_minute - timedelta(minutes=minutes)
    rows = _COUNTS.iterate(db, since=to_db_time(since))
    counts = {from_db_time(row.minute): int(row.activities) for row in rows}
    return tuple(
        MinuteCount(minute, counts.get(minute, 0))
        for minute in (since + timedelta(minutes=step) for step in range(1, minutes + 1))
    )
