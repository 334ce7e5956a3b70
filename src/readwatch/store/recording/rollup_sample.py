"""The rollups of a few readers, to compare them with the activities in a bounded time."""

import random
from collections.abc import Iterable, Iterator

from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.recording.rebuild import ReaderRollups

MAX_ACTIVITIES = 2_000
"""A reader with more activities is not in a sample."""

_LAST_READER = Statement("SELECT coalesce(max(user_id), 0) FROM reader_profiles")
# The count ends as soon as there are too many.
_READERS_FROM = Statement(
    """
    SELECT p.user_id, (
        SELECT count(*) FROM (
            SELECT 1 FROM reader_activities a WHERE a.user_id = p.user_id LIMIT :enough
        ) AS few
    ) AS activities
    FROM reader_profiles p WHERE p.user_id >= :first ORDER BY p.user_id LIMIT 5
    """
)


def random_readers(db: Database, number: int) -> tuple[int, ...]:
    """Return at most `number` readers from all parts of the table, each time others."""
    last = _LAST_READER.scalar(db)
    starts = random.sample(range(1, last + 1), min(number, last))
    return tuple(sorted(set(_readers(db, starts))))


def rollups_of(readers: Iterable[int]) -> tuple[ReaderRollups, ...]:
    """Return the rollups of each of some readers."""
    return tuple(ReaderRollups(after=reader - 1, last=reader) for reader in readers)


def _readers(db: Database, starts: Iterable[int]) -> Iterator[int]:
    """Yield for each start the next reader with few activities, if one is near."""
    for start in starts:
        for row in _READERS_FROM.all(db, first=start, enough=MAX_ACTIVITIES + 1):
            if row.activities <= MAX_ACTIVITIES:
                yield row.user_id
                break
