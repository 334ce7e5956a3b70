"""Batches: one result per activity, in order, and an invalid item affects no other."""

from datetime import timedelta
from typing import Any

import pytest
from conftest import NOON
from ingest.api import ApiClient, all_rows, fetch_all, invalid_fields, problem

from readwatch.store.engine.connections import Database
from readwatch.store.engine.times import from_db_time

PAGE = {"activity_type": "page_read"}
HALF = "\ud83d"
"""Half of an emoji, as apps leave it behind when they cut a title by its length in UTF-16."""


def event(event_id: str, **more: Any) -> dict[str, Any]:
    return PAGE | {"event_id": event_id} | more


def send(client: ApiClient, activities: Any, **more: Any) -> list[dict[str, Any]]:
    answer = client.post("/api/activities", {"activities": activities, **more})
    assert answer.status_code == 200, answer.text
    assert answer.get_json().keys() == {"results"}
    results: list[dict[str, Any]] = answer.get_json()["results"]
    return results


def test_each_item_has_its_result_in_order(ann: ApiClient, db: Database) -> None:
    send(ann, [event("old")])

    results = send(
        ann,
        [
            event("new"),
            event("old"),
            event("old", progress_percentage=7),
            PAGE | {"progress_percentage": 101, "duration_seconds": "5"},
            event("new"),
            PAGE | {"occurred_at": "2030-01-01T00:00:00Z"},
            PAGE,
        ],
    )

    assert [(result["status"], result.get("id")) for result in results] == [
        ("accepted", 2),
        ("duplicate", 1),
        ("conflict", 1),
        ("invalid", None),
        ("duplicate", 2),
        ("invalid", None),
        ("accepted", 3),
    ]
    assert invalid_fields(results[2]["problem"], 409) == ["event_id"]
    assert invalid_fields(results[3]["problem"], 422) == ["progress_percentage", "duration_seconds"]
    assert invalid_fields(results[5]["problem"], 422) == ["occurred_at"]
    assert all("problem" not in results[index] for index in (0, 1, 4, 6))
    assert fetch_all(db, "SELECT id, event_id FROM reader_activities ORDER BY id") == [
        (1, "old"),
        (2, "new"),
        (3, None),
    ]
    assert fetch_all(db, "SELECT activities FROM activity_counts") == [(3,)]


@pytest.mark.parametrize(
    "invalid_item",
    [
        None,
        5,
        "page_read",
        [],
        {},
        {"activity_type": None},
        PAGE | {"content_title": HALF},
        PAGE | {"content_title": "x\0"},
        PAGE | {"metadata": {HALF: [HALF]}},
        PAGE | {"metadata": {"a": "x" * 20_000}},
        PAGE | {"occurred_at": "2026-02-30T10:00:00Z"},
        PAGE | {"occurred_at": "9999-12-31T23:59:59Z"},
        {"activities": [PAGE]},
    ],
)
def test_an_invalid_item_does_not_affect_its_neighbours(
    ann: ApiClient, db: Database, invalid_item: Any
) -> None:
    good = PAGE | {"content_title": "Emma 😀 \\ud83d"}
    results = send(ann, [good, invalid_item, good])

    assert [result["status"] for result in results] == ["accepted", "invalid", "accepted"]
    assert results[1].keys() == {"status", "problem"}
    invalid_fields(results[1]["problem"], 422)
    assert fetch_all(db, "SELECT content_title FROM reader_activities") == [
        ("Emma 😀 \\ud83d",),
        ("Emma 😀 \\ud83d",),
    ]


def test_a_batch_sent_twice_is_stored_once(ann: ApiClient, db: Database) -> None:
    batch = [event(f"e{number}", duration_seconds=60, content_id="emma") for number in range(20)]
    first = send(ann, batch)
    before = all_rows(db)

    again = send(ann, batch)

    assert {result["status"] for result in again} == {"duplicate"}
    assert [result["id"] for result in again] == [result["id"] for result in first]
    assert all_rows(db) == before


def test_a_batch_may_have_five_hundred_items(ann: ApiClient, db: Database) -> None:
    results = send(ann, [PAGE] * 500)
    assert [result["id"] for result in results] == list(range(1, 501))
    assert fetch_all(db, "SELECT count(*) FROM reader_activities") == [(500,)]


INVALID_BATCHES: list[tuple[Any, list[str]]] = [
    ({"activities": []}, ["activities"]),
    ({"activities": [PAGE] * 501}, ["activities"]),
    ({"activities": None}, ["activities"]),
    ({"activities": {"0": PAGE}}, ["activities"]),
    ({"activities": "page_read"}, ["activities"]),
    ({"activities": 1} | PAGE, ["activities"]),
    ({"activities": [PAGE], "sent_at": "2026-11-22T12:00:00"}, ["sent_at"]),
    ({"activities": [PAGE], "sent_at": 1_795_348_800}, ["sent_at"]),
    ({"activities": [PAGE], "sent_at": ""}, ["sent_at"]),
    ({"activities": [], "sent_at": "yesterday"}, ["activities", "sent_at"]),
]


def test_an_invalid_batch_is_refused_as_a_whole(ann: ApiClient, db: Database) -> None:
    before = all_rows(db)
    for body, fields in INVALID_BATCHES:
        members = problem(ann.post("/api/activities", body), 422)
        assert (body, invalid_fields(members, 422)) == (body, fields)
    assert all_rows(db) == before


def test_sent_at_corrects_a_wrong_clock(ann: ApiClient, db: Database) -> None:
    """The app's clock is two days ahead."""
    two_days = timedelta(days=2)
    read_at = NOON - timedelta(minutes=30)
    results = send(
        ann,
        [
            PAGE | {"occurred_at": (read_at + two_days).isoformat()},
            PAGE | {"occurred_at": (NOON + two_days + timedelta(hours=25)).isoformat()},
            PAGE,
        ],
        sent_at=(NOON + two_days).isoformat(),
    )

    assert [result["status"] for result in results] == ["accepted", "invalid", "accepted"]
    stored = fetch_all(db, "SELECT occurred_at FROM reader_activities ORDER BY id")
    assert [from_db_time(at) for (at,) in stored] == [read_at, NOON]


@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_absurd_sent_at_invalidates_only_items_with_occurred_at(
    ann: ApiClient, sent_at: str
) -> None:
    timed = [PAGE | {"occurred_at": at} for at in ("9999-12-31T00:00:00Z", "0001-01-02T00:00:00Z")]
    results = send(ann, [*timed, PAGE], sent_at=sent_at)
    assert "invalid" in {result["status"] for result in results[:2]}
    assert results[2]["status"] == "accepted"


def test_a_batch_may_have_one_item(ann: ApiClient) -> None:
    assert send(ann, [PAGE]) == [{"status": "accepted", "id": 1}]
