"""What the console's overview shows: from sessions and rollups, never from history."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.activities import MAX_METADATA_BYTES, MinuteCount, RecordedActivity, as_json
from readwatch.domain.presence import ONLINE_WINDOW
from readwatch.domain.sessions import OnlineReader, OpenSession
from readwatch.domain.text import SafeText, clean
from readwatch.store.conditions import Fields, Number, Seconds, Since, State, Text, Word
from readwatch.store.database import Database, Statement, moment, moment_or_none, stamp

FEED_LENGTH = 200

_ONLINE = Statement(
    """
    SELECT
        u.id, s.id, u.full_name, s.device_type, p.reading_level, s.started_at, s.last_heartbeat,
        p.last_activity_at, a.activity_type,
        -- Not each activity says what is read and how far; the content's rollup knows.
        coalesce(a.content_title, c.content_title),
        coalesce(a.progress_percentage, c.progress_percentage)
    FROM reader_sessions s
    JOIN users u ON u.id = s.user_id
    LEFT JOIN reader_profiles p ON p.user_id = s.user_id
    LEFT JOIN reader_activities a ON a.id = p.last_activity_id
    LEFT JOIN reader_content_progress c ON c.user_id = a.user_id AND c.content_id = a.content_id
    WHERE s.is_active = TRUE AND s.last_heartbeat > :since
    AND u.user_role = 'reader' AND u.is_active = TRUE AND u.deleted_at IS NULL
    ORDER BY s.last_heartbeat DESC
    """
)
# As the domain has it, a login counts as something done.
_LAST_DEED = (
    "CASE WHEN p.last_activity_at > s.started_at THEN p.last_activity_at ELSE s.started_at END"
)
_TITLE = "coalesce(a.content_title, c.content_title)"
# Of the session heard from last: what is asked has to come after it was chosen.
ONLINE_FIELDS = Fields(
    {
        "reader": Text("u.full_name"),
        "title": Text(_TITLE),
        "progress": Number("coalesce(a.progress_percentage, c.progress_percentage)"),
        "state": State("s.last_heartbeat", _LAST_DEED),
        "idle": Since(_LAST_DEED),
        "minutes": Since("s.started_at", unit="m"),
        "type": Word("a.activity_type"),
        "level": Word("p.reading_level"),
        "device": Word("s.device_type"),
    },
    words=("u.full_name", _TITLE, "p.reading_level"),
)
_COUNT_ONLINE = Statement(
    """
    SELECT count(DISTINCT s.user_id) FROM reader_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.is_active = TRUE AND s.last_heartbeat > :since
    AND u.user_role = 'reader' AND u.is_active = TRUE AND u.deleted_at IS NULL
    """
)
# What an app adds in metadata is shown on the reader's own page, after the look is on record.
_OPEN_SESSIONS = Statement(
    """
    SELECT
        s.id, s.user_id, u.full_name, s.device_type, s.ip_address, s.started_at, s.last_heartbeat
    FROM reader_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.is_active = TRUE ORDER BY s.last_heartbeat DESC, s.id DESC
    """
)
_FEED = Statement(
    """
    SELECT
        a.id, a.user_id, u.full_name, a.activity_type, a.content_id, a.content_title,
        a.progress_percentage, a.duration_seconds, NULL, a.occurred_at, a.created_at
    FROM reader_activities a JOIN users u ON u.id = a.user_id
    WHERE a.id > 0 ORDER BY a.id DESC LIMIT :length
    """
)
_FEED_AFTER = Statement(
    """
    SELECT
        a.id, a.user_id, u.full_name, a.activity_type, a.content_id, a.content_title,
        a.progress_percentage, a.duration_seconds, NULL, a.occurred_at, a.created_at
    FROM reader_activities a JOIN users u ON u.id = a.user_id
    WHERE a.id > :after ORDER BY a.id LIMIT :length
    """
)
ACTIVITY_FIELDS = Fields(
    {
        "reader": Text("u.full_name"),
        "title": Text("a.content_title"),
        "type": Word("a.activity_type"),
        "progress": Number("a.progress_percentage"),
        "length": Seconds("a.duration_seconds"),
        "ago": Since("a.created_at"),
    },
    words=("u.full_name", "a.content_title", "a.activity_type"),
)
_COUNTS = Statement(
    """
    SELECT minute, sum(activities) FROM activity_counts
    WHERE minute > :since GROUP BY minute ORDER BY minute
    """
)
_SUMMARY = Statement(
    """
    SELECT
        u.id, u.full_name, p.reading_level, p.total_reading_time_minutes, p.total_sessions,
        p.unique_content_read, p.last_login, p.last_activity_at
    FROM users u JOIN reader_profiles p ON p.user_id = u.id
    WHERE u.user_role = 'reader' AND u.is_active = TRUE AND u.deleted_at IS NULL
    ORDER BY u.full_name, u.id
    """
)
READERS_FIELDS = Fields(
    {
        "reader": Text("u.full_name"),
        "level": Word("p.reading_level"),
        "minutes": Number("p.total_reading_time_minutes"),
        "sessions": Number("p.total_sessions"),
        "titles": Number("p.unique_content_read"),
        "login": Since("p.last_login"),
        "idle": Since("p.last_activity_at"),
    },
    words=("u.full_name", "p.reading_level"),
)


@dataclass(frozen=True, slots=True)
class ReaderSummary:
    """One line of the progress summary."""

    user_id: int
    full_name: SafeText
    reading_level: SafeText
    total_reading_time_minutes: int
    total_sessions: int
    unique_content_read: int
    last_login: datetime | None
    last_activity_at: datetime | None


def online_readers(db: Database, now: datetime) -> tuple[OnlineReader, ...]:
    """Return the readers who are online, each once with the session heard from last."""
    found: dict[int, OnlineReader] = {}
    for row in _ONLINE(db, since=stamp(now - ONLINE_WINDOW)):
        if row[0] not in found:
            found[row[0]] = OnlineReader(
                user_id=row[0],
                session_id=row[1],
                full_name=clean(row[2]),
                device_type=clean(row[3]),
                reading_level=clean(row[4]),
                started_at=moment(row[5]),
                last_heartbeat=moment(row[6]),
                last_activity_at=moment_or_none(row[7]),
                activity_type=clean(row[8]),
                content_title=clean(row[9]),
                progress_percentage=row[10],
            )
    return tuple(found.values())


def open_sessions(db: Database) -> tuple[OpenSession, ...]:
    """Return the sessions of all readers that have not ended, the one heard from last first."""
    return tuple(
        OpenSession(
            id=row[0],
            user_id=row[1],
            full_name=clean(row[2]),
            device_type=clean(row[3]),
            ip_address=clean(row[4]),
            started_at=moment(row[5]),
            last_heartbeat=moment(row[6]),
        )
        for row in _OPEN_SESSIONS(db)
    )


def count_online(db: Database, now: datetime) -> int:
    """Return how many readers are online."""
    count: int = _COUNT_ONLINE(db, since=stamp(now - ONLINE_WINDOW)).fetchone()[0]
    return count


def activity_feed(db: Database, *, length: int = FEED_LENGTH) -> tuple[RecordedActivity, ...]:
    """Return the activities that arrived last, newest first."""
    return tuple(recorded(row) for row in _FEED(db, length=length))


def activities_after(db: Database, after: int, *, length: int) -> tuple[RecordedActivity, ...]:
    """Return the activities that arrived after the one with the id `after`, oldest first."""
    return tuple(recorded(row) for row in _FEED_AFTER(db, after=after, length=length))


def recorded(row: tuple) -> RecordedActivity:  # type: ignore[type-arg]
    """Make the record of one activity from a row of the feed's columns."""
    return RecordedActivity(
        id=row[0],
        user_id=row[1],
        full_name=clean(row[2]),
        activity_type=clean(row[3]),
        content_id=clean(row[4]),
        content_title=clean(row[5]),
        progress_percentage=row[6],
        duration_seconds=row[7],
        # PostgreSQL's driver has parsed it.
        metadata_json=clean(
            as_json(row[8]) if isinstance(row[8], dict) else row[8], limit=MAX_METADATA_BYTES
        ),
        occurred_at=moment(row[9]),
        created_at=moment(row[10]),
    )


def activities_per_minute(
    db: Database, now: datetime, *, minutes: int = 60
) -> tuple[MinuteCount, ...]:
    """Return how many activities occurred in each of the last minutes, oldest first, none left
    out; the last one is the minute that is running."""
    this_minute = now.replace(second=0, microsecond=0)
    since = this_minute - timedelta(minutes=minutes)
    counted = {moment(row[0]): int(row[1]) for row in _COUNTS(db, since=stamp(since))}
    return tuple(
        MinuteCount(minute, counted.get(minute, 0))
        for minute in (since + timedelta(minutes=step) for step in range(1, minutes + 1))
    )


def reader_summaries(db: Database) -> tuple[ReaderSummary, ...]:
    """Return the progress of all readers, also of the absent, by name."""
    return tuple(
        ReaderSummary(
            user_id=row[0],
            full_name=clean(row[1]),
            reading_level=clean(row[2]),
            total_reading_time_minutes=row[3],
            total_sessions=row[4],
            unique_content_read=row[5],
            last_login=moment_or_none(row[6]),
            last_activity_at=moment_or_none(row[7]),
        )
        for row in _SUMMARY(db)
    )
