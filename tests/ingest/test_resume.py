"""A resume token opens a new session without the password."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from conftest import PASSWORD, StillClock
from flask import Flask
from ingest.api import Api, all_rows, fetch_all, invalid_fields, problem
from werkzeug.test import TestResponse

from readwatch.ingest.app import create_app
from readwatch.ingest.services import Settings
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


def session_of(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    names = ("token", "session_id", "resume_token")
    return {name: answer.get_json()[name] for name in names}


def test_a_device_that_lost_the_answer_thirty_times_gets_it_again(
    api: Api, login: Any, clock: StillClock, db: Database
) -> None:
    answers = []
    for _ in range(30):
        clock.advance(minutes=10)
        answers.append(session_of(resume(api, login["resume_token"])))
    assert answers == [answers[0]] * 30
    assert api.with_token(answers[0]["token"]).post("/api/heartbeat").status_code == 200
    assert fetch_all(db, "SELECT total_sessions FROM reader_profiles WHERE user_id = 1") == [(2,)]


def test_two_tabs_that_resume_at_once_on_two_servers_share_one_session(
    url: str, api: Api, login: Any, clock: StillClock
) -> None:
    other = create_app(Settings(url, bcrypt_cost=4), clock)
    start = Barrier(4)

    def send(app: Flask) -> dict[str, Any]:
        client = Api(app.test_client(), app=app)
        start.wait()
        return session_of(resume(client, login["resume_token"]))

    with ThreadPoolExecutor(4) as threads:
        sessions = list(threads.map(send, [api.app, other] * 2))

    assert sessions == [sessions[0]] * 4
    for app in (api.app, other):
        tab = Api(app.test_client(), app=app).with_token(sessions[0]["token"])
        assert tab.post("/api/heartbeat").status_code == 200
    other.extensions["readwatch"].close()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/heartbeat", None),
        ("POST", "/api/activities", {"activity_type": "page_read"}),
        ("GET", "/api/me", None),
    ],
)
def test_after_the_first_request_of_the_new_session_the_replaced_token_ends_it(
    api: Api, login: Any, clock: StillClock, method: str, path: str, body: Any
) -> None:
    session = session_of(resume(api, login["resume_token"]))
    device = api.with_token(session["token"])
    assert device.request(method, path, json=body).status_code < 300

    problem(resume(api, login["resume_token"]), 401)

    clock.moment += CHECK_EVERY
    problem(device.get("/api/me"), 401)
    problem(resume(api, session["resume_token"]), 401)


def test_a_thief_with_an_older_token_ends_the_session(
    api: Api, login: Any, clock: StillClock
) -> None:
    first = session_of(resume(api, login["resume_token"]))
    second = session_of(resume(api, first["resume_token"]))
    problem(resume(api, login["resume_token"]), 401)
    clock.moment += CHECK_EVERY
    problem(api.with_token(second["token"]).get("/api/me"), 401)
    problem(resume(api, second["resume_token"]), 401)


def test_the_first_use_is_written_once(api: Api, login: Any, db: Database) -> None:
    device = api.with_token(session_of(resume(api, login["resume_token"]))["token"])
    commits = "readwatch_commit_requests_count"
    registry = api.app.extensions["readwatch"].metrics.registry
    before = registry.get_sample_value(commits)
    for _ in range(3):
        assert device.get("/api/me").status_code == 200
    assert registry.get_sample_value(commits) == before + 1


def test_a_logout_with_the_old_session_after_a_lost_answer_logs_the_device_out(
    api: Api, login: Any, clock: StillClock
) -> None:
    lost = session_of(resume(api, login["resume_token"]))
    problem(api.with_token(login["token"]).post("/api/logout"), 401)
    problem(api.with_token(lost["token"]).get("/api/me"), 401)
    problem(resume(api, login["resume_token"]), 401)


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
