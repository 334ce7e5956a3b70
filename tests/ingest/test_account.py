"""Login, logout and the own account."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import bcrypt
import pytest
from conftest import COST, NOON, PASSWORD, StillClock
from ingest.api import Api, ApiClient, all_rows, fetch_all, invalid_fields, problem
from werkzeug.test import TestResponse

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import accounts
from readwatch.store.identity.passwords import hash_password
from readwatch.store.identity.session_cache import CHECK_EVERY

ANN = {"email": "ann@example.org", "password": PASSWORD}


def set_password(db: Database, user_id: int) -> None:
    with db.atomic():
        append_in_transaction(db, AuditEvent(user_id, AuditAction.SET_PASSWORD, user_id), NOON)
        accounts.set_password(db, user_id, hash_password("another password", COST), NOON)


def suspend(db: Database, user_id: int) -> None:
    accounts.suspend(db, user_id, NOON)


def delete(db: Database, user_id: int) -> None:
    accounts.delete(db, user_id, NOON)


def test_a_login_returns_all_that_an_app_needs(api: Api, cast: Any) -> None:
    answer = api.post("/api/login", ANN | {"device_type": "tablet"})

    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    token = answer.get_json().pop("token")
    due = answer.get_json()["heartbeat_seconds"]
    assert 60 <= due <= 72
    assert token.startswith("rw_")
    assert len(token) >= 40
    resume_token = answer.get_json()["resume_token"]
    assert resume_token.startswith("rwr_")
    assert answer.get_json() == {
        "token": token,
        "token_type": "Bearer",
        "session_id": 1,
        "heartbeat_seconds": due,
        "resume_token": resume_token,
        "user": {
            "id": cast.ann.id,
            "email": "ann@example.org",
            "user_role": "reader",
            "full_name": "Ann Archer",
            "is_active": True,
            "email_verified": False,
            "created_at": (NOON - timedelta(days=30)).isoformat(),
            "password_changed_at": (NOON - timedelta(days=30)).isoformat(),
        },
    }


def test_a_login_opens_a_session_and_is_counted_in_the_profile(
    api: Api, cast: Any, db: Database
) -> None:
    agent = "Reader/1.0 \x1b[31m" + "x" * 600
    api.login("ann@example.org", device_type="tablet")
    api.post("/api/login", ANN, headers={"User-Agent": agent})

    assert fetch_all(
        db,
        "SELECT user_id, device_type, ip_address, is_active, ended_at IS NULL,"
        " started_at = last_heartbeat FROM reader_sessions ORDER BY id",
    ) == [(cast.ann.id, "tablet", "127.0.0.1", 1, 1, 1), (cast.ann.id, None, "127.0.0.1", 1, 1, 1)]
    assert fetch_all(db, "SELECT user_agent FROM reader_sessions ORDER BY id")[1] == (agent[:500],)
    assert fetch_all(
        db, "SELECT user_id, total_sessions FROM reader_profiles ORDER BY user_id"
    ) == [
        (cast.ann.id, 2),
        (cast.ben.id, 0),
    ]


@pytest.mark.parametrize("email", ["ANN@EXAMPLE.ORG", "Ann@Example.org"])
def test_an_e_mail_address_is_compared_without_case(api: Api, cast: Any, email: str) -> None:
    answer = api.post("/api/login", ANN | {"email": email})
    assert answer.get_json()["user"]["id"] == cast.ann.id


def test_two_logins_get_two_tokens(api: Api) -> None:
    assert api.login("ann@example.org").token != api.login("ann@example.org").token


def test_the_database_has_only_the_hash_of_a_token(api: Api, cara: ApiClient, db: Database) -> None:
    ann = api.login("ann@example.org")
    stored = repr(all_rows(db))

    for token in (ann.token, cara.token):
        assert token not in stored
        assert hashlib.sha256(token.encode()).hexdigest() in stored


def test_staff_get_a_staff_session(api: Api, cast: Any, db: Database) -> None:
    answer = api.post("/api/login", ANN | {"email": "cara@example.org"})

    assert answer.get_json()["user"]["user_role"] == "consultant"
    assert fetch_all(db, "SELECT id, user_id FROM staff_sessions") == [
        (answer.get_json()["session_id"], cast.cara.id)
    ]
    assert fetch_all(db, "SELECT * FROM reader_sessions") == []


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("nobody@example.org", PASSWORD),
        ("ann@example.org", "wrong"),
        ("ann@example.org", PASSWORD.upper()),
        ("ann@example.org", PASSWORD + " "),
        ("ann@example.org", PASSWORD + "\0"),
        ("ann@example.org", "x" * 1024),
        ("ben@example.org' OR '1'='1", PASSWORD),
        ("%", PASSWORD),
        ("no address at all", PASSWORD),
    ],
)
def test_a_failed_login_does_not_say_whether_the_account_exists(
    api: Api, db: Database, email: str, password: str
) -> None:
    before = all_rows(db)
    answer = api.post("/api/login", {"email": email, "password": password})

    assert problem(answer, 401)["detail"] == "wrong e-mail or password"
    assert all_rows(db) | {"failed_logins": []} == before


def test_a_suspended_reader_learns_of_it_only_with_the_correct_password(
    api: Api, db: Database
) -> None:
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'ann@example.org'")

    right, wrong = (api.post("/api/login", ANN | {"password": it}) for it in (PASSWORD, "wrong"))

    assert problem(right, 401)["detail"] == "this account is suspended"
    assert problem(wrong, 401)["detail"] == "wrong e-mail or password"
    assert fetch_all(db, "SELECT * FROM reader_sessions") == []


def test_a_deleted_reader_cannot_log_in(api: Api, db: Database) -> None:
    db.execute_sql("UPDATE users SET deleted_at = created_at WHERE email = 'ann@example.org'")
    assert problem(api.post("/api/login", ANN), 401)["detail"] == "wrong e-mail or password"


INVALID_LOGINS: list[tuple[Any, list[str]]] = [
    ({}, ["email", "password"]),
    ({"email": "ann@example.org"}, ["password"]),
    (ANN | {"email": None}, ["email"]),
    (ANN | {"email": ""}, ["email"]),
    (ANN | {"email": 5}, ["email"]),
    (ANN | {"email": ["ann@example.org"]}, ["email"]),
    (ANN | {"email": "a" * 256}, ["email"]),
    (ANN | {"email": "ann\0@example.org"}, ["email"]),
    (ANN | {"email": "ann\ud83d@example.org"}, ["email"]),
    (ANN | {"password": None}, ["password"]),
    (ANN | {"password": ""}, ["password"]),
    (ANN | {"password": 12345678}, ["password"]),
    (ANN | {"password": True}, ["password"]),
    (ANN | {"password": "x" * 1025}, ["password"]),
    (ANN | {"device_type": "x" * 51}, ["device_type"]),
    (ANN | {"device_type": 7}, ["device_type"]),
    (ANN | {"device_type": "a\0"}, ["device_type"]),
]


def test_an_invalid_login_body_is_refused_by_field_without_repeating_it(
    api: Api, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    before = all_rows(db)
    for body, fields in INVALID_LOGINS:
        answer = api.post("/api/login", body)

        assert (body, invalid_fields(problem(answer, 422), 422)) == (body, fields)
        assert PASSWORD not in answer.text + caplog.text
        assert "x" * 51 not in answer.text
    assert all_rows(db) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(set_password, "the password of this account was changed", id="password"),
        pytest.param(suspend, "this account is suspended", id="suspended"),
        pytest.param(delete, "this account was deleted", id="deleted"),
    ],
)
def test_a_change_by_an_admin_during_a_login_prevents_the_session(
    api: Api,
    cast: Any,
    db: Database,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[..., object],
    reason: str,
) -> None:
    matches = bcrypt.checkpw

    def check_then_change(password: bytes, hashed: bytes) -> bool:
        """Check the password, then let the admin change the account."""
        is_correct = matches(password, hashed)
        admin = open_database(url, Role.ADMIN)
        with connection(admin), admin.atomic():
            change(admin, cast.ann.id)
        close_all(admin)
        return is_correct

    monkeypatch.setattr(bcrypt, "checkpw", check_then_change)
    assert reason in problem(api.post("/api/login", ANN), 401)["detail"]
    assert fetch_all(db, "SELECT * FROM reader_sessions") == []


def test_unknown_fields_of_a_login_are_ignored(api: Api) -> None:
    answer = api.post("/api/login", ANN | {"app_version": [1, 2], "user_role": "admin"})
    assert answer.get_json()["user"]["user_role"] == "reader"


def test_a_logout_ends_the_session_and_the_token(
    api: Api, ann: ApiClient, db: Database, clock: StillClock
) -> None:
    other_device = api.login("ann@example.org")
    clock.advance(minutes=7)

    answer = ann.post("/api/logout")

    assert (answer.status_code, answer.data) == (204, b"")
    assert problem(ann.get("/api/me"), 401)["detail"].startswith("this token is not valid")
    problem(ann.post("/api/logout"), 401)
    assert other_device.get("/api/me").status_code == 200
    (ended, still_open) = fetch_all(
        db, "SELECT is_active, ended_at IS NULL FROM reader_sessions ORDER BY id"
    )
    assert ended == (0, 0)
    assert still_open == (1, 1)


def test_a_consultant_s_logout_does_not_end_the_reader_session_with_the_same_id(
    ann: ApiClient, cara: ApiClient, db: Database
) -> None:
    assert fetch_all(db, "SELECT id FROM reader_sessions") == fetch_all(
        db, "SELECT id FROM staff_sessions"
    )

    assert cara.post("/api/logout").status_code == 204

    problem(cara.get("/api/me"), 401)
    assert ann.post("/api/heartbeat").status_code == 200


def test_readers_see_their_own_account_and_profile(
    ann: ApiClient, cast: Any, clock: StillClock
) -> None:
    ann.post(
        "/api/activities",
        {"activity_type": "page_read", "content_id": "emma", "duration_seconds": 150},
    )
    answer = ann.get("/api/me")

    assert answer.status_code == 200
    assert answer.get_json() == {
        "user": {
            "id": cast.ann.id,
            "email": "ann@example.org",
            "user_role": "reader",
            "full_name": "Ann Archer",
            "is_active": True,
            "email_verified": False,
            "created_at": (NOON - timedelta(days=30)).isoformat(),
            "password_changed_at": (NOON - timedelta(days=30)).isoformat(),
        },
        "profile": {
            "user_id": cast.ann.id,
            "reading_level": "",
            "preferred_language": "en",
            "timezone": "UTC",
            "last_login": NOON.isoformat(),
            "last_activity_at": NOON.isoformat(),
            "total_reading_time_minutes": 2,
            "total_sessions": 1,
            "unique_content_read": 1,
        },
    }


def test_a_consultant_has_an_account_and_no_profile(cara: ApiClient, cast: Any) -> None:
    answer = cara.get("/api/me")
    assert answer.get_json()["user"]["id"] == cast.cara.id
    assert answer.get_json()["profile"] is None


def test_control_characters_in_names_are_made_visible(ann: ApiClient, db: Database) -> None:
    """Such a name can only have been written by another program."""
    hostile = "Ann \x1b[2J\x9b31m\u202eArcher"
    db.execute_sql(f"UPDATE users SET full_name = '{hostile}' WHERE email = 'ann@example.org'")
    db.execute_sql(f"UPDATE reader_profiles SET reading_level = '[red]{hostile}'")

    shown = ann.get("/api/me").get_json()

    assert shown["user"]["full_name"] == "Ann ␛[2J31mArcher"
    assert shown["profile"]["reading_level"] == "[red]Ann ␛[2J31mArcher"


# The password -----------------------------------------------------------------------------------

NEW = "a horse of another colour"


def change(
    client: ApiClient, current: str = PASSWORD, new: str = NEW, **request: Any
) -> TestResponse:
    body = {"current_password": current, "new_password": new}
    return client.request("PUT", "/api/me/password", json=body, **request)


@pytest.mark.parametrize("email", ["ann@example.org", "cara@example.org", "dora@example.org"])
def test_every_role_can_change_the_own_password(api: Api, db: Database, email: str) -> None:
    others = fetch_all(db, f"SELECT * FROM users WHERE email <> '{email}' ORDER BY id")

    answer = change(api.login(email))

    assert (answer.status_code, answer.data) == (204, b"")
    assert api.login(email, NEW).get("/api/me").status_code == 200
    problem(api.post("/api/login", {"email": email, "password": PASSWORD}), 401)
    assert fetch_all(db, f"SELECT * FROM users WHERE email <> '{email}' ORDER BY id") == others
    assert NEW not in repr(all_rows(db))


def test_a_new_password_of_staff_is_logged(
    ann: ApiClient, cara: ApiClient, cast: Any, db: Database
) -> None:
    assert [change(it).status_code for it in (ann, cara)] == [204, 204]
    log = "SELECT consultant_user_id, target_user_id, action_details, ip_address"
    log = f"{log} FROM consultant_access_log WHERE action_type = 'set_password'"
    assert fetch_all(db, log) == [(cast.cara.id, cast.cara.id, "api", "127.0.0.1")]


@pytest.mark.parametrize("email", ["ann@example.org", "cara@example.org"])
def test_a_new_password_ends_all_other_sessions_within_seconds(
    api: Api, email: str, clock: StillClock
) -> None:
    here, elsewhere, ben = api.login(email), api.login(email), api.login("ben@example.org")
    assert elsewhere.get("/api/me").status_code == 200

    assert change(here).status_code == 204
    clock.moment += CHECK_EVERY

    problem(elsewhere.get("/api/me"), 401)
    assert here.get("/api/me").status_code == 200
    assert ben.post("/api/heartbeat").status_code == 200


def test_after_a_new_password_no_other_device_can_resume(api: Api, clock: StillClock) -> None:
    silent, open_, own = (api.post("/api/login", ANN).get_json() for _ in range(3))
    here = api.with_token(own["token"])
    clock.advance(minutes=50)
    for login in (open_, own):
        api.with_token(login["token"]).post("/api/heartbeat")
    api.app.extensions["readwatch"].writer.run(lambda db: None)
    clock.advance(minutes=20)

    assert change(here).status_code == 204

    for login, status in ((silent, 401), (open_, 401), (own, 200)):
        body = {"resume_token": login["resume_token"]}
        assert api.post("/api/resume", body).status_code == status


def test_a_wrong_current_password_changes_nothing_and_is_counted(
    api: Api, ann: ApiClient, db: Database, clock: StillClock
) -> None:
    before = all_rows(db)
    answers = [change(ann, current="wrong") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert invalid_fields(problem(answers[0], 403), 403) == ["current_password"]
    assert answers[-1].headers["Retry-After"] == "1"
    assert all_rows(db) | {"failed_logins": []} == before
    assert change(ann).status_code == 429
    assert api.post("/api/login", ANN).status_code == 429, (
        "logins and password changes share one count"
    )
    clock.advance(seconds=1)
    assert change(ann).status_code == 204
    assert change(ann, current="wrong").status_code == 403


INVALID_PASSWORD_CHANGES: list[tuple[Any, list[str]]] = [
    ({}, ["current_password", "new_password"]),
    ({"current_password": PASSWORD, "new_password": ""}, ["new_password"]),
    ({"current_password": PASSWORD, "new_password": "short"}, ["new_password"]),
    ({"current_password": PASSWORD, "new_password": "ä" * 37}, ["new_password"]),
    ({"current_password": PASSWORD, "new_password": "iloveyou"}, ["new_password"]),
    ({"current_password": PASSWORD, "new_password": "x" * 1025}, ["new_password"]),
    ({"current_password": PASSWORD, "new_password": 12345678}, ["new_password"]),
    ({"current_password": "", "new_password": NEW}, ["current_password"]),
]


def test_an_invalid_new_password_is_refused_by_field_without_repeating_it(
    ann: ApiClient, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    before = all_rows(db)
    for body, fields in INVALID_PASSWORD_CHANGES:
        answer = ann.request("PUT", "/api/me/password", json=body)

        assert (body, invalid_fields(problem(answer, 422), 422)) == (body, fields)
        assert PASSWORD not in answer.text + caplog.text
    assert all_rows(db) == before


def test_of_two_password_changes_at_once_one_succeeds(
    api: Api, ann: ApiClient, db: Database
) -> None:
    """Both send the old password; the second change finds that it is not the current one."""
    start = Barrier(2)

    def send(new: str) -> int:
        client = api.with_token(ann.token)
        start.wait()
        return change(client, new=new).status_code

    with ThreadPoolExecutor(2) as threads:
        statuses = list(threads.map(send, ["the first of two", "the second of two"]))

    assert sorted(statuses) == [204, 403]
    winner = ["the first of two", "the second of two"][statuses.index(204)]
    assert api.login("ann@example.org", winner).token
