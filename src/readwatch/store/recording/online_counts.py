"""The number of readers online in each minute, for the peak of the day."""

from datetime import datetime, timedelta

from readwatch.domain.presence import OnlineCount
from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import OnlineCounts
from readwatch.store.engine.times import from_db_time, to_db_time

RETENTION = timedelta(days=2)
"""Longer than a day in any time zone."""

_ADD = CompiledQuery(
    OnlineCounts.insert(
        {OnlineCounts.minute: Param("minute"), OnlineCounts.readers: Param("readers")}
    ).on_conflict_ignore()
)
_PEAK = CompiledQuery(
    OnlineCounts.select(OnlineCounts.minute, OnlineCounts.readers)
    .where(OnlineCounts.minute >= Param("since"))
    .order_by(OnlineCounts.readers.desc(), OnlineCounts.minute)
    .limit(1)
)
_PURGE = CompiledQuery(OnlineCounts.delete().where(OnlineCounts.minute < Param("before")))


def add_online_count(db: Database, readers: int, now: datetime) -> None:
    """Save the number of readers online in this minute; if there is one already, it stays.

    Call it in a transaction.
    """
    _ADD(db, minute=to_db_time(now.replace(second=0, microsecond=0)), readers=readers)


def peak_today(db: Database, since: datetime) -> OnlineCount | None:
    """Return the minute with the most readers since `since`; None before the first count."""
    peak = _PEAK.one_or_none(db, since=to_db_time(since))
    return None if peak is None else OnlineCount(from_db_time(peak.minute), peak.readers)


def purge_online_counts(db: Database, now: datetime) -> None:
    """Delete the counts that are older than `RETENTION`. Call it in a transaction."""
    _PURGE(db, before=to_db_time(now - RETENTION))
