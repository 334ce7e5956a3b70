"""Only a valid bearer token authenticates a request."""

import base64

import pytest
from conftest import PASSWORD
from ingest.api import Api, ApiClient, all_rows, fetch_all, problem

from readwatch.store.engine.connections import Database

ONE = {"activity_type": "page_read"}


INVALID_HEADERS = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer    ",
    "Basic {basic}",
    "Token {token}",
    "{token}",
    "Bearer{token}",
    "Bearer {token}x",
    "Bearer x{token}",
    "Bearer {token} {token}",
    'Bearer "{token}"',
    "Bearer {hash}",
    "Bearer rw_",
    "Bearer ' OR '1'='1",
    "Bearer \u00ff\u00fe",
    "Bearer " + "x" * 8000,
]


def test_without_a_valid_token_nothing_changes(api: Api, ann: ApiClient, db: Database) -> None:
    assert ann.token
    (stored_hash,) = fetch_all(db, "SELECT session_token FROM reader_sessions")[0]
    basic = base64.b64encode(f"ann@example.org:{PASSWORD}".encode()).decode()
    before = all_rows(db)

    for template in INVALID_HEADERS:
        header = template.format(token=ann.token, basic=basic, hash=stored_hash)
        answer = api.post("/api/activities", ONE, headers={"Authorization": header})

        members = problem(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert members["detail"] in {
            "a token is required: Authorization: Bearer <token>",
            "this token is not valid; log in again for a new one",
        }, template
        assert ann.token not in answer.text
    assert all_rows(db) == before


def test_without_any_header_the_error_names_the_header(api: Api) -> None:
    assert "Authorization: Bearer <token>" in problem(api.get("/api/me"), 401)["detail"]


@pytest.mark.parametrize("written", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}  "])
def test_the_scheme_is_not_case_sensitive(api: Api, ann: ApiClient, written: str) -> None:
    answer = api.get("/api/me", headers={"Authorization": written.format(ann.token)})
    assert answer.status_code == 200


def test_a_token_in_the_url_or_a_cookie_is_ignored(api: Api, ann: ApiClient) -> None:
    problem(api.get(f"/api/me?token={ann.token}&access_token={ann.token}"), 401)
    problem(api.get("/api/me", headers={"Cookie": f"token={ann.token}"}), 401)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET is_active = FALSE",
        "UPDATE users SET deleted_at = created_at",
        "UPDATE reader_sessions SET is_active = FALSE",
        "DELETE FROM reader_sessions",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/me"),
        ("POST", "/api/heartbeat"),
        ("POST", "/api/activities"),
        ("POST", "/api/logout"),
    ],
)
def test_a_token_is_invalid_once_its_session_or_account_is_not_active(
    ann: ApiClient, db: Database, change: str, method: str, path: str
) -> None:
    db.execute_sql(change)
    before = all_rows(db)

    members = problem(ann.request(method, path, json=ONE), 401)

    assert members["detail"] == "this token is not valid; log in again for a new one"
    after = all_rows(db)
    if path == "/api/logout":  # it logs the device out in any case
        assert after.pop("resume_tokens") == []
        assert fetch_all(db, "SELECT id FROM reader_sessions WHERE is_active = TRUE") == []
        del before["resume_tokens"], before["reader_sessions"], after["reader_sessions"]
    assert after == before


@pytest.mark.parametrize("email", ["cara@example.org", "dora@example.org"])
@pytest.mark.parametrize("path", ["/api/heartbeat", "/api/activities"])
def test_routes_for_readers_refuse_staff(api: Api, db: Database, email: str, path: str) -> None:
    staff = api.login(email)
    before = all_rows(db)

    assert problem(staff.post(path, ONE), 403)["detail"] == "only readers can do this"
    assert all_rows(db) == before


def test_the_token_is_checked_before_the_body(api: Api) -> None:
    """Without a token nobody learns what is wrong with a body."""
    problem(api.post("/api/activities", data=b"{"), 401)
    problem(api.post("/api/activities", data=b"x" * (1024 * 1024 + 1)), 401)
