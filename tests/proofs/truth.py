"""What has to be true of a database whatever happened to the service."""

from typing import Any

from ingest.api import rows

from readwatch.store.database import Database, is_sqlite

_TOTALS = """
    SELECT user_id, sum(seconds), count(DISTINCT content_id) FROM (
        SELECT user_id, coalesce(duration_seconds, 0) AS seconds, content_id
        FROM reader_activities
    ) AS told GROUP BY user_id ORDER BY user_id
"""
_KEPT_TOTALS = """
    SELECT user_id, total_reading_seconds, unique_content_read FROM reader_profiles
    WHERE last_activity_id IS NOT NULL ORDER BY user_id
"""
_MINUTES = """
    SELECT {minute} AS minute, activity_type, count(*) FROM reader_activities
    GROUP BY {minute}, activity_type ORDER BY 1, 2
"""


def events_kept(db: Database) -> dict[tuple[int, str], int]:
    """Return the id of each event that is kept, by reader and event; each has to be there once."""
    kept = rows(db, "SELECT user_id, event_id, id FROM reader_activities")
    events = {(user_id, event_id): activity_id for user_id, event_id, activity_id in kept}
    assert len(events) == len(kept), "each event once"
    return events


def faults(db: Database) -> list[str]:
    """Say what is wrong: in the file, in what is counted, in what is known of retries."""
    pairs = {
        "totals": (rows(db, _TOTALS), rows(db, _KEPT_TOTALS)),
        "contents": (_contents(db), _kept_contents(db)),
        "latest": (
            _latest(db),
            rows(
                db,
                "SELECT user_id, last_activity_id FROM reader_profiles"
                " WHERE last_activity_id IS NOT NULL ORDER BY user_id",
            ),
        ),
        "minutes": (
            rows(db, _MINUTES.format(minute=_minute(db))),
            rows(
                db,
                "SELECT minute, activity_type, activities FROM activity_counts ORDER BY minute, 2",
            ),
        ),
        "sessions": (
            rows(
                db,
                "SELECT user_id, count(*) FROM reader_sessions GROUP BY user_id ORDER BY user_id",
            ),
            rows(
                db,
                "SELECT user_id, total_sessions FROM reader_profiles"
                " WHERE total_sessions > 0 ORDER BY user_id",
            ),
        ),
        "receipts": (
            rows(
                db,
                "SELECT user_id, event_id, id FROM reader_activities"
                " WHERE event_id IS NOT NULL ORDER BY id",
            ),
            rows(
                db,
                "SELECT user_id, event_id, activity_id FROM activity_receipts ORDER BY activity_id",
            ),
        ),
    }
    found = [f"{what} disagree" for what, (told, kept) in pairs.items() if told != kept]
    if is_sqlite(db):
        found += [str(row) for row in rows(db, "PRAGMA integrity_check") if row != ("ok",)]
        found += [f"foreign key: {row}" for row in rows(db, "PRAGMA foreign_key_check")]
    return found


def _minute(db: Database) -> str:
    return (
        "substr(occurred_at, 1, 16) || ':00.000'"
        if is_sqlite(db)
        else "date_trunc('minute', occurred_at)"
    )


def _latest(db: Database) -> list[tuple[Any, ...]]:
    latest = dict(rows(db, "SELECT user_id, id FROM reader_activities ORDER BY occurred_at, id"))
    return sorted(latest.items())


def _contents(db: Database) -> dict[tuple[int, str], list[Any]]:
    """Replay history: seconds, first and last moment, and the latest progress of each content."""
    contents: dict[tuple[int, str], list[Any]] = {}
    for user_id, content_id, seconds, progress, at in rows(
        db,
        "SELECT user_id, content_id, coalesce(duration_seconds, 0), progress_percentage,"
        " occurred_at FROM reader_activities WHERE content_id IS NOT NULL"
        " ORDER BY occurred_at, id",
    ):
        content = contents.setdefault((user_id, content_id), [0, at, at, None])
        content[0] += seconds
        content[2] = at
        content[3] = content[3] if progress is None else progress
    return contents


def _kept_contents(db: Database) -> dict[tuple[int, str], list[Any]]:
    return {
        (user_id, content_id): content
        for user_id, content_id, *content in rows(
            db,
            "SELECT user_id, content_id, total_seconds, first_at, last_at, progress_percentage"
            " FROM reader_content_progress",
        )
    }
