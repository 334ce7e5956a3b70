"""The rollups of a few readers, to compare them with the activities in a bounded time."""

import random
from collections.abc import Iterable

from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.recording.rebuild import ReaderRollups

MAX_ACTIVITIES = 20_000
"""The most activities that the readers of a sample may have together: some seconds of work if
none of them is in memory."""

_LAST_READER = Statement("SELECT coalesce(max(user_id), 0) FROM reader_profiles")
# The count ends as soon as there are too many.
_READER_FROM = Statement(
    """
    SELECT p.user_id, (
        SELECT count(*) FROM (
            SELECT 1 FROM reader_activities a WHERE a.user_id = p.user_id LIMIT :most + 1
        ) AS few
    ) AS activities
    FROM reader_profiles p WHERE p.user_id >= :first ORDER BY p.user_id LIMIT 1
    """
)


def random_readers(
    db: Database, number: int, *, activities: int = MAX_ACTIVITIES
) -> tuple[int, ...]:
    """Return at most `number` readers from all parts of the table, each time others.

    Together they have at most so many activities.
    """
    last, left, readers = _LAST_READER.scalar(db), activities, set[int]()
    for first in random.sample(range(1, last + 1), min(number, last)):
        row = _READER_FROM.one_or_none(db, first=first, most=left)
        if row is not None and row.user_id not in readers and row.activities <= left:
            readers.add(row.user_id)
            left -= row.activities
    return tuple(sorted(readers))


def rollups_of(readers: Iterable[int]) -> tuple[ReaderRollups, ...]:
    """Return the rollups of each of some readers."""
    return tuple(ReaderRollups(after=reader - 1, last=reader) for reader in readers)
