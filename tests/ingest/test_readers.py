"""Readers see their own data; consultants see every reader's, once the access is logged."""

import json
from collections.abc import Callable

import pytest
from conftest import Cast, StillClock
from ingest.api import Api, ApiClient, fetch_all, problem
from werkzeug.test import TestResponse

from readwatch.store.engine.connections import Database
from readwatch.store.lists import feed

ENTRIES = (
    "SELECT consultant_user_id, action_type, target_user_id, action_details, ip_address "
    "FROM consultant_access_log WHERE action_type <> 'logged_in' ORDER BY id"
)
PAGES = ("", "/activities", "/sessions")


def read(app: ApiClient, pages: int) -> None:
    for page in range(pages):
        app.post(
            "/api/activities",
            {"activity_type": "page_read", "content_id": "momo", "metadata": {"page": page}},
        )


@pytest.mark.parametrize("page", PAGES)
def test_ann_sees_her_own_data_without_an_entry(
    ann: ApiClient, cast: Cast, db: Database, page: str
) -> None:
    assert ann.get(f"/api/readers/{cast.ann.id}{page}").status_code == 200
    assert fetch_all(db, ENTRIES) == []


@pytest.mark.parametrize("page", PAGES)
def test_ann_sees_nobody_elses_data(ann: ApiClient, cast: Cast, db: Database, page: str) -> None:
    for other in (cast.ben.id, cast.cara.id, 4711):
        members = problem(ann.get(f"/api/readers/{other}{page}"), 403)
        assert members["detail"] == "readers can see only their own data"
    ((who, action, target, _, _),) = fetch_all(db, ENTRIES)
    assert (who, action, target) == (cast.ann.id, "refused_access", cast.ben.id), (
        "the first of them"
    )


def test_a_refusal_is_logged_also_for_an_unknown_id_and_again_after_five_minutes(
    ann: ApiClient, cast: Cast, db: Database, clock: StillClock
) -> None:
    for path in ("/api/readers/4711/sessions", "/api/activities", f"/api/readers/{cast.ben.id}"):
        problem(ann.get(path), 403)
        clock.advance(minutes=5)
    assert fetch_all(db, ENTRIES) == [
        (cast.ann.id, "refused_access", None, "api, viewed_reader_sessions", "127.0.0.1"),
        (cast.ann.id, "refused_access", None, "api, activities", "127.0.0.1"),
        (cast.ann.id, "refused_access", cast.ben.id, "api, viewed_reader_profile", "127.0.0.1"),
    ]


def test_repeated_accesses_within_five_minutes_share_an_entry(
    api: Api, cara: ApiClient, cast: Cast, db: Database, clock: StillClock
) -> None:
    def accesses() -> list[tuple[int, int]]:
        return [(who, target) for who, _, target, _, _ in fetch_all(db, ENTRIES)]

    def a_millisecond_later() -> TestResponse:
        clock.advance(milliseconds=1)
        return cara.get(profile)

    profile = f"/api/readers/{cast.ann.id}"
    cara.get(profile)
    clock.advance(minutes=5, milliseconds=-1)
    cara.get(profile)
    assert accesses() == [(cast.cara.id, cast.ann.id)], "the same consultant, reader and view"

    others: tuple[Callable[[], TestResponse], ...] = (
        lambda: cara.get(f"{profile}/sessions"),
        lambda: cara.get(f"/api/readers/{cast.ben.id}"),
        lambda: api.login("dora@example.org").get(profile),
        lambda: cara.get(profile, environ_base={"REMOTE_ADDR": "10.0.0.9"}),
        a_millisecond_later,
    )
    for count, other in enumerate(others, 2):
        other()
        assert len(accesses()) == count


@pytest.mark.parametrize(
    ("page", "action"),
    [
        ("", "viewed_reader_profile"),
        ("/activities", "viewed_reader_activities"),
        ("/sessions", "viewed_reader_sessions"),
    ],
)
def test_a_consultant_s_access_is_logged(
    cara: ApiClient, cast: Cast, db: Database, page: str, action: str
) -> None:
    assert cara.get(f"/api/readers/{cast.ann.id}{page}").status_code == 200
    assert fetch_all(db, ENTRIES) == [(cast.cara.id, action, cast.ann.id, "api", "127.0.0.1")]


@pytest.mark.parametrize("page", PAGES)
def test_an_id_that_is_no_reader_s_is_a_404_without_an_entry(
    cara: ApiClient, cast: Cast, db: Database, page: str
) -> None:
    for nobody in (4711, cast.dora.id):
        problem(cara.get(f"/api/readers/{nobody}{page}"), 404)
    assert fetch_all(db, ENTRIES) == []


def test_activities_come_in_pages_newest_first(ann: ApiClient, cast: Cast) -> None:
    read(ann, 5)
    path = f"/api/readers/{cast.ann.id}/activities"
    first = ann.get(f"{path}?limit=3").get_json()["activities"]
    rest = ann.get(f"{path}?limit=3&before={first[-1]['id']}").get_json()["activities"]
    assert [activity["id"] for activity in (*first, *rest)] == [5, 4, 3, 2, 1]
    assert first[0]["metadata_json"] == '{"page":4}'
    assert first[0]["created_at"] == "2026-11-22T12:00:00+00:00"


def test_the_longest_metadata_is_returned_unchanged(ann: ApiClient, cast: Cast) -> None:
    note = {"note": "x" * (16 * 1024 - len('{"note":""}'))}
    assert (
        ann.post("/api/activities", {"activity_type": "note", "metadata": note}).status_code == 201
    )
    (activity,) = ann.get(f"/api/readers/{cast.ann.id}/activities").get_json()["activities"]
    assert json.loads(activity["metadata_json"]) == note


def test_the_feed_has_no_metadata(ann: ApiClient, cara: ApiClient) -> None:
    read(ann, 1)
    (activity,) = cara.get("/api/activities").get_json()["activities"]
    assert (activity["content_id"], activity["metadata_json"]) == ("momo", "")


def test_following_the_feed_misses_no_activity(ann: ApiClient, cara: ApiClient) -> None:
    read(ann, 5)
    latest = cara.get("/api/activities?limit=2").get_json()["activities"]
    assert [activity["id"] for activity in latest] == [4, 5]
    after = cara.get("/api/activities?after=1&limit=3").get_json()["activities"]
    assert [activity["id"] for activity in after] == [2, 3, 4]
    assert cara.get("/api/activities?after=5").get_json() == {"activities": []}


def test_each_page_of_the_feed_is_logged_with_its_ids_and_names_few_readers(
    ann: ApiClient, cara: ApiClient, cast: Cast, db: Database
) -> None:
    read(ann, 4)
    for query in ("limit=2", "after=0&limit=2", "after=2", "after=2&limit=50", "after=4"):
        assert cara.get(f"/api/activities?{query}").status_code == 200
    assert [(target, details) for _, _, target, details, _ in fetch_all(db, ENTRIES)] == [
        (cast.ann.id, "api, activities"),
        (None, "api, activities 3 to 4"),
        (None, "api, activities 1 to 2"),
        (None, "api, activities none"),
    ]


def test_the_feed_refuses_an_id_that_is_too_far_back(
    ann: ApiClient, cara: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_ROWS_SEARCHED", 3)
    read(ann, 5)
    answer = problem(cara.get("/api/activities?after=1"), 422)
    assert answer["errors"][0]["field"] == "after"
    assert "use 2 or a later id" in answer["errors"][0]["detail"]
    assert len(cara.get("/api/activities?after=2").get_json()["activities"]) == 3


def test_consultants_see_who_is_online(ann: ApiClient, cara: ApiClient) -> None:
    read(ann, 1)
    (reader,) = cara.get("/api/readers/online").get_json()["readers"]
    assert (reader["full_name"], reader["presence"]) == ("Ann Archer", "reading")


@pytest.mark.parametrize("path", ["/api/readers/online", "/api/activities"])
def test_readers_may_not_read_the_live_lists(ann: ApiClient, path: str) -> None:
    assert problem(ann.get(path), 403)["detail"] == "only consultants and admins can do this"


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "after=-1", f"after={2**63}"])
def test_invalid_query_parameters_are_refused(api: Api, cara: ApiClient, query: str) -> None:
    members = problem(cara.get(f"/api/activities?{query}"), 422)
    assert members["errors"][0]["field"] == query.split("=")[0]
