"""Each route with each principal: who is allowed, who is refused, and whose access is logged."""

from collections.abc import Mapping
from typing import Any

import pytest
from conftest import PASSWORD, Cast, StillClock
from grouped import limit, put_into
from ingest.api import Api, ApiClient, fetch_all, problem, routes

from readwatch.store.engine.connections import Database

STAFF = ("cara", "dora")
PRINCIPALS = ("nobody", "an ended session", "ben", "ann", *STAFF)
"""Who requests Ann's data; Ben is another reader, Cara a consultant and Dora an admin."""

ANYONE = (200,) * 6
EVERYBODY = (401, 401, 200, 200, 200, 200)
READERS = (401, 401, 200, 200, 403, 403)
STAFF_ONLY = (401, 401, 403, 403, 200, 200)
ANN_AND_STAFF = (401, 401, 403, 200, 200, 200)

SECRET = "what only Ann may know"

RULES: Mapping[tuple[str, str], tuple[int, ...]] = {
    ("GET", "/livez"): ANYONE,
    ("GET", "/readyz"): ANYONE,
    ("GET", "/metrics"): ANYONE,
    ("GET", "/api/openapi.json"): ANYONE,
    ("POST", "/api/login"): ANYONE,
    ("POST", "/api/resume"): (401,) * 6,  # the token is in the body, not in the header
    ("POST", "/api/invitation"): (401,) * 6,  # the code is in the body, not in the header
    ("POST", "/api/logout"): tuple(204 if it == 200 else it for it in EVERYBODY),
    ("GET", "/api/me"): EVERYBODY,
    ("GET", "/api/me/access-log"): EVERYBODY,
    ("PUT", "/api/me/password"): tuple(403 if it == 200 else it for it in EVERYBODY),
    ("POST", "/api/heartbeat"): READERS,
    ("POST", "/api/activities"): tuple(201 if it == 200 else it for it in READERS),
    ("GET", "/api/activities"): STAFF_ONLY,
    ("GET", "/api/readers/online"): STAFF_ONLY,
    ("GET", "/api/readers/<id:reader_id>"): ANN_AND_STAFF,
    ("GET", "/api/readers/<id:reader_id>/activities"): ANN_AND_STAFF,
    ("GET", "/api/readers/<id:reader_id>/sessions"): ANN_AND_STAFF,
}

OF_ONE_READER = [rule for _, rule in RULES if "<id:reader_id>" in rule]
OF_ALL_READERS = [rule for (_, rule), statuses in RULES.items() if statuses == STAFF_ONLY]

BODIES: Mapping[str, Any] = {
    "/api/login": {"email": "ben@example.org", "password": PASSWORD},
    "/api/resume": {"resume_token": "made up"},
    "/api/invitation": {"code": "made up", "password": "another password"},
    "/api/me/password": {"current_password": "not this one", "new_password": "another password"},
    "/api/activities": {"activity_type": "page_read"},
}


@pytest.fixture
def secret_activity(ann: ApiClient) -> None:
    """An activity of Ann that only she and staff may see."""
    body = {"activity_type": "page_read", "content_title": SECRET}
    assert ann.post("/api/activities", body).status_code == 201


def of_ann(rule: str, cast: Cast) -> str:
    return rule.replace("<id:reader_id>", str(cast.ann.id))


def ends_the_token(route: tuple[str, str]) -> bool:
    return route[1] == "/api/logout"


def logged_in(api: Api, name: str) -> ApiClient:
    if name == "nobody":
        return api
    if name == "an ended session":
        ended = api.login("ann@example.org")
        ended.post("/api/logout")
        return ended
    return api.login(f"{name}@example.org")


def test_every_route_has_a_rule(api: Api) -> None:
    assert set(RULES) == routes(api)


@pytest.mark.parametrize("name", PRINCIPALS)
@pytest.mark.usefixtures("secret_activity")
def test_who_is_allowed_and_whose_access_is_logged(
    api: Api, cast: Cast, db: Database, name: str
) -> None:
    client = logged_in(api, name)
    answers = {
        (method, rule): client.request(method, of_ann(rule, cast), json=BODIES.get(rule))
        for method, rule in sorted(RULES, key=ends_the_token)
    }

    assert {route: answer.status_code for route, answer in answers.items()} == {
        route: statuses[PRINCIPALS.index(name)] for route, statuses in RULES.items()
    }
    secret_was_shown = any(SECRET in answer.text for answer in answers.values())
    assert secret_was_shown == (name in {"ann", *STAFF})
    accesses = [(getattr(cast, name).id, cast.ann.id)] * len(OF_ONE_READER) if name in STAFF else []
    log = "SELECT consultant_user_id, target_user_id FROM consultant_access_log WHERE action_type"
    of_one_reader = f"{log} NOT IN ('refused_access', 'viewed_list') AND target_user_id IS NOT NULL"
    assert fetch_all(db, of_one_reader) == accesses
    who = getattr(cast, name).id if name in STAFF else None
    lists = (
        "SELECT consultant_user_id, action_details, target_user_id FROM consultant_access_log"
        " WHERE action_type = 'viewed_list' ORDER BY id"
    )
    few_readers = [
        (who, "api, activities", cast.ann.id),
        (who, "api, activities 1 to 1", None),
        (who, "api, online", cast.ann.id),
        (who, "api, online", cast.ben.id),
    ]
    assert fetch_all(db, lists) == (few_readers if name in STAFF else [])
    # Ann is refused the live lists, Ben more: of a reader's refusals the first is logged.
    refused = [getattr(cast, name).id] if name in {"ann", "ben"} else []
    assert [who for who, _ in fetch_all(db, f"{log} = 'refused_access'")] == refused


@pytest.mark.parametrize("rule", [*OF_ALL_READERS, *OF_ONE_READER])
@pytest.mark.usefixtures("secret_activity")
def test_an_access_that_cannot_be_logged_shows_nothing(
    ann: ApiClient, cara: ApiClient, cast: Cast, db: Database, rule: str
) -> None:
    db.execute_sql("ALTER TABLE consultant_access_log RENAME TO moved")

    assert "Ann" not in str(problem(cara.get(of_ann(rule, cast)), 503))
    if rule in OF_ONE_READER:
        assert ann.get(of_ann(rule, cast)).status_code == 200


@pytest.mark.parametrize("rule", OF_ALL_READERS)
def test_repeated_requests_of_a_list_are_logged_every_five_minutes(
    cara: ApiClient, db: Database, clock: StillClock, rule: str
) -> None:
    for _ in range(6):
        assert cara.get(rule).status_code == 200
        clock.advance(minutes=2)
    log = "SELECT action_type FROM consultant_access_log WHERE action_type <> 'logged_in'"
    assert fetch_all(db, log) == [("viewed_list",)] * 2


# Groups -----------------------------------------------------------------------------------------


@pytest.fixture
def limited(db: Database, cast: Cast) -> None:
    """Ann is in group 4a, Ben in 4b, and Cara is limited to 4b."""
    put_into(db, "4a", cast.ann)
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")


@pytest.mark.parametrize("rule", OF_ONE_READER)
@pytest.mark.usefixtures("secret_activity", "limited")
def test_a_consultant_of_groups_is_refused_a_reader_of_others_and_this_is_logged(
    cara: ApiClient, dora: ApiClient, cast: Cast, db: Database, rule: str
) -> None:
    refused = problem(cara.get(of_ann(rule, cast)), 403)
    assert refused["detail"] == "this reader is in none of your groups"
    log = "SELECT consultant_user_id, target_user_id FROM consultant_access_log WHERE action_type"
    assert fetch_all(db, f"{log} = 'refused_access'") == [(cast.cara.id, cast.ann.id)]
    assert dora.get(of_ann(rule, cast)).status_code == 200
    of_ben, of_nobody, of_staff = (
        rule.replace("<id:reader_id>", str(id)) for id in (cast.ben.id, 4711, cast.dora.id)
    )
    assert cara.get(of_ben).status_code == 200
    for other in (of_nobody, of_staff):
        assert problem(cara.get(other), 403)["detail"] == refused["detail"], "it tells no ids"


@pytest.mark.parametrize("rule", OF_ALL_READERS)
@pytest.mark.usefixtures("secret_activity", "limited")
def test_a_list_shows_a_consultant_of_groups_only_their_readers(
    api: Api, cara: ApiClient, dora: ApiClient, rule: str
) -> None:
    api.login("ben@example.org").post("/api/activities", json={"activity_type": "page_read"})
    names = {"Ann Archer", "Ben Baker"}
    assert {name for name in names if name in dora.get(rule).text} == names
    assert {name for name in names if name in cara.get(rule).text} == {"Ben Baker"}


@pytest.mark.parametrize("rule", OF_ONE_READER)
@pytest.mark.usefixtures("secret_activity")
def test_an_assignment_holds_from_the_next_request_on(
    cara: ApiClient, cast: Cast, db: Database, rule: str
) -> None:
    assert cara.get(of_ann(rule, cast)).status_code == 200
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    problem(cara.get(of_ann(rule, cast)), 403)
