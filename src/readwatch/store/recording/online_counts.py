"""How many readers were online, minute by minute: what the peak of a day is found by."""

from datetime import datetime, timedelta

from readwatch.domain.presence import OnlineCount
from readwatch.store.engine.connections import Database, Statement, from_db_time, to_db_time

KEPT_FOR = timedelta(days=2)
"""Longer than anybody's day is."""

_KEEP = Statement(
    """
    INSERT INTO online_counts (minute, readers) VALUES (:minute, :readers)
    ON CONFLICT (minute) DO NOTHING
    """
)
_PEAK = Statement(
    """
    SELECT minute, readers FROM online_counts
    WHERE minute >= :since ORDER BY readers DESC, minute LIMIT 1
    """
)
_FORGET = Statement("DELETE FROM online_counts WHERE minute < :before")


def keep_online_count(db: Database, readers: int, now: datetime) -> None:
    """Note how many are online in this minute; of several servers the first one's count stays.

    Call it, and `forget_online_counts`, in a transaction.
    """
    _KEEP(db, minute=to_db_time(now.replace(second=0, microsecond=0)), readers=readers)


def peak_today(db: Database, since: datetime) -> OnlineCount | None:
    """Return the minute with the most readers since the day began; None before the first count."""
    row = _PEAK(db, since=to_db_time(since)).fetchone()
    return None if row is None else OnlineCount(from_db_time(row[0]), row[1])


def forget_online_counts(db: Database, now: datetime) -> None:
    """Forget the counts that are of no use any more."""
    _FORGET(db, before=to_db_time(now - KEPT_FOR))
