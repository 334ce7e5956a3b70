"""The rollups computed from history, compared with the rows of the tables, and corrected.

This states the rule of `readwatch.store.recording.rollups` a second time: the latest activity
counts, by `occurred_at` and then by id. It works in chunks, so that memory stays bounded and no
writer waits long.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from readwatch.domain.health import RollupMismatches
from readwatch.store.engine.bulk import BulkStatement, Row
from readwatch.store.engine.connections import (
    Database,
    Lock,
    Statement,
    acquire_lock,
    from_db_time,
    is_sqlite,
    read_snapshot,
    to_db_time,
)
from readwatch.store.recording.quizzes import QUIZ_ENDED, add_quizzes, quiz_row

ACTIVITIES_OF_READERS = 2_500
"""How many activities a portion of readers has at most, unless one reader has more."""

ACTIVITIES_OF_MINUTES = 2_000_000
"""About how many activities a portion of minutes has: each costs a walk through all history."""

COUNTS_AT_ONCE = 500
"""How many counts are mended in one transaction."""

_READERS_AT_ONCE = 500
_WORK_OF_A_READER = 10  # in activities, besides those of that reader
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)
_LAST_ID = 2**63 - 1

# Readers ----------------------------------------------------------------------------------------

_ACTIVITIES_OF_READERS = Statement(
    """
    SELECT
        p.user_id, (SELECT count(*) FROM reader_activities a WHERE a.user_id = p.user_id)
    FROM reader_profiles p WHERE p.user_id > :after ORDER BY p.user_id LIMIT :length
    """
)
_PROFILES = """
    WITH ordered AS (
        SELECT
            id, user_id, content_id, duration_seconds, occurred_at,
            row_number() OVER (PARTITION BY user_id ORDER BY occurred_at DESC, id DESC) AS place
        FROM reader_activities WHERE user_id > :after AND user_id <= :last
    ), deeds AS (
        SELECT
            user_id, sum(duration_seconds) AS seconds, count(DISTINCT content_id) AS contents,
            max(CASE WHEN place = 1 THEN id END) AS last_id, max(occurred_at) AS last_at
        FROM ordered GROUP BY user_id
    ), logins AS (
        SELECT user_id, count(*) AS sessions, max(started_at) AS last_login
        FROM reader_sessions WHERE user_id > :after AND user_id <= :last GROUP BY user_id
    ), counted AS (
        SELECT
            p.user_id, coalesce(deeds.seconds, 0) AS total_reading_seconds,
            coalesce(deeds.seconds, 0) / 60 AS total_reading_time_minutes,
            coalesce(deeds.contents, 0) AS unique_content_read,
            deeds.last_id AS last_activity_id, deeds.last_at AS last_activity_at,
            coalesce(logins.sessions, 0) AS total_sessions, logins.last_login
        FROM reader_profiles p
        LEFT JOIN deeds ON deeds.user_id = p.user_id
        LEFT JOIN logins ON logins.user_id = p.user_id
        WHERE p.user_id > :after AND p.user_id <= :last
    )
"""
_IS_WRONG = """
    (
        kept.total_reading_seconds, kept.total_reading_time_minutes, kept.unique_content_read,
        kept.last_activity_id, kept.last_activity_at, kept.total_sessions, kept.last_login
    ) IS DISTINCT FROM (
        counted.total_reading_seconds, counted.total_reading_time_minutes,
        counted.unique_content_read, counted.last_activity_id, counted.last_activity_at,
        counted.total_sessions, counted.last_login
    )
"""
_WRONG_PROFILES = Statement(
    _PROFILES  # noqa: S608 - our own text
    + """
    SELECT count(*) FROM counted JOIN reader_profiles kept ON kept.user_id = counted.user_id
    WHERE
    """
    + _IS_WRONG
)
_MEND_PROFILES = Statement(
    _PROFILES
    + """
    UPDATE reader_profiles AS kept SET
        total_reading_seconds = counted.total_reading_seconds,
        total_reading_time_minutes = counted.total_reading_time_minutes,
        unique_content_read = counted.unique_content_read,
        last_activity_id = counted.last_activity_id,
        last_activity_at = counted.last_activity_at,
        total_sessions = counted.total_sessions,
        last_login = counted.last_login,
        updated_at = :now
    FROM counted WHERE counted.user_id = kept.user_id AND
    """
    + _IS_WRONG
)
_CONTENTS = """
    WITH ordered AS (
        SELECT
            user_id, content_id, nullif(content_title, '') AS title,
            progress_percentage AS progress, duration_seconds, occurred_at,
            row_number() OVER (
                PARTITION BY user_id, content_id, nullif(content_title, '') IS NULL
                ORDER BY occurred_at DESC, id DESC
            ) AS title_place,
            row_number() OVER (
                PARTITION BY user_id, content_id, progress_percentage IS NULL
                ORDER BY occurred_at DESC, id DESC
            ) AS progress_place
        FROM reader_activities
        WHERE user_id > :after AND user_id <= :last AND content_id IS NOT NULL
    ), counted AS (
        SELECT
            user_id, content_id,
            max(CASE WHEN title_place = 1 THEN title END) AS content_title,
            max(CASE WHEN title IS NOT NULL THEN occurred_at END) AS title_at,
            max(CASE WHEN progress_place = 1 THEN progress END) AS progress_percentage,
            max(CASE WHEN progress IS NOT NULL THEN occurred_at END) AS progress_at,
            coalesce(sum(duration_seconds), 0) AS total_seconds,
            min(occurred_at) AS first_at, max(occurred_at) AS last_at
        FROM ordered GROUP BY user_id, content_id
    )
"""
_WRONG_CONTENTS = Statement(
    _CONTENTS  # noqa: S608 - our own text
    + """
    , kept AS (
        SELECT
            user_id, content_id, content_title, title_at, progress_percentage, progress_at,
            total_seconds, first_at, last_at
        FROM reader_content_progress WHERE user_id > :after AND user_id <= :last
    ), wrong AS (
        SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM kept) AS missing
        UNION ALL
        SELECT * FROM (SELECT * FROM kept EXCEPT SELECT * FROM counted) AS surplus
    )
    SELECT count(*) FROM (SELECT DISTINCT user_id, content_id FROM wrong) AS keys
    """
)
_DROP_CONTENTS = Statement(
    "DELETE FROM reader_content_progress WHERE user_id > :after AND user_id <= :last"
)
_ADD_CONTENTS = Statement(
    _CONTENTS
    + """
    INSERT INTO reader_content_progress (
        user_id, content_id, content_title, title_at, progress_percentage, progress_at,
        total_seconds, first_at, last_at
    ) SELECT
        user_id, content_id, content_title, title_at, progress_percentage, progress_at,
        total_seconds, first_at, last_at
    FROM counted
    """
)
_LAST_QUIZZES = Statement(
    """
    SELECT user_id, content_id, metadata_json, occurred_at FROM (
        SELECT
            user_id, content_id, metadata_json, occurred_at,
            row_number() OVER (
                PARTITION BY user_id, coalesce(content_id, '') ORDER BY occurred_at DESC, id DESC
            ) AS place
        FROM reader_activities
        WHERE user_id > :after AND user_id <= :last AND activity_type = :quiz_ended
    ) AS ended WHERE place = 1
    """
)
_KEPT_QUIZZES = Statement(
    """
    SELECT user_id, content_id, passed, score, occurred_at FROM reader_quizzes
    WHERE user_id > :after AND user_id <= :last
    """
)
_DROP_QUIZZES = Statement("DELETE FROM reader_quizzes WHERE user_id > :after AND user_id <= :last")

# Minutes ----------------------------------------------------------------------------------------

MINUTE_SQLITE = "substr(occurred_at, 1, 16) || ':00.000'"
MINUTE_POSTGRESQL = "date_trunc('minute', occurred_at)"

_ARRIVED_AT = Statement(
    "SELECT created_at FROM reader_activities WHERE id >= :id ORDER BY id LIMIT 1"
)
_NEWEST = Statement("SELECT coalesce(max(id), 0) FROM reader_activities")
_COUNTS = """
    SELECT minute, activity_type, sum(counted) FROM (
        SELECT {minute} AS minute, activity_type, 1 AS counted, 0 AS kept
        FROM reader_activities WHERE occurred_at >= :since AND occurred_at < :until
        UNION ALL
        SELECT minute, activity_type, 0, activities
        FROM activity_counts WHERE minute >= :since AND minute < :until
    ) AS told GROUP BY minute, activity_type HAVING sum(counted) <> sum(kept)
"""
_WRONG_COUNTS = Statement(
    _COUNTS.replace("{minute}", MINUTE_SQLITE),
    postgresql=_COUNTS.replace("{minute}", MINUTE_POSTGRESQL),
)
# What was counted in one moment, and what has come since: so nothing is counted while others wait.
_KEEP_COUNTS = """
    WITH since AS (
        SELECT {minute} AS minute, activity_type, count(*) AS activities
        FROM reader_activities WHERE id > :newest GROUP BY 1, 2
    )
    INSERT INTO activity_counts (minute, activity_type, activities)
    SELECT
        given.minute, given.activity_type, given.activities + coalesce(since.activities, 0)
    FROM {rows} AS given LEFT JOIN since
    ON since.minute = given.minute AND since.activity_type = given.activity_type WHERE TRUE
    ON CONFLICT (minute, activity_type) DO UPDATE SET activities = excluded.activities
"""
_COUNT = {"minute": "timestamptz", "activity_type": "text", "activities": "bigint"}
_KEEP_COUNTS_SQLITE = BulkStatement(_COUNT, _KEEP_COUNTS.replace("{minute}", MINUTE_SQLITE))
_KEEP_COUNTS_POSTGRESQL = BulkStatement(_COUNT, _KEEP_COUNTS.replace("{minute}", MINUTE_POSTGRESQL))
_DROP_EMPTY_COUNTS = BulkStatement(
    _COUNT,
    """
    DELETE FROM activity_counts WHERE activities = 0 AND (minute, activity_type) IN (
        SELECT minute, activity_type FROM {rows} AS given
    )
    """,
)

# Portions ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Readers:
    """The rollups of the users with an id above `after` and up to `last`."""

    after: int
    last: int

    def compare(self, db: Database) -> RollupMismatches:
        """Tell how much is wrong at this moment."""
        with read_snapshot(db):
            return RollupMismatches(
                reader_profiles=self._run(db, _WRONG_PROFILES).fetchone()[0],
                reader_content_progress=self._run(db, _WRONG_CONTENTS).fetchone()[0],
                reader_quizzes=self._wrong_quizzes(db),
            )

    def rebuild(self, db: Database, now: datetime) -> RollupMismatches:
        """Mend what is wrong, all or nothing, and tell how much that was."""
        wrong = self.compare(db)
        if wrong:
            with db.atomic():
                acquire_lock(db, Lock.ROLLUPS)
                self._run(db, _MEND_PROFILES, now=to_db_time(now))
                self._run(db, _DROP_CONTENTS)
                self._run(db, _ADD_CONTENTS)
                self._run(db, _DROP_QUIZZES)
                add_quizzes(db, self._quizzes(db))
        return wrong

    def _wrong_quizzes(self, db: Database) -> int:
        kept = {(*row, _text(at)) for *row, at in self._run(db, _KEPT_QUIZZES)}
        return len({tuple(row[:2]) for row in kept ^ {*self._quizzes(db)}})

    def _quizzes(self, db: Database) -> list[Row]:
        return [
            quiz_row(user_id, content_id, metadata, _text(occurred_at))
            for user_id, content_id, metadata, occurred_at in self._run(
                db, _LAST_QUIZZES, quiz_ended=QUIZ_ENDED
            )
        ]

    def _run(self, db: Database, statement: Statement, **values: object) -> Any:
        return statement(db, after=self.after, last=self.last, **values)


@dataclass(frozen=True, slots=True)
class Minutes:
    """The counts of the minutes from `since` to before `until`."""

    since: datetime
    until: datetime

    def compare(self, db: Database) -> RollupMismatches:
        """Tell how much is wrong at this moment."""
        return RollupMismatches(activity_counts=len(self._wrong(db)[0]))

    def rebuild(self, db: Database, now: datetime) -> RollupMismatches:  # noqa: ARG002 - as of readers
        """Mend what is wrong, some of it at a time, and tell how much that was."""
        counts, newest = self._wrong(db)
        keep = _KEEP_COUNTS_SQLITE if is_sqlite(db) else _KEEP_COUNTS_POSTGRESQL
        for start in range(0, len(counts), COUNTS_AT_ONCE):
            some = counts[start : start + COUNTS_AT_ONCE]
            with db.atomic():
                acquire_lock(db, Lock.ROLLUPS)
                keep(db, some, newest=newest)
                _DROP_EMPTY_COUNTS(db, some)
        return RollupMismatches(activity_counts=len(counts))

    def _wrong(self, db: Database) -> tuple[list[Row], int]:
        """Return the right values of the wrong counts, and the last activity counted for them."""
        with read_snapshot(db):
            found = _WRONG_COUNTS(db, since=to_db_time(self.since), until=to_db_time(self.until))
            counts: list[Row] = [
                (_text(minute), activity_type, activities)
                for minute, activity_type, activities in found
            ]
            return counts, _NEWEST(db).fetchone()[0]


def _text(at: str | datetime) -> str:
    """Return a moment, as either engine gives it, as it is kept."""
    return at if isinstance(at, str) else to_db_time(at)


Portion = Readers | Minutes


def portions(db: Database) -> list[Portion]:
    """Return what all rollups are made of, in portions that each take about as long."""
    return [*_readers(db), *_minutes(db)]


def _readers(db: Database) -> Iterator[Readers]:
    after, gathered, last = 0, 0, 0
    for user_id, activities in _activities_of_readers(db):
        work = activities + _WORK_OF_A_READER
        if gathered and gathered + work > ACTIVITIES_OF_READERS:
            yield Readers(after, last)
            after, gathered = last, 0
        gathered, last = gathered + work, user_id
    yield Readers(after, _LAST_ID)


def _activities_of_readers(db: Database) -> Iterator[tuple[int, int]]:
    after = 0
    while some := _ACTIVITIES_OF_READERS(db, after=after, length=_READERS_AT_ONCE).fetchall():
        yield from some
        after = some[-1][0]


def _minutes(db: Database) -> Iterator[Minutes]:
    """Cut where every so many activities arrived, which is about when they occurred."""
    cuts = {_EARLIEST, _LATEST}
    newest = _NEWEST(db).fetchone()[0]
    for id_ in range(ACTIVITIES_OF_MINUTES, newest + 1, ACTIVITIES_OF_MINUTES):
        arrived_at = from_db_time(_ARRIVED_AT(db, id=id_).fetchone()[0])
        cuts.add(arrived_at.replace(second=0, microsecond=0))
    return (Minutes(since, until) for since, until in pairwise(sorted(cuts)))
