"""Login, logout and one's own account."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from conftest import NOON, PASSWORD, StillClock
from ingest.api import Api, Caller, everything, problem, rows, told

from readwatch.store.database import Database

ANN = {"email": "ann@example.org", "password": PASSWORD}


def test_a_reader_logs_in_and_is_told_all_that_an_app_needs(api: Api, cast: Any) -> None:
    answer = api.post("/api/login", ANN | {"device_type": "tablet"})

    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    token = answer.json.pop("token")
    due = answer.json["heartbeat_seconds"]
    assert 60 <= due <= 72
    assert token.startswith("rw_")
    assert len(token) >= 40
    resume_token = answer.json["resume_token"]
    assert resume_token.startswith("rwr_")
    assert answer.json == {
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
        },
    }


def test_a_login_opens_a_session_and_counts_in_the_profile(
    api: Api, cast: Any, db: Database
) -> None:
    agent = "Reader/1.0 \x1b[31m" + "x" * 600
    api.login("ann@example.org", device_type="tablet")
    api.post("/api/login", ANN, headers={"User-Agent": agent})

    assert rows(
        db,
        "SELECT user_id, device_type, ip_address, is_active, ended_at IS NULL,"
        " started_at = last_heartbeat FROM reader_sessions ORDER BY id",
    ) == [(cast.ann.id, "tablet", "127.0.0.1", 1, 1, 1), (cast.ann.id, None, "127.0.0.1", 1, 1, 1)]
    assert rows(db, "SELECT user_agent FROM reader_sessions ORDER BY id")[1] == (agent[:500],)
    assert rows(db, "SELECT user_id, total_sessions FROM reader_profiles ORDER BY user_id") == [
        (cast.ann.id, 2),
        (cast.ben.id, 0),
    ]


@pytest.mark.parametrize("email", ["ANN@EXAMPLE.ORG", "Ann@Example.org"])
def test_an_address_is_compared_without_case(api: Api, cast: Any, email: str) -> None:
    answer = api.post("/api/login", ANN | {"email": email})
    assert answer.json["user"]["id"] == cast.ann.id


def test_two_logins_get_two_tokens(api: Api) -> None:
    assert api.login("ann@example.org").token != api.login("ann@example.org").token


def test_a_token_is_in_the_database_as_its_hash_only(api: Api, cara: Caller, db: Database) -> None:
    ann = api.login("ann@example.org")
    kept = repr(everything(db))

    for token in (ann.token, cara.token):
        assert token not in kept
        assert hashlib.sha256(token.encode()).hexdigest() in kept


def test_staff_get_a_session_that_is_no_reader_s(api: Api, cast: Any, db: Database) -> None:
    answer = api.post("/api/login", ANN | {"email": "cara@example.org"})

    assert answer.json["user"]["user_role"] == "consultant"
    assert rows(db, "SELECT id, user_id FROM staff_sessions") == [
        (answer.json["session_id"], cast.cara.id)
    ]
    assert rows(db, "SELECT * FROM reader_sessions") == []


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
def test_who_does_not_know_the_password_is_told_no_more_than_that(
    api: Api, db: Database, email: str, password: str
) -> None:
    before = everything(db)
    answer = api.post("/api/login", {"email": email, "password": password})

    assert problem(answer, 401)["detail"] == "wrong e-mail or password"
    assert everything(db) | {"failed_logins": []} == before


def test_a_suspended_reader_learns_it_only_with_the_right_password(api: Api, db: Database) -> None:
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'ann@example.org'")

    right, wrong = (api.post("/api/login", ANN | {"password": it}) for it in (PASSWORD, "wrong"))

    assert problem(right, 401)["detail"] == "this account is suspended"
    assert problem(wrong, 401)["detail"] == "wrong e-mail or password"
    assert rows(db, "SELECT * FROM reader_sessions") == []


def test_a_deleted_reader_is_nobody(api: Api, db: Database) -> None:
    db.execute_sql("UPDATE users SET deleted_at = created_at WHERE email = 'ann@example.org'")
    assert problem(api.post("/api/login", ANN), 401)["detail"] == "wrong e-mail or password"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
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
    ],
)
def test_a_login_of_the_wrong_shape_is_refused_by_field_and_repeats_nothing(
    api: Api, db: Database, caplog: pytest.LogCaptureFixture, body: Any, fields: list[str]
) -> None:
    before = everything(db)
    answer = api.post("/api/login", body)

    assert told(problem(answer, 422), 422) == fields
    assert PASSWORD not in answer.text + caplog.text
    assert "x" * 51 not in answer.text
    assert everything(db) == before


def test_fields_that_a_login_does_not_know_are_ignored(api: Api) -> None:
    assert (
        api.post("/api/login", ANN | {"app_version": [1, 2], "user_role": "admin"}).json["user"][
            "user_role"
        ]
        == "reader"
    )


def test_a_logout_ends_the_session_and_the_token(
    api: Api, ann: Caller, db: Database, clock: StillClock
) -> None:
    other_device = api.login("ann@example.org")
    clock.advance(minutes=7)

    answer = ann.post("/api/logout")

    assert (answer.status_code, answer.data) == (204, b"")
    assert problem(ann.get("/api/me"), 401)["detail"].endswith("log in again")
    problem(ann.post("/api/logout"), 401)
    assert other_device.get("/api/me").status_code == 200
    (ended, still_open) = rows(
        db, "SELECT is_active, ended_at IS NULL FROM reader_sessions ORDER BY id"
    )
    assert ended == (0, 0)
    assert still_open == (1, 1)


def test_a_consultant_s_logout_leaves_the_reader_with_the_same_session_number_alone(
    ann: Caller, cara: Caller, db: Database
) -> None:
    assert rows(db, "SELECT id FROM reader_sessions") == rows(db, "SELECT id FROM staff_sessions")

    assert cara.post("/api/logout").status_code == 204

    problem(cara.get("/api/me"), 401)
    assert ann.post("/api/heartbeat").status_code == 200


def test_a_reader_sees_the_own_account_and_profile(
    ann: Caller, cast: Any, clock: StillClock
) -> None:
    ann.post(
        "/api/activities",
        {"activity_type": "page_read", "content_id": "emma", "duration_seconds": 150},
    )
    answer = ann.get("/api/me")

    assert answer.status_code == 200
    assert answer.json == {
        "user": {
            "id": cast.ann.id,
            "email": "ann@example.org",
            "user_role": "reader",
            "full_name": "Ann Archer",
            "is_active": True,
            "email_verified": False,
            "created_at": (NOON - timedelta(days=30)).isoformat(),
        },
        "profile": {
            "user_id": cast.ann.id,
            "reading_level": "",
            "preferred_language": "en",
            "timezone": "UTC",
            "last_login": NOON.isoformat(),
            "total_reading_time_minutes": 2,
            "total_sessions": 1,
            "unique_content_read": 1,
        },
    }


def test_a_consultant_has_an_account_and_no_profile(cara: Caller, cast: Any) -> None:
    answer = cara.get("/api/me")
    assert answer.json["user"]["id"] == cast.cara.id
    assert answer.json["profile"] is None


def test_names_that_would_act_on_a_terminal_come_out_clean(ann: Caller, db: Database) -> None:
    """Such a name can only have come in by another way than ours."""
    hostile = "Ann \x1b[2J\x9b31m\u202eArcher"
    db.execute_sql(f"UPDATE users SET full_name = '{hostile}' WHERE email = 'ann@example.org'")
    db.execute_sql(f"UPDATE reader_profiles SET reading_level = '[red]{hostile}'")

    shown = ann.get("/api/me").json

    assert shown["user"]["full_name"] == "Ann ␛[2J31mArcher"
    assert shown["profile"]["reading_level"] == "[red]Ann ␛[2J31mArcher"
