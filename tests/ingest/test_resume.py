"""A resume token opens a new session without the password."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from conftest import PASSWORD, StillClock
from ingest.api import Api, all_rows, fetch_all, invalid_fields, problem
from werkzeug.test import TestResponse

from readwatch.store.engine.connections import Database
from readwatch.store.identity.session_cache import CHECK_EVERY

ANN = {"email": "ann@example.org", "password": PASSWORD, "device_type": "tablet"}


@pytest.fixture
def login(api: Api) -> Any:
    """The response to the login of Ann's app."""
    return api.post("/api/login", ANN).get_json()


def resume(api: Api, resume_token: str, **more: Any) -> TestResponse:
    return api.post("/api/resume", {"resume_token": resume_token, **more})


def test_it_is_answered_as_a_login_is_with_new_tokens(
    api: Api, login: Any, clock: StillClock, db: Database
) -> None:
    clock.advance(hours=9)
    api.app.extensions["readwatch"].retention.end_silent_sessions()

    answer = resume(api, login["resume_token"])

    assert answer.status_code == 200
    assert answer.get_json().keys() == login.keys()
    changed = {name for name in login if answer.get_json()[name] != login[name]}
    assert changed - {"heartbeat_seconds"} == {"token", "session_id", "resume_token"}
    assert api.with_token(answer.get_json()["token"]).post("/api/heartbeat").status_code == 200
    assert fetch_all(db, "SELECT device_type, is_active, ip_address FROM reader_sessions") == [
        ("tablet", 0, "127.0.0.1"),
        ("tablet", 1, "127.0.0.1"),
    ]


def test_the_token_of_the_previous_session_is_refused_within_seconds(
    api: Api, login: Any, clock: StillClock
) -> None:
    before = api.with_token(login["token"])
    assert before.get("/api/me").status_code == 200
    resume(api, login["resume_token"])
    clock.moment += CHECK_EVERY
    problem(before.get("/api/me"), 401)


def test_of_two_copies_sent_at_once_one_succeeds_and_the_other_ends_its_session(
    api: Api, login: Any, clock: StillClock
) -> None:
    start = Barrier(2)

    def send(_: int) -> TestResponse:
        client = Api(api.app.test_client(), app=api.app)
        start.wait()
        return resume(client, login["resume_token"])

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(threads.map(send, range(2)), key=lambda answer: answer.status_code)

    assert [answer.status_code for answer in answers] == [200, 401]
    clock.moment += CHECK_EVERY
    problem(api.with_token(answers[0].get_json()["token"]).get("/api/me"), 401)
    problem(resume(api, answers[0].get_json()["resume_token"]), 401)


def test_after_a_logout_only_the_password_helps(api: Api, login: Any) -> None:
    assert api.with_token(login["token"]).post("/api/logout").status_code == 204
    problem(resume(api, login["resume_token"]), 401)
    assert api.post("/api/login", ANN).status_code == 200


def test_a_logout_after_the_session_timeout_deletes_the_resume_token(
    api: Api, login: Any, clock: StillClock
) -> None:
    clock.advance(hours=9)
    api.app.extensions["readwatch"].retention.end_silent_sessions()
    problem(api.with_token(login["token"]).post("/api/logout"), 401)
    problem(resume(api, login["resume_token"]), 401)


def test_staff_get_no_resume_token(api: Api, db: Database) -> None:
    answer = api.post("/api/login", ANN | {"email": "cara@example.org"})
    assert answer.get_json()["resume_token"] is None
    assert fetch_all(db, "SELECT * FROM resume_tokens") == []


def test_session_tokens_and_resume_tokens_are_not_interchangeable(api: Api, login: Any) -> None:
    problem(resume(api, login["token"]), 401)
    problem(api.with_token(login["resume_token"]).get("/api/me"), 401)
    assert resume(api, login["resume_token"]).status_code == 200


INVALID_BODIES: list[tuple[Any, list[str]]] = [
    ({}, ["resume_token"]),
    ({"resume_token": None}, ["resume_token"]),
    ({"resume_token": ""}, ["resume_token"]),
    ({"resume_token": 5}, ["resume_token"]),
    ({"resume_token": "x" * 256}, ["resume_token"]),
    ({"resume_token": "x", "device_type": "x" * 51}, ["device_type"]),
]


def test_an_invalid_body_is_refused_by_field(api: Api, login: Any, db: Database) -> None:
    before = all_rows(db)
    for body, fields in INVALID_BODIES:
        members = problem(api.post("/api/resume", body), 422)
        assert (body, invalid_fields(members, 422)) == (body, fields)
    assert all_rows(db) == before
