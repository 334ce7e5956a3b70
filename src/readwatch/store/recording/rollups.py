"""Rollups: what the screens read instead of history, moved in the activity's own transaction."""

from collections.abc import Set
from dataclasses import dataclass

from readwatch.domain.activities import Activity
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.recording.quizzes import QUIZ_ENDED, move_quizzes, quiz_row

Content = tuple[int, str]
"""A reader and a content."""

# Late activities of an offline device add their seconds; they never turn the page back.
_MOVE_CONTENTS = BulkStatement(
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
    """
    INSERT INTO reader_content_progress AS kept (
        user_id, content_id, content_title, title_at, progress_percentage, progress_at,
        total_seconds, first_at, last_at
    ) SELECT
        user_id, content_id, content_title, title_at, progress_percentage, progress_at,
        total_seconds, first_at, last_at
    FROM {rows} AS given WHERE TRUE
    ON CONFLICT (user_id, content_id) DO UPDATE SET
        content_title = CASE
            WHEN kept.title_at IS NULL OR excluded.title_at >= kept.title_at
            THEN excluded.content_title ELSE kept.content_title END,
        title_at = CASE
            WHEN kept.title_at IS NULL OR excluded.title_at >= kept.title_at
            THEN excluded.title_at ELSE kept.title_at END,
        progress_percentage = CASE
            WHEN kept.progress_at IS NULL OR excluded.progress_at >= kept.progress_at
            THEN excluded.progress_percentage ELSE kept.progress_percentage END,
        progress_at = CASE
            WHEN kept.progress_at IS NULL OR excluded.progress_at >= kept.progress_at
            THEN excluded.progress_at ELSE kept.progress_at END,
        total_seconds = kept.total_seconds + excluded.total_seconds,
        first_at = CASE WHEN excluded.first_at < kept.first_at
            THEN excluded.first_at ELSE kept.first_at END,
        last_at = CASE WHEN excluded.last_at > kept.last_at
            THEN excluded.last_at ELSE kept.last_at END
    """,
)
_MOVE_PROFILES = BulkStatement(
    {
        "user_id": "bigint",
        "seconds": "bigint",
        "new_contents": "bigint",
        "activity_id": "bigint",
        "occurred_at": "timestamptz",
        "moved_at": "timestamptz",
    },
    """
    UPDATE reader_profiles AS kept SET
        total_reading_seconds = kept.total_reading_seconds + given.seconds,
        total_reading_time_minutes = (kept.total_reading_seconds + given.seconds) / 60,
        unique_content_read = kept.unique_content_read + given.new_contents,
        last_activity_id = CASE
            WHEN kept.last_activity_at IS NULL OR kept.last_activity_at <= given.occurred_at
            THEN given.activity_id ELSE kept.last_activity_id END,
        last_activity_at = CASE
            WHEN kept.last_activity_at IS NULL OR kept.last_activity_at <= given.occurred_at
            THEN given.occurred_at ELSE kept.last_activity_at END,
        updated_at = given.moved_at
    FROM {rows} AS given WHERE kept.user_id = given.user_id
    """,
)
_MOVE_COUNTS = BulkStatement(
    {"minute": "timestamptz", "activity_type": "text", "activities": "bigint"},
    """
    INSERT INTO activity_counts AS kept (minute, activity_type, activities)
    SELECT minute, activity_type, activities FROM {rows} AS given WHERE TRUE
    ON CONFLICT (minute, activity_type)
    DO UPDATE SET activities = kept.activities + excluded.activities
    """,
)


@dataclass(slots=True)
class _Content:
    """What is added to one content of one reader."""

    first_at: str
    last_at: str
    title: str | None = None
    title_at: str | None = None
    progress: int | None = None
    progress_at: str | None = None
    seconds: int = 0

    def add(self, activity: Activity, occurred_at: str) -> None:
        self.seconds += activity.duration_seconds or 0
        if occurred_at < self.first_at:
            self.first_at = occurred_at
        if occurred_at > self.last_at:
            self.last_at = occurred_at
        if activity.content_title and (self.title_at is None or occurred_at >= self.title_at):
            self.title, self.title_at = activity.content_title, occurred_at
        if activity.progress_percentage is not None and (
            self.progress_at is None or occurred_at >= self.progress_at
        ):
            self.progress, self.progress_at = activity.progress_percentage, occurred_at


@dataclass(slots=True)
class _Reader:
    """What is added to one reader's profile."""

    seconds: int
    latest_at: str
    latest_id: int
    new_contents: int = 0


class RollupChanges:
    """What some activities that were just kept add to the rollups.

    Moments are the text that is kept (`stamp`): it compares as they do, and what is counted again
    from the kept rows comes to the same.
    """

    def __init__(self, known: Set[Content]) -> None:
        """`known` are those of their contents that the readers have begun before."""
        self._known = known
        self._readers: dict[int, _Reader] = {}
        self._contents: dict[Content, _Content] = {}
        self._quizzes: dict[Content, tuple[str, str | None]] = {}  # when it ended, and how
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, user_id: int, activity_id: int, activity: Activity, occurred_at: str) -> None:
        """Count an activity that was kept; those of one reader come in the order of their ids."""
        seconds = activity.duration_seconds or 0
        reader = self._readers.get(user_id)
        if reader is None:
            reader = self._readers[user_id] = _Reader(seconds, occurred_at, activity_id)
        else:
            reader.seconds += seconds
            if occurred_at >= reader.latest_at:
                reader.latest_at, reader.latest_id = occurred_at, activity_id
        count = (f"{occurred_at[:16]}:00.000", activity.activity_type)
        self._counts[count] = self._counts.get(count, 0) + 1
        if activity.activity_type == QUIZ_ENDED:
            quiz = (user_id, activity.content_id or "")
            if quiz not in self._quizzes or occurred_at >= self._quizzes[quiz][0]:
                self._quizzes[quiz] = (occurred_at, activity.metadata)
        if activity.content_id is None:
            return
        key = (user_id, activity.content_id)
        content = self._contents.get(key)
        if content is None:
            content = self._contents[key] = _Content(occurred_at, occurred_at)
            if key not in self._known:
                reader.new_contents += 1
        content.add(activity, occurred_at)

    def apply(self, db: Database, now: str) -> None:
        """Write the sums."""
        if self._contents:
            self._move_contents(db)
        if self._quizzes:
            move_quizzes(
                db,
                [
                    quiz_row(*key, metadata, occurred_at)
                    for key, (occurred_at, metadata) in self._quizzes.items()
                ],
            )
        _MOVE_PROFILES(
            db,
            [
                (
                    user_id,
                    reader.seconds,
                    reader.new_contents,
                    reader.latest_id,
                    reader.latest_at,
                    now,
                )
                for user_id, reader in self._readers.items()
            ],
        )
        _MOVE_COUNTS(
            db,
            [
                (minute, activity_type, activities)
                for (minute, activity_type), activities in self._counts.items()
            ],
        )

    def _move_contents(self, db: Database) -> None:
        _MOVE_CONTENTS(
            db,
            [
                (
                    *key,
                    content.title,
                    content.title_at,
                    content.progress,
                    content.progress_at,
                    content.seconds,
                    content.first_at,
                    content.last_at,
                )
                for key, content in self._contents.items()
            ],
        )
