"""Rollups: totals that screens read instead of history, updated in the activity's transaction."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import peewee
from peewee import Case

from readwatch.domain.activities import Activity
from readwatch.store.engine.bulk import GIVEN, BulkStatement, insert_given
from readwatch.store.engine.compiled import Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import (
    ActivityCounts,
    ArchivedContentProgress,
    ReaderContentProgress,
    ReaderHours,
    ReaderProfiles,
)
from readwatch.store.recording.quizzes import (
    QUIZ_ENDED,
    QuizRow,
    archive_quizzes,
    quiz_row,
    upsert_quizzes,
)

ContentKey = tuple[int, str]
"""A reader's id and a content's id."""


def _new(column: "peewee.Field[Any]") -> Any:
    return peewee.EXCLUDED[column.column_name]


def _of_latest(column: "peewee.Field[Any]", at: "peewee.Field[Any]") -> Case:
    """Return the new value, unless the stored value is from a later activity."""
    return Case(None, [(at.is_null() | (_new(at) >= at), _new(column))], column)


def _upsert_contents(table: Any) -> BulkStatement:
    """Return the statement that adds changes to the contents of a table."""
    return BulkStatement(
        {
            "user_id": "bigint",
            "content_id": "text",
            "content_title": "text",
            "title_at": "timestamptz",
            "progress_percentage": "bigint",
            "progress_at": "timestamptz",
            "total_seconds": "bigint",
            "first_at": "timestamptz",
            "last_at": "timestamptz",
        },
        insert_given(
            table.user,
            table.content_id,
            table.content_title,
            table.title_at,
            table.progress_percentage,
            table.progress_at,
            table.total_seconds,
            table.first_at,
            table.last_at,
        ).on_conflict(
            conflict_target=[table.user, table.content_id],
            update={
                table.content_title: _of_latest(table.content_title, table.title_at),
                table.title_at: _of_latest(table.title_at, table.title_at),
                table.progress_percentage: _of_latest(table.progress_percentage, table.progress_at),
                table.progress_at: _of_latest(table.progress_at, table.progress_at),
                table.total_seconds: table.total_seconds + _new(table.total_seconds),
                table.first_at: Case(
                    None,
                    [(_new(table.first_at) < table.first_at, _new(table.first_at))],
                    table.first_at,
                ),
                table.last_at: Case(
                    None,
                    [(_new(table.last_at) > table.last_at, _new(table.last_at))],
                    table.last_at,
                ),
            },
        ),
    )


# Late activities of an offline device add their seconds; they never lower the progress.
_UPSERT_CONTENTS = _upsert_contents(ReaderContentProgress)
_ARCHIVE_CONTENTS = _upsert_contents(ArchivedContentProgress)
_ARCHIVE_TOTALS = BulkStatement(
    {
        "user_id": "bigint",
        "seconds": "bigint",
        "latest_id": "bigint",
        "latest_at": "timestamptz",
    },
    """
    INSERT INTO archived_totals AS stored (
        user_id, total_reading_seconds, last_activity_id, last_activity_at
    )
    SELECT user_id, seconds, latest_id, latest_at FROM given WHERE TRUE
    ON CONFLICT (user_id) DO UPDATE SET
        total_reading_seconds = stored.total_reading_seconds + excluded.total_reading_seconds,
        last_activity_id = CASE
            WHEN stored.last_activity_at > excluded.last_activity_at THEN stored.last_activity_id
            ELSE excluded.last_activity_id
        END,
        last_activity_at = CASE
            WHEN stored.last_activity_at > excluded.last_activity_at THEN stored.last_activity_at
            ELSE excluded.last_activity_at
        END
    """,
)
_SECONDS = ReaderProfiles.total_reading_seconds + GIVEN.c.seconds
_IS_LATEST = ReaderProfiles.last_activity_at.is_null() | (
    ReaderProfiles.last_activity_at <= GIVEN.c.latest_at
)
_UPDATE_PROFILES = BulkStatement(
    {
        "user_id": "bigint",
        "seconds": "bigint",
        "new_contents": "bigint",
        "latest_id": "bigint",
        "latest_at": "timestamptz",
    },
    ReaderProfiles.update(
        {
            ReaderProfiles.total_reading_seconds: _SECONDS,
            ReaderProfiles.total_reading_time_minutes: _SECONDS / 60,
            ReaderProfiles.unique_content_read: (
                ReaderProfiles.unique_content_read + GIVEN.c.new_contents
            ),
            ReaderProfiles.last_activity_id: Case(
                None, [(_IS_LATEST, GIVEN.c.latest_id)], ReaderProfiles.last_activity_id
            ),
            ReaderProfiles.last_activity_at: Case(
                None, [(_IS_LATEST, GIVEN.c.latest_at)], ReaderProfiles.last_activity_at
            ),
            ReaderProfiles.updated_at: Param("now"),
        }
    )
    .from_(GIVEN)
    .where(ReaderProfiles.user == GIVEN.c.user_id),
)
_HOUR = {
    "user_id": "bigint",
    "hour": "timestamptz",
    "activities": "bigint",
    "seconds": "bigint",
}
_UPSERT_HOURS = BulkStatement(
    _HOUR,
    insert_given(
        ReaderHours.user, ReaderHours.hour, ReaderHours.activities, ReaderHours.seconds
    ).on_conflict(
        conflict_target=[ReaderHours.user, ReaderHours.hour],
        update={
            ReaderHours.activities: ReaderHours.activities + _new(ReaderHours.activities),
            ReaderHours.seconds: ReaderHours.seconds + _new(ReaderHours.seconds),
        },
    ),
)
_LOWER_HOURS = BulkStatement(
    _HOUR,
    """
    UPDATE reader_hours AS stored SET
        activities = stored.activities - given.activities, seconds = stored.seconds - given.seconds
    FROM given WHERE stored.user_id = given.user_id AND stored.hour = given.hour
    """,
)
_DELETE_EMPTY_HOURS = BulkStatement(
    _HOUR,
    """
    DELETE FROM reader_hours WHERE activities <= 0 AND (user_id, hour) IN (
        SELECT user_id, hour FROM given
    )
    """,
)
_COUNT = {"minute": "timestamptz", "activity_type": "text", "activities": "bigint"}
_UPSERT_COUNTS = BulkStatement(
    _COUNT,
    insert_given(
        ActivityCounts.minute, ActivityCounts.activity_type, ActivityCounts.activities
    ).on_conflict(
        conflict_target=[ActivityCounts.minute, ActivityCounts.activity_type],
        update={
            ActivityCounts.activities: ActivityCounts.activities + _new(ActivityCounts.activities)
        },
    ),
)
_LOWER_COUNTS = BulkStatement(
    _COUNT,
    """
    UPDATE activity_counts AS stored SET activities = stored.activities - given.activities
    FROM given
    WHERE stored.minute = given.minute AND stored.activity_type = given.activity_type
    """,
)
_DELETE_EMPTY_COUNTS = BulkStatement(
    _COUNT,
    """
    DELETE FROM activity_counts WHERE activities <= 0 AND (minute, activity_type) IN (
        SELECT minute, activity_type FROM given
    )
    """,
)


@dataclass(slots=True, kw_only=True)
class _ContentChanges:
    """The change of one content of one reader."""

    user_id: int
    content_id: str
    first_at: str
    last_at: str
    content_title: str | None = None
    title_at: str | None = None
    progress_percentage: int | None = None
    progress_at: str | None = None
    total_seconds: int = 0

    def add(self, activity: Activity, occurred_at: str) -> None:
        self.total_seconds += activity.duration_seconds or 0
        if occurred_at < self.first_at:
            self.first_at = occurred_at
        if occurred_at > self.last_at:
            self.last_at = occurred_at
        if activity.content_title and (self.title_at is None or occurred_at >= self.title_at):
            self.content_title, self.title_at = activity.content_title, occurred_at
        if activity.progress_percentage is not None and (
            self.progress_at is None or occurred_at >= self.progress_at
        ):
            self.progress_percentage, self.progress_at = activity.progress_percentage, occurred_at


@dataclass(slots=True, kw_only=True)
class _ProfileChanges:
    """The change of one reader's profile."""

    user_id: int
    seconds: int
    latest_at: str
    latest_id: int
    new_contents: int = 0


@dataclass(slots=True, kw_only=True)
class _HourChanges:
    """The change of one hour of one reader."""

    user_id: int
    hour: str
    activities: int = 0
    seconds: int = 0


class RollupChanges:
    """The changes of the rollups by new activities.

    Times are text as it is stored (`to_db_time`): the texts sort as the times do, and a rebuild
    from the stored rows has the same result.
    """

    def __init__(self, begun_contents: Set[ContentKey]) -> None:
        """`begun_contents` are the contents that have a row already."""
        self._begun_contents = begun_contents
        self._readers: dict[int, _ProfileChanges] = {}
        self._contents: dict[ContentKey, _ContentChanges] = {}
        self._quizzes: dict[ContentKey, tuple[str, str | None]] = {}  # the end and the result
        self._hours: dict[tuple[int, str], _HourChanges] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, user_id: int, activity_id: int, activity: Activity, occurred_at: str) -> None:
        """Add one activity; call it in the order of the ids for each reader."""
        seconds = activity.duration_seconds or 0
        reader = self._readers.get(user_id)
        if reader is None:
            reader = self._readers[user_id] = _ProfileChanges(
                user_id=user_id, seconds=seconds, latest_at=occurred_at, latest_id=activity_id
            )
        else:
            reader.seconds += seconds
            if occurred_at >= reader.latest_at:
                reader.latest_at, reader.latest_id = occurred_at, activity_id
        hour_key = (user_id, occurred_at[:13])
        hour = self._hours.get(hour_key)
        if hour is None:
            hour = self._hours[hour_key] = _HourChanges(
                user_id=user_id, hour=f"{occurred_at[:13]}:00:00.000"
            )
        hour.activities += 1
        hour.seconds += seconds
        minute_and_type = (f"{occurred_at[:16]}:00.000", activity.activity_type)
        self._counts[minute_and_type] = self._counts.get(minute_and_type, 0) + 1
        if activity.activity_type == QUIZ_ENDED:
            quiz_key = (user_id, activity.content_id or "")
            if quiz_key not in self._quizzes or occurred_at >= self._quizzes[quiz_key][0]:
                self._quizzes[quiz_key] = (occurred_at, activity.metadata)
        if activity.content_id is None:
            return
        key = (user_id, activity.content_id)
        content = self._contents.get(key)
        if content is None:
            content = self._contents[key] = _ContentChanges(
                user_id=user_id,
                content_id=activity.content_id,
                first_at=occurred_at,
                last_at=occurred_at,
            )
            if key not in self._begun_contents:
                reader.new_contents += 1
        content.add(activity, occurred_at)

    def apply(self, db: Database, now: str) -> None:
        """Write the changes."""
        if self._contents:
            _UPSERT_CONTENTS.run_records(db, self._contents.values())
        if self._quizzes:
            upsert_quizzes(db, self._quiz_rows)
        _UPDATE_PROFILES.run_records(db, self._readers.values(), now=now)
        _UPSERT_HOURS.run_records(db, self._hours.values())
        _UPSERT_COUNTS(db, self._count_rows)

    def archive(self, db: Database) -> None:
        """Write what a rebuild needs when these activities leave the database.

        The rollups stay, and the tables `archived_*` get the changes; only the counts of minutes
        and of readers' hours, which count what is in the database, become lower.
        """
        if self._contents:
            _ARCHIVE_CONTENTS.run_records(db, self._contents.values())
        if self._quizzes:
            archive_quizzes(db, self._quiz_rows)
        _ARCHIVE_TOTALS.run_records(db, self._readers.values())
        _LOWER_HOURS.run_records(db, self._hours.values())
        _DELETE_EMPTY_HOURS.run_records(db, self._hours.values())
        _LOWER_COUNTS(db, self._count_rows)
        _DELETE_EMPTY_COUNTS(db, self._count_rows)

    @property
    def _quiz_rows(self) -> list[QuizRow]:
        return [
            quiz_row(*key, metadata, occurred_at)
            for key, (occurred_at, metadata) in self._quizzes.items()
        ]

    @property
    def _count_rows(self) -> list[tuple[str, str, int]]:
        return [
            (minute, activity_type, activities)
            for (minute, activity_type), activities in self._counts.items()
        ]
