"""Each route with each caller: who gets in, who is turned away, and whose look is on record."""

from collections.abc import Mapping
from typing import Any

import pytest
from conftest import PASSWORD, Cast, StillClock
from ingest.api import Api, Caller, problem, rows

from readwatch.store.engine.connections import Database

STAFF = ("cara", "dora")
CALLERS = ("nobody", "a dead token", "ben", "ann", *STAFF)
"""Ann's data is asked for; Ben is another reader, Cara a consultant and Dora an admin."""

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
    ("POST", "/api/resume"): (401,) * 6,  # whatever the header says: the token is in the body
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
    "/api/me/password": {"current_password": "not this one", "new_password": "another password"},
    "/api/activities": {"activity_type": "page_read"},
}


@pytest.fixture
def told(ann: Caller) -> None:
    """Ann has told the service what only she and staff may know."""
    body = {"activity_type": "page_read", "content_title": SECRET}
    assert ann.post("/api/activities", body).status_code == 201


def of_ann(rule: str, cast: Cast) -> str:
    return rule.replace("<id:reader_id>", str(cast.ann.id))


def ends_the_token(route: tuple[str, str]) -> bool:
    return route[1] == "/api/logout"


def signed_in(api: Api, name: str) -> Caller:
    if name == "nobody":
        return api
    if name == "a dead token":
        dead = api.login("ann@example.org")
        dead.post("/api/logout")
        return dead
    return api.login(f"{name}@example.org")


def test_every_route_has_a_rule(api: Api) -> None:
    assert set(RULES) == {
        (method, rule.rule)
        for rule in api.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


@pytest.mark.parametrize("name", CALLERS)
@pytest.mark.usefixtures("told")
def test_who_gets_in_and_whose_look_is_on_record(
    api: Api, cast: Cast, db: Database, name: str
) -> None:
    caller = signed_in(api, name)
    answers = {
        (method, rule): caller.ask(method, of_ann(rule, cast), json=BODIES.get(rule))
        for method, rule in sorted(RULES, key=ends_the_token)
    }

    assert {route: answer.status_code for route, answer in answers.items()} == {
        route: statuses[CALLERS.index(name)] for route, statuses in RULES.items()
    }
    shown = any(SECRET in answer.text for answer in answers.values())
    assert shown == (name in {"ann", *STAFF})
    looks = [(getattr(cast, name).id, cast.ann.id)] * len(OF_ONE_READER) if name in STAFF else []
    log = "SELECT consultant_user_id, target_user_id FROM consultant_access_log WHERE action_type"
    assert rows(db, f"{log} <> 'refused_access' AND target_user_id IS NOT NULL") == looks
    who = getattr(cast, name).id if name in STAFF else None
    lists = "SELECT consultant_user_id, action_details FROM consultant_access_log WHERE action_type"
    assert rows(db, f"{lists} = 'viewed_list' ORDER BY id") == (
        [(who, "api, activities"), (who, "api, online")] if name in STAFF else []
    )
    # Ann is refused the live lists, Ben more: of one's refusals the first is on record.
    refused = [getattr(cast, name).id] if name in {"ann", "ben"} else []
    assert [who for who, _ in rows(db, f"{log} = 'refused_access'")] == refused


@pytest.mark.parametrize("rule", [*OF_ALL_READERS, *OF_ONE_READER])
@pytest.mark.usefixtures("told")
def test_a_look_that_cannot_be_put_on_record_shows_nothing(
    ann: Caller, cara: Caller, cast: Cast, db: Database, rule: str
) -> None:
    db.execute_sql("ALTER TABLE consultant_access_log RENAME TO moved")

    assert "Ann" not in str(problem(cara.get(of_ann(rule, cast)), 503))
    if rule in OF_ONE_READER:
        assert ann.get(of_ann(rule, cast)).status_code == 200


@pytest.mark.parametrize("rule", OF_ALL_READERS)
def test_who_goes_on_looking_at_a_list_has_an_entry_every_five_minutes(
    cara: Caller, db: Database, clock: StillClock, rule: str
) -> None:
    for _ in range(6):
        assert cara.get(rule).status_code == 200
        clock.advance(minutes=2)
    log = "SELECT action_type FROM consultant_access_log WHERE action_type <> 'logged_in'"
    assert rows(db, log) == [("viewed_list",)] * 2
