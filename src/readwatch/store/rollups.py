"""Rollups: what the screens read instead of history, moved in the activity's own transaction."""

from dataclasses import dataclass
from datetime import datetime

from readwatch.domain.activities import Activity
from readwatch.store.database import Database, Statement, stamp

_HAS_CONTENT = Statement(
    """
    SELECT 1 FROM reader_content_progress
    WHERE user_id = :user_id AND content_id = :content_id
    """
)
# Late activities of an offline device add their seconds; they never turn the page back.
_MOVE_CONTENT = Statement(
    """
    INSERT INTO reader_content_progress AS kept (
        user_id, content_id, content_title, progress_percentage, progress_at, total_seconds,
        first_at, last_at
    ) VALUES (
        :user_id, :content_id, :content_title, :progress_percentage, :progress_at, :seconds,
        :first_at, :last_at
    ) ON CONFLICT (user_id, content_id) DO UPDATE SET
        content_title = CASE WHEN excluded.last_at >= kept.last_at
            THEN coalesce(excluded.content_title, kept.content_title)
            ELSE coalesce(kept.content_title, excluded.content_title) END,
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
    """
)
_MOVE_PROFILE = Statement(
    """
    UPDATE reader_profiles SET
        total_reading_seconds = total_reading_seconds + :seconds,
        total_reading_time_minutes = (total_reading_seconds + :seconds) / 60,
        unique_content_read = unique_content_read + :new_contents,
        last_activity_id = CASE WHEN last_activity_at > :occurred_at
            THEN last_activity_id ELSE :activity_id END,
        last_activity_at = CASE WHEN last_activity_at > :occurred_at
            THEN last_activity_at ELSE :occurred_at END,
        updated_at = :now
    WHERE user_id = :user_id
    """
)
_MOVE_COUNT = Statement(
    """
    INSERT INTO activity_counts AS kept (minute, activity_type, activities)
    VALUES (:minute, :activity_type, :activities)
    ON CONFLICT (minute, activity_type)
    DO UPDATE SET activities = kept.activities + excluded.activities
    """
)


@dataclass(slots=True)
class _Content:
    """What one request adds to one content."""

    first_at: datetime
    last_at: datetime
    title: str | None = None
    progress: int | None = None
    progress_at: datetime | None = None
    seconds: int = 0

    def add(self, activity: Activity, occurred_at: datetime) -> None:
        self.seconds += activity.duration_seconds or 0
        self.first_at = min(self.first_at, occurred_at)
        if activity.content_title and (occurred_at >= self.last_at or self.title is None):
            self.title = activity.content_title
        self.last_at = max(self.last_at, occurred_at)
        if activity.progress_percentage is not None and (
            self.progress_at is None or occurred_at >= self.progress_at
        ):
            self.progress, self.progress_at = activity.progress_percentage, occurred_at


class Rollup:
    """What the activities of one request, all of one reader, add to the rollups."""

    def __init__(self, user_id: int) -> None:
        self._user_id = user_id
        self._seconds = 0
        self._contents: dict[str, _Content] = {}
        self._counts: dict[tuple[datetime, str], int] = {}
        self._latest: tuple[datetime, int] | None = None

    def add(self, activity_id: int, activity: Activity, occurred_at: datetime) -> None:
        """Count an activity that was kept."""
        # As precise as it is kept, so that what is counted again comes to the same.
        occurred_at = occurred_at.replace(microsecond=occurred_at.microsecond // 1000 * 1000)
        self._seconds += activity.duration_seconds or 0
        minute = occurred_at.replace(second=0, microsecond=0)
        key = (minute, activity.activity_type)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._latest = max(self._latest or (occurred_at, activity_id), (occurred_at, activity_id))
        if activity.content_id is None:
            return
        content = self._contents.get(activity.content_id)
        if content is None:
            content = self._contents[activity.content_id] = _Content(occurred_at, occurred_at)
        content.add(activity, occurred_at)

    def apply(self, db: Database, now: datetime) -> None:
        """Write the sums, in an order that is the same for everybody: no two requests deadlock."""
        if self._latest is None:
            return
        new_contents = sum(
            self._move_content(db, content_id) for content_id in sorted(self._contents)
        )
        occurred_at, activity_id = self._latest
        _MOVE_PROFILE(
            db,
            user_id=self._user_id,
            seconds=self._seconds,
            new_contents=new_contents,
            activity_id=activity_id,
            occurred_at=stamp(occurred_at),
            now=stamp(now),
        )
        for (minute, activity_type), activities in sorted(self._counts.items()):
            _MOVE_COUNT(
                db, minute=stamp(minute), activity_type=activity_type, activities=activities
            )

    def _move_content(self, db: Database, content_id: str) -> bool:
        """Move one content and tell whether it is new for this reader."""
        key = {"user_id": self._user_id, "content_id": content_id}
        is_new = _HAS_CONTENT(db, **key).fetchone() is None
        content = self._contents[content_id]
        _MOVE_CONTENT(
            db,
            **key,
            content_title=content.title,
            progress_percentage=content.progress,
            progress_at=content.progress_at and stamp(content.progress_at),
            seconds=content.seconds,
            first_at=stamp(content.first_at),
            last_at=stamp(content.last_at),
        )
        return is_new
