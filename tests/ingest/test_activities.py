"""One activity: acknowledged once it is on disk, and once only."""

import json
from datetime import timedelta
from typing import Any

import pytest
from conftest import NOON, StillClock
from ingest.api import Api, ApiClient, all_rows, fetch_all, invalid_fields, problem
from permits import permit_for

from readwatch.store import reader_data
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.times import from_db_time

PAGE = {
    "activity_type": "page_read",
    "content_id": "emma-1",
    "content_title": "Emma",
    "progress_percentage": 40,
    "duration_seconds": 90,
    "metadata": {"page": 12, "note": "für später"},
    "event_id": "e1",
    "occurred_at": "2026-11-22T12:58:30.250+01:00",
}


def stored_metadata(db: Database) -> Any:
    ((metadata,),) = fetch_all(db, "SELECT metadata_json FROM reader_activities")
    return json.loads(metadata) if isinstance(metadata, str) else metadata


def test_an_activity_is_stored_as_it_was_sent(ann: ApiClient, cast: Any, db: Database) -> None:
    answer = ann.post("/api/activities", PAGE)

    assert answer.status_code == 201
    assert answer.get_json() == {"id": 1, "status": "accepted"}
    assert fetch_all(
        db,
        "SELECT id, user_id, session_id, activity_type, content_id, content_title,"
        " progress_percentage, duration_seconds, event_id FROM reader_activities",
    ) == [(1, cast.ann.id, 1, "page_read", "emma-1", "Emma", 40, 90, "e1")]
    assert stored_metadata(db) == PAGE["metadata"]
    ((occurred_at, created_at),) = fetch_all(
        db, "SELECT occurred_at, created_at FROM reader_activities"
    )
    assert from_db_time(occurred_at) == NOON - timedelta(seconds=89, milliseconds=750)
    assert from_db_time(created_at) == NOON


def test_the_rollups_are_updated_with_it(ann: ApiClient, db: Database) -> None:
    ann.post("/api/activities", PAGE)

    assert fetch_all(
        db,
        "SELECT total_reading_seconds, unique_content_read, last_activity_id"
        " FROM reader_profiles WHERE total_sessions > 0",
    ) == [(90, 1, 1)]
    assert fetch_all(
        db, "SELECT content_id, progress_percentage, total_seconds FROM reader_content_progress"
    ) == [("emma-1", 40, 90)]
    assert fetch_all(db, "SELECT activity_type, activities FROM activity_counts") == [
        ("page_read", 1)
    ]


def test_only_the_type_is_required(ann: ApiClient, db: Database) -> None:
    assert ann.post("/api/activities", {"activity_type": "bookmark_added"}).status_code == 201
    assert fetch_all(
        db,
        "SELECT content_id, content_title, progress_percentage, duration_seconds, metadata_json,"
        " event_id, occurred_at = created_at FROM reader_activities",
    ) == [(None, None, None, None, None, None, 1)]


def test_optional_fields_may_be_null(ann: ApiClient) -> None:
    nothing = dict.fromkeys(PAGE) | {"activity_type": "page_read"}
    assert ann.post("/api/activities", nothing).status_code == 201


def test_unknown_fields_are_ignored(ann: ApiClient, cast: Any, db: Database) -> None:
    future = {"mood": {"deep": [None]}, "user_id": cast.ben.id, "id": 77, "created_at": 5}
    answer = ann.post("/api/activities", PAGE | future)
    assert answer.get_json() == {"id": 1, "status": "accepted"}
    assert fetch_all(db, "SELECT id, user_id FROM reader_activities") == [(1, cast.ann.id)]


def test_a_retry_is_answered_as_a_duplicate_and_stored_once(
    api: Api, ann: ApiClient, db: Database, clock: StillClock
) -> None:
    ann.post("/api/activities", PAGE)
    before = all_rows(db)
    clock.advance(days=40)

    again = ann.post("/api/activities", PAGE)

    assert (again.status_code, again.get_json()) == (200, {"id": 1, "status": "duplicate"})
    assert all_rows(db) == before
    other_device = api.login("ann@example.org")
    assert other_device.post("/api/activities", PAGE).get_json() == {"id": 1, "status": "duplicate"}


@pytest.mark.parametrize(
    "rewritten",
    [
        {"occurred_at": "2026-11-22T11:58:30.25Z"},
        {"metadata": {"note": "für später", "page": 12}},
        {"unknown": True},
    ],
)
def test_a_retry_may_be_formatted_differently(ann: ApiClient, rewritten: dict[str, Any]) -> None:
    ann.post("/api/activities", PAGE)
    assert ann.post("/api/activities", PAGE | rewritten).get_json()["status"] == "duplicate"


@pytest.mark.parametrize(
    "other",
    [
        {"activity_type": "quiz_completed"},
        {"content_id": "emma-2"},
        {"content_title": None},
        {"progress_percentage": 41},
        {"duration_seconds": None},
        {"metadata": {"page": 13}},
        {"occurred_at": "2026-11-22T11:58:31Z"},
        {"occurred_at": None},
    ],
)
def test_the_same_event_id_with_other_content_is_a_conflict(
    ann: ApiClient, db: Database, other: dict[str, Any]
) -> None:
    ann.post("/api/activities", PAGE)
    before = all_rows(db)

    answer = ann.post("/api/activities", PAGE | other)

    assert invalid_fields(problem(answer, 409), 409) == ["event_id"]
    assert all_rows(db) == before


def test_without_an_event_id_the_same_content_is_another_activity(ann: ApiClient) -> None:
    page = {**PAGE, "event_id": None}
    assert [ann.post("/api/activities", page).get_json()["id"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    "title",
    [
        "[bold red]Emma[/] [link=http://example.org]x[/link]",
        "Emma \x1b[31m\x1b]0;owned\x07",
        "Emma \u202egnirts\u202c",
        "Émma 你好 👩‍👩‍👧 עברית",
        "'; DROP TABLE users; --",
        "%s :named ? {0} $1",
        "",
    ],
)
def test_a_title_is_stored_as_sent_and_read_as_safe_text(
    ann: ApiClient, cast: Any, db: Database, title: str
) -> None:
    ann.post("/api/activities", PAGE | {"content_title": title})

    assert fetch_all(db, "SELECT content_title FROM reader_activities") == [(title,)]
    permit = permit_for(cast.ann.id)
    (activity,) = reader_data.activities(db, permit)
    (content,) = reader_data.contents(db, permit)
    for shown in (activity.content_title, content.content_title):
        assert not set(shown) & set("\x1b\x07\u202e\u202c")
        assert shown.startswith(title[:5])


@pytest.mark.parametrize(
    "largest",
    [
        {"activity_type": "a" * 50},
        {"activity_type": "a_9_"},
        {"content_id": "é" * 255},
        {"content_title": "😀" * 500},
        {"event_id": "😀" * 64},
        {"progress_percentage": 0},
        {"progress_percentage": 100},
        {"progress_percentage": 100.0},
        {"duration_seconds": 0},
        {"duration_seconds": 86_400},
        {"metadata": {}},
        {"metadata": {"a": "x" * (16 * 1024 - len('{"a":""}'))}},
        {"metadata": {"é": [1, -1.5, 10**400, True, None, {"": ""}]}},
        {"occurred_at": "1970-01-01T00:00:00Z"},
        {"occurred_at": "2026-11-23T12:00:00Z"},
        {"occurred_at": "2026-11-22t10:00:00.123456789z"},
        {"occurred_at": "2026-11-22 10:00:00-11:30"},
    ],
)
def test_values_at_the_limits_are_accepted(
    ann: ApiClient, db: Database, largest: dict[str, Any]
) -> None:
    answer = ann.post("/api/activities", {"activity_type": "page_read", **largest})

    assert answer.status_code == 201, answer.text
    ((name, value),) = largest.items()
    if name == "metadata":
        assert stored_metadata(db) == value
    elif name != "occurred_at":
        assert fetch_all(db, f"SELECT {name} FROM reader_activities") == [(value,)]


@pytest.mark.parametrize("ahead", [timedelta(hours=24), timedelta(minutes=3)])
def test_a_time_in_the_future_is_stored_as_now(
    ann: ApiClient, db: Database, ahead: timedelta
) -> None:
    ann.post("/api/activities", PAGE | {"occurred_at": (NOON + ahead).isoformat()})
    ((occurred_at,),) = fetch_all(db, "SELECT occurred_at FROM reader_activities")
    assert from_db_time(occurred_at) == NOON


def test_after_the_response_other_connections_see_the_activity(
    ann: ApiClient, db: Database
) -> None:
    for number in range(1, 6):
        ann.post("/api/activities", {"activity_type": "page_read"})
        assert fetch_all(db, "SELECT count(*) FROM reader_activities") == [(number,)]
    if is_sqlite(db):
        assert fetch_all(db, "PRAGMA journal_mode") == [("wal",)]
