"""Compare the rollups with the stored activities and sessions, and correct wrong rows.

The tables `archived_*` have the rollups of activities and sessions that were archived; they are
added to what is counted.

This module implements the rule of `readwatch.store.recording.rollups` in SQL: the latest activity
counts, by `occurred_at` and then by id. It works in chunks, which limits the memory and the time
that writers wait.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from peewee import fn

from readwatch.domain.health import RollupMismatches
from readwatch.store.engine.bulk import BulkRow, BulkStatement
from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.connections import Database, read_snapshot
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.models import (
    MAX_ID,
    ArchivedQuizzes,
    ReaderActivities,
    ReaderContentProgress,
    ReaderHours,
    ReaderQuizzes,
)
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, to_db_time
from readwatch.store.recording.quizzes import QUIZ_ENDED, QuizRow, add_quizzes, quiz_row

ACTIVITIES_OF_READERS = 2_500
"""The maximum number of activities in a chunk of readers, unless one reader has more."""

ACTIVITIES_OF_MINUTES = 2_000_000
"""The approximate number of activities in a chunk of minutes; each chunk scans all history."""

COUNTS_AT_ONCE = 500
"""The number of counts that one transaction corrects."""

_READERS_AT_ONCE = 500
_WORK_OF_A_READER = (
    10  # the cost of each reader, in activities, in addition to the reader's own activities
)
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)

# Readers ----------------------------------------------------------------------------------------

_ACTIVITIES_OF_READERS = Statement(
    """
    SELECT
        p.user_id,
        (SELECT count(*) FROM reader_activities a WHERE a.user_id = p.user_id) AS activities
    FROM reader_profiles p WHERE p.user_id > :after ORDER BY p.user_id LIMIT :length
    """
)
_PROFILES = """
    WITH ordered AS (
        SELECT
            id, user_id, content_id, duration_seconds, occurred_at,
            row_number() OVER (PARTITION BY user_id ORDER BY occurred_at DESC, id DESC) AS rank
        FROM (
            SELECT id, user_id, content_id, duration_seconds, occurred_at
            FROM reader_activities WHERE user_id > :after AND user_id <= :last
            UNION ALL
            SELECT last_activity_id, user_id, NULL, total_reading_seconds, last_activity_at
            FROM archived_totals
            WHERE user_id > :after AND user_id <= :last AND last_activity_at IS NOT NULL
            UNION ALL
            SELECT 0, user_id, content_id, 0, last_at
            FROM archived_content_progress WHERE user_id > :after AND user_id <= :last
        ) AS every_activity
    ), actions AS (
        SELECT
            user_id, CAST(sum(duration_seconds) AS BIGINT) AS seconds,
            count(DISTINCT content_id) AS contents,
            max(CASE WHEN rank = 1 THEN id END) AS last_id, max(occurred_at) AS last_at
        FROM ordered GROUP BY user_id
    ), logins AS (
        SELECT user_id, sum(sessions) AS sessions, max(last_login) AS last_login
        FROM (
            SELECT user_id, count(*) AS sessions, max(started_at) AS last_login
            FROM reader_sessions WHERE user_id > :after AND user_id <= :last GROUP BY user_id
            UNION ALL
            SELECT user_id, total_sessions, last_login
            FROM archived_totals WHERE user_id > :after AND user_id <= :last
        ) AS every_session GROUP BY user_id
    ), counted AS (
        SELECT
            p.user_id, coalesce(actions.seconds, 0) AS total_reading_seconds,
            coalesce(actions.seconds, 0) / 60 AS total_reading_time_minutes,
            coalesce(actions.contents, 0) AS unique_content_read,
            actions.last_id AS last_activity_id, actions.last_at AS last_activity_at,
            coalesce(logins.sessions, 0) AS total_sessions, logins.last_login
        FROM reader_profiles p
        LEFT JOIN actions ON actions.user_id = p.user_id
        LEFT JOIN logins ON logins.user_id = p.user_id
        WHERE p.user_id > :after AND p.user_id <= :last
    )
"""
_IS_WRONG = """
    (
        stored.total_reading_seconds, stored.total_reading_time_minutes, stored.unique_content_read,
        stored.last_activity_id, stored.last_activity_at, stored.total_sessions, stored.last_login
    ) IS DISTINCT FROM (
        counted.total_reading_seconds, counted.total_reading_time_minutes,
        counted.unique_content_read, counted.last_activity_id, counted.last_activity_at,
        counted.total_sessions, counted.last_login
    )
"""
_WRONG_PROFILES = Statement(
    f"""
    {_PROFILES}
    SELECT count(*) AS wrong
    FROM counted JOIN reader_profiles stored ON stored.user_id = counted.user_id
    WHERE {_IS_WRONG}
    """  # noqa: S608 - our own text
)
_FIX_PROFILES = Statement(
    f"""
    {_PROFILES}
    UPDATE reader_profiles AS stored SET
        total_reading_seconds = counted.total_reading_seconds,
        total_reading_time_minutes = counted.total_reading_time_minutes,
        unique_content_read = counted.unique_content_read,
        last_activity_id = counted.last_activity_id,
        last_activity_at = counted.last_activity_at,
        total_sessions = counted.total_sessions,
        last_login = counted.last_login,
        updated_at = :now
    FROM counted WHERE counted.user_id = stored.user_id AND {_IS_WRONG}
    """  # noqa: S608 - our own text
)
_CONTENTS = """
    WITH every_activity AS (
        SELECT
            id, user_id, content_id, nullif(content_title, '') AS title, occurred_at AS title_at,
            progress_percentage AS progress, occurred_at AS progress_at,
            duration_seconds AS seconds, occurred_at AS first_at, occurred_at AS last_at
        FROM reader_activities
        WHERE user_id > :after AND user_id <= :last AND content_id IS NOT NULL
        UNION ALL
        SELECT
            0, user_id, content_id, content_title, title_at, progress_percentage, progress_at,
            total_seconds, first_at, last_at
        FROM archived_content_progress WHERE user_id > :after AND user_id <= :last
    ), ordered AS (
        SELECT
            user_id, content_id, title, title_at, progress, progress_at, seconds, first_at, last_at,
            row_number() OVER (
                PARTITION BY user_id, content_id, title IS NULL ORDER BY title_at DESC, id DESC
            ) AS title_rank,
            row_number() OVER (
                PARTITION BY user_id, content_id, progress IS NULL
                ORDER BY progress_at DESC, id DESC
            ) AS progress_rank
        FROM every_activity
    ), counted AS (
        SELECT
            user_id, content_id,
            max(CASE WHEN title_rank = 1 THEN title END) AS content_title,
            max(CASE WHEN title IS NOT NULL THEN title_at END) AS title_at,
            max(CASE WHEN progress_rank = 1 THEN progress END) AS progress_percentage,
            max(CASE WHEN progress IS NOT NULL THEN progress_at END) AS progress_at,
            coalesce(CAST(sum(seconds) AS BIGINT), 0) AS total_seconds,
            min(first_at) AS first_at, max(last_at) AS last_at
        FROM ordered GROUP BY user_id, content_id
    )
"""
_WRONG_CONTENTS = Statement(
    f"""
    {_CONTENTS}, stored AS (
        SELECT
            user_id, content_id, content_title, title_at, progress_percentage, progress_at,
            total_seconds, first_at, last_at
        FROM reader_content_progress WHERE user_id > :after AND user_id <= :last
    ), wrong AS (
        SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM stored) AS missing
        UNION ALL
        SELECT * FROM (SELECT * FROM stored EXCEPT SELECT * FROM counted) AS surplus
    )
    SELECT count(*) AS wrong FROM (SELECT DISTINCT user_id, content_id FROM wrong) AS keys
    """  # noqa: S608 - our own text
)
_DELETE_CONTENTS = CompiledQuery(
    ReaderContentProgress.delete().where(
        ReaderContentProgress.user > Param("after"), ReaderContentProgress.user <= Param("last")
    )
)
_ADD_CONTENTS = Statement(
    f"""
    {_CONTENTS}
    INSERT INTO reader_content_progress (
        user_id, content_id, content_title, title_at, progress_percentage, progress_at,
        total_seconds, first_at, last_at
    ) SELECT
        user_id, content_id, content_title, title_at, progress_percentage, progress_at,
        total_seconds, first_at, last_at
    FROM counted
    """  # noqa: S608 - our own text
)


def _last_quizzes(activity_type: str) -> str:
    return f"""
    SELECT user_id, content_id, metadata_json, occurred_at FROM (
        SELECT
            user_id, content_id, metadata_json, occurred_at,
            row_number() OVER (
                PARTITION BY user_id, coalesce(content_id, '') ORDER BY occurred_at DESC, id DESC
            ) AS rank
        FROM reader_activities
        WHERE user_id > :after AND user_id <= :last AND {activity_type} = :quiz_ended
    ) AS ended WHERE rank = 1
    """  # noqa: S608 - our own text


# With the plus SQLite does not read all quizzes of the history for each chunk of readers.
_LAST_QUIZZES = Statement(
    _last_quizzes("+activity_type"), postgresql=_last_quizzes("activity_type")
)
_STORED_QUIZZES = CompiledQuery(
    ReaderQuizzes.select(
        ReaderQuizzes.user,
        ReaderQuizzes.content_id,
        ReaderQuizzes.passed,
        ReaderQuizzes.score,
        ReaderQuizzes.occurred_at,
    ).where(ReaderQuizzes.user > Param("after"), ReaderQuizzes.user <= Param("last"))
)
_ARCHIVED_QUIZZES = CompiledQuery(
    ArchivedQuizzes.select(
        ArchivedQuizzes.user,
        ArchivedQuizzes.content_id,
        ArchivedQuizzes.passed,
        ArchivedQuizzes.score,
        ArchivedQuizzes.occurred_at,
    ).where(ArchivedQuizzes.user > Param("after"), ArchivedQuizzes.user <= Param("last"))
)
_DELETE_QUIZZES = CompiledQuery(
    ReaderQuizzes.delete().where(
        ReaderQuizzes.user > Param("after"), ReaderQuizzes.user <= Param("last")
    )
)

HOUR_SQLITE = "substr(occurred_at, 1, 13) || ':00:00.000'"
HOUR_POSTGRESQL = "date_trunc('hour', occurred_at, 'UTC')"


def _hours(hour: str) -> str:
    return f"""
    SELECT
        user_id, {hour} AS hour, count(*) AS activities,
        CAST(coalesce(sum(duration_seconds), 0) AS BIGINT) AS seconds
    FROM reader_activities WHERE user_id > :after AND user_id <= :last GROUP BY 1, 2
    """  # noqa: S608 - our own text


def _wrong_hours(hour: str) -> str:
    return f"""
    WITH counted AS ({_hours(hour)}), stored AS (
        SELECT user_id, hour, activities, seconds
        FROM reader_hours WHERE user_id > :after AND user_id <= :last
    ), wrong AS (
        SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM stored) AS missing
        UNION ALL
        SELECT * FROM (SELECT * FROM stored EXCEPT SELECT * FROM counted) AS surplus
    )
    SELECT count(*) AS wrong FROM (SELECT DISTINCT user_id, hour FROM wrong) AS keys
    """  # noqa: S608 - our own text


def _add_hours(hour: str) -> str:
    return f"INSERT INTO reader_hours (user_id, hour, activities, seconds) {_hours(hour)}"


_WRONG_HOURS = Statement(_wrong_hours(HOUR_SQLITE), postgresql=_wrong_hours(HOUR_POSTGRESQL))
_ADD_HOURS = Statement(_add_hours(HOUR_SQLITE), postgresql=_add_hours(HOUR_POSTGRESQL))
_DELETE_HOURS = CompiledQuery(
    ReaderHours.delete().where(ReaderHours.user > Param("after"), ReaderHours.user <= Param("last"))
)

# Minutes ----------------------------------------------------------------------------------------

MINUTE_SQLITE = "substr(occurred_at, 1, 16) || ':00.000'"
MINUTE_POSTGRESQL = "date_trunc('minute', occurred_at)"

_ARRIVED_AT = CompiledQuery(
    ReaderActivities.select(ReaderActivities.created_at)
    .where(ReaderActivities.id >= Param("id"))
    .order_by(ReaderActivities.id)
    .limit(1)
)
_NEWEST = CompiledQuery(
    ReaderActivities.select(fn.coalesce(fn.max(ReaderActivities.id), 0).alias("newest"))
)


def _wrong_counts(minute: str) -> str:
    return f"""
        SELECT minute, activity_type, sum(counted) AS activities FROM (
            SELECT {minute} AS minute, activity_type, 1 AS counted, 0 AS stored
            FROM reader_activities WHERE occurred_at >= :since AND occurred_at < :until
            UNION ALL
            SELECT minute, activity_type, 0, activities
            FROM activity_counts WHERE minute >= :since AND minute < :until
        ) AS counts GROUP BY minute, activity_type HAVING sum(counted) <> sum(stored)
    """  # noqa: S608 - our own text


def _save_counts(minute: str) -> str:
    """Return SQL that saves counts plus the activities that arrived after the counting snapshot,
    so that no writer waits for the counting."""
    return f"""
        WITH since AS (
            SELECT {minute} AS minute, activity_type, count(*) AS activities
            FROM reader_activities WHERE id > :newest GROUP BY 1, 2
        )
        INSERT INTO activity_counts (minute, activity_type, activities)
        SELECT
            given.minute, given.activity_type, given.activities + coalesce(since.activities, 0)
        FROM given LEFT JOIN since
        ON since.minute = given.minute AND since.activity_type = given.activity_type WHERE TRUE
        ON CONFLICT (minute, activity_type) DO UPDATE SET activities = excluded.activities
    """  # noqa: S608 - our own text


_WRONG_COUNTS = Statement(_wrong_counts(MINUTE_SQLITE), postgresql=_wrong_counts(MINUTE_POSTGRESQL))
_COUNT = {"minute": "timestamptz", "activity_type": "text", "activities": "bigint"}
_SAVE_COUNTS = BulkStatement(
    _COUNT, _save_counts(MINUTE_SQLITE), postgresql=_save_counts(MINUTE_POSTGRESQL)
)
_DELETE_EMPTY_COUNTS = BulkStatement(
    _COUNT,
    """
    DELETE FROM activity_counts WHERE activities = 0 AND (minute, activity_type) IN (
        SELECT minute, activity_type FROM given
    )
    """,
)

# Chunks -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReaderRollups:
    """The rollups of the users with an id above `after` and up to `last`."""

    after: int
    last: int

    def compare(self, db: Database) -> RollupMismatches:
        """Count the wrong rows, in one snapshot."""
        with read_snapshot(db):
            return RollupMismatches(
                reader_profiles=_WRONG_PROFILES.scalar(db, **self._range),
                reader_content_progress=_WRONG_CONTENTS.scalar(db, **self._range),
                reader_quizzes=self._wrong_quizzes(db),
                reader_hours=_WRONG_HOURS.scalar(db, **self._range),
            )

    def rebuild(self, db: Database, now: datetime) -> RollupMismatches:
        """Correct the wrong rows in one transaction, and return their number."""
        wrong = self.compare(db)
        if wrong:
            with db.atomic():
                acquire_lock(db, Lock.ROLLUPS)
                _FIX_PROFILES(db, **self._range, now=to_db_time(now))
                _DELETE_CONTENTS(db, **self._range)
                _ADD_CONTENTS(db, **self._range)
                _DELETE_QUIZZES(db, **self._range)
                add_quizzes(db, self._quizzes(db))
                _DELETE_HOURS(db, **self._range)
                _ADD_HOURS(db, **self._range)
        return wrong

    @property
    def _range(self) -> dict[str, int]:
        return {"after": self.after, "last": self.last}

    def _wrong_quizzes(self, db: Database) -> int:
        stored = {_stored_row(quiz) for quiz in _STORED_QUIZZES.all(db, **self._range)}
        differing = stored ^ {*self._quizzes(db)}
        return len({(user_id, content_id) for user_id, content_id, *_ in differing})

    def _quizzes(self, db: Database) -> list[QuizRow]:
        """Return the correct rows of `reader_quizzes`."""
        ended = [
            quiz_row(quiz.user_id, quiz.content_id, quiz.metadata_json, _text(quiz.occurred_at))
            for quiz in _LAST_QUIZZES.all(db, **self._range, quiz_ended=QUIZ_ENDED)
        ]
        archived = [_stored_row(quiz) for quiz in _ARCHIVED_QUIZZES.all(db, **self._range)]
        last: dict[tuple[int, str], QuizRow] = {}
        for row in archived + ended:  # the later one counts, and of two at one time the stored one
            if row[:2] not in last or row[-1] >= last[row[:2]][-1]:
                last[row[:2]] = row
        return [*last.values()]


@dataclass(frozen=True, slots=True)
class MinuteCounts:
    """The counts of the minutes from `since` to before `until`."""

    since: datetime
    until: datetime

    def compare(self, db: Database) -> RollupMismatches:
        """Count the wrong rows, in one snapshot."""
        return RollupMismatches(activity_counts=len(self._wrong(db)[0]))

    def rebuild(self, db: Database, now: datetime) -> RollupMismatches:  # noqa: ARG002 - as in Readers
        """Correct the wrong rows in several transactions, and return their number."""
        counts, newest = self._wrong(db)
        for start in range(0, len(counts), COUNTS_AT_ONCE):
            chunk = counts[start : start + COUNTS_AT_ONCE]
            with db.atomic():
                acquire_lock(db, Lock.ROLLUPS)
                _SAVE_COUNTS(db, chunk, newest=newest)
                _DELETE_EMPTY_COUNTS(db, chunk)
        return RollupMismatches(activity_counts=len(counts))

    def _wrong(self, db: Database) -> tuple[list[BulkRow], int]:
        """Return the correct rows for the wrong counts, and the id of the last counted activity."""
        with read_snapshot(db):
            counts: list[BulkRow] = [
                (_text(count.minute), count.activity_type, count.activities)
                for count in _WRONG_COUNTS.all(
                    db, since=to_db_time(self.since), until=to_db_time(self.until)
                )
            ]
            return counts, _NEWEST.scalar(db)


def _stored_row(quiz: Any) -> QuizRow:
    return (quiz.user_id, quiz.content_id, quiz.passed, quiz.score, _text(quiz.occurred_at))


def _text(at: str | datetime) -> str:
    """Return a time from either engine as the text that is stored."""
    return at if isinstance(at, str) else to_db_time(at)


Chunk = ReaderRollups | MinuteCounts


def chunks(db: Database) -> list[Chunk]:
    """Return all rollups, in chunks of about the same duration."""
    return [*_readers(db), *_minutes(db)]


def _readers(db: Database) -> Iterator[ReaderRollups]:
    after, gathered, last = 0, 0, 0
    for user_id, activities in _activities_of_readers(db):
        work = activities + _WORK_OF_A_READER
        if gathered and gathered + work > ACTIVITIES_OF_READERS:
            yield ReaderRollups(after, last)
            after, gathered = last, 0
        gathered, last = gathered + work, user_id
    yield ReaderRollups(after, MAX_ID)


def _activities_of_readers(db: Database) -> Iterator[tuple[int, int]]:
    after = 0
    while readers := _ACTIVITIES_OF_READERS.all(db, after=after, length=_READERS_AT_ONCE):
        for reader in readers:
            yield reader.user_id, reader.activities
        after = readers[-1].user_id


def _minutes(db: Database) -> Iterator[MinuteCounts]:
    """Yield chunks of minutes with about the same number of activities, by time of arrival."""
    cuts = {_EARLIEST, _LATEST}
    for id_ in range(ACTIVITIES_OF_MINUTES, _NEWEST.scalar(db) + 1, ACTIVITIES_OF_MINUTES):
        arrived_at = from_db_time(_ARRIVED_AT.scalar(db, id=id_))
        cuts.add(arrived_at.replace(second=0, microsecond=0))
    return (MinuteCounts(since, until) for since, until in pairwise(sorted(cuts)))
