"""Setting a password with the code of an invitation."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import PASSWORD, Cast, StillClock
from ingest.api import Api, ApiClient, all_rows, fetch_all, invalid_fields, problem
from werkzeug.test import TestResponse

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.users import User
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.connections import Database
from readwatch.store.identity import accounts, invitations

CHOSEN = "a password that I chose"

Invite = Callable[[User], str]


@pytest.fixture
def invite(db: Database, cast: Cast, clock: StillClock) -> Invite:
    """`invite(user)` invites a user and returns the code."""

    def invite(user: User) -> str:
        code = invitations.new_code()
        with db.atomic():
            event = AuditEvent(cast.dora.id, AuditAction.INVITED_USER, user.id)
            append_in_transaction(db, event, clock())
            invitations.add_invitations(db, {user.id: code}, clock())
        return code

    return invite


def answer_to(
    api: Api, code: str, password: str = CHOSEN, address: str = "10.0.0.1"
) -> TestResponse:
    body = {"code": code, "password": password}
    return api.post("/api/invitation", body, environ_base={"REMOTE_ADDR": address})


def log_in(api: Api, password: str, email: str = "ann@example.org") -> int:
    return api.post("/api/login", {"email": email, "password": password}).status_code


def test_a_reader_sets_the_password_once_and_logs_in(
    api: Api, cast: Cast, db: Database, invite: Invite
) -> None:
    code = invite(cast.ann)
    assert answer_to(api, code.lower().replace("-", " ")).status_code == 204
    assert (log_in(api, CHOSEN), log_in(api, PASSWORD)) == (200, 401)
    again = problem(answer_to(api, code, "yet another password"), 401)
    assert again == problem(answer_to(api, invitations.new_code()), 401)
    assert log_in(api, CHOSEN) == 200
    log = fetch_all(db, "SELECT action_type FROM consultant_access_log")
    assert log == [("invited_user",)], "readers' own passwords have no entry"


def test_an_account_without_a_password_has_one_after_the_invitation(
    api: Api, cast: Cast, db: Database, invite: Invite
) -> None:
    db.execute_sql(f"UPDATE users SET password_hash = '' WHERE id = {cast.cara.id}")
    for guess in ("no such account", " ", PASSWORD):
        assert log_in(api, guess, "cara@example.org") == 401
    assert answer_to(api, invite(cast.cara)).status_code == 204
    assert log_in(api, CHOSEN, "cara@example.org") == 200


def test_a_new_password_of_staff_is_logged_first_and_cannot_be_set_without_the_entry(
    api: Api, cast: Cast, db: Database, invite: Invite
) -> None:
    assert answer_to(api, invite(cast.cara)).status_code == 204
    log = "SELECT consultant_user_id, action_type, target_user_id, action_details, ip_address"
    last = fetch_all(db, f"{log} FROM consultant_access_log ORDER BY id")[-1]
    assert last == (cast.cara.id, "set_password", cast.cara.id, "api, invitation", "10.0.0.1")

    code = invite(cast.dora)
    db.execute_sql("ALTER TABLE consultant_access_log RENAME TO moved")
    problem(answer_to(api, code), 503)
    db.execute_sql("ALTER TABLE moved RENAME TO consultant_access_log")
    assert log_in(api, PASSWORD, "dora@example.org") == 200


def test_the_sessions_of_the_account_end(
    api: Api, cast: Cast, ann: ApiClient, invite: Invite
) -> None:
    resume = api.post("/api/login", {"email": cast.ann.email, "password": PASSWORD}).get_json()
    assert answer_to(api, invite(cast.ann)).status_code == 204
    assert api.post("/api/resume", {"resume_token": resume["resume_token"]}).status_code == 401
    assert api.with_token(resume["token"]).get("/api/me").status_code == 401


@pytest.mark.parametrize(
    ("name", "password", "complaint"),
    [
        ("ann", "7 chars", "at least 8 characters"),
        ("cara", "11 chars ..", "at least 12 characters"),
        ("dora", "11 chars ..", "at least 12 characters"),
        ("ann", "password123", "too common"),
        ("ann", "é" * 37, "at most 72 bytes"),
    ],
)
def test_a_password_that_breaks_the_rules_of_the_role_leaves_the_code_valid(
    api: Api, cast: Cast, invite: Invite, name: str, password: str, complaint: str
) -> None:
    code = invite(getattr(cast, name))
    members = problem(answer_to(api, code, password), 422)
    assert complaint in members["detail"]
    assert invalid_fields(members, 422) == ["password"]
    assert answer_to(api, code).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "made up"},
        {"password": CHOSEN},
        {"code": "", "password": CHOSEN},
        {"code": 7, "password": CHOSEN},
        {"code": "made up", "password": "NUL \0"},
        {"code": "x" * 256, "password": CHOSEN},
    ],
)
def test_a_body_without_a_code_and_a_password_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert invalid_fields(problem(api.post("/api/invitation", body), 422), 422)


def end_by_password(api: Api, db: Database, cast: Cast) -> None:
    ann = api.login("ann@example.org")
    change = {"current_password": PASSWORD, "new_password": "another password"}
    assert ann.request("PUT", "/api/me/password", json=change).status_code == 204


def end_by_suspension(api: Api, db: Database, cast: Cast) -> None:
    db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {cast.ann.id}")


def end_by_deletion(api: Api, db: Database, cast: Cast) -> None:
    accounts.delete(db, cast.ann.id, cast.ann.created_at)


@pytest.mark.parametrize("end", [end_by_password, end_by_suspension, end_by_deletion])
def test_a_void_code_gets_the_answer_of_an_unknown_one_and_changes_nothing(
    api: Api, cast: Cast, db: Database, invite: Invite, end: Callable[[Api, Database, Cast], None]
) -> None:
    code = invite(cast.ann)
    end(api, db, cast)
    before = all_rows(db)["users"]
    assert problem(answer_to(api, code), 401) == problem(answer_to(api, "made up"), 401)
    assert all_rows(db)["users"] == before


def test_a_code_that_has_expired_gets_the_answer_of_an_unknown_one(
    api: Api, cast: Cast, invite: Invite, clock: StillClock
) -> None:
    code = invite(cast.ann)
    clock.advance(hours=72)
    assert problem(answer_to(api, code), 401) == problem(answer_to(api, "made up"), 401)


def test_of_many_concurrent_uses_one_sets_the_password(
    api: Api, cast: Cast, invite: Invite
) -> None:
    code = invite(cast.ann)
    passwords = [f"password number {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        statuses = [
            answer.status_code
            for answer in threads.map(lambda password: answer_to(api, code, password), passwords)
        ]
    assert Counter(statuses) == {204: 1, 401: 7}
    assert log_in(api, passwords[statuses.index(204)]) == 200


def test_wrong_codes_of_one_address_have_to_wait_and_others_do_not(
    api: Api, cast: Cast, invite: Invite, clock: StillClock
) -> None:
    code = invite(cast.ann)
    statuses = [answer_to(api, "made up").status_code for _ in range(102)]
    assert statuses == [401] * 100 + [429] * 2
    waiting = answer_to(api, code)
    assert "too many failed logins" in problem(waiting, 429)["detail"]
    assert waiting.headers["Retry-After"] == "1"
    clock.advance(seconds=1)
    assert answer_to(api, code, address="10.0.0.2").status_code == 204


def test_a_few_mistyped_codes_lock_nobody_out(api: Api, cast: Cast, invite: Invite) -> None:
    """A school has one address."""
    for _ in range(40):
        assert answer_to(api, "made up").status_code == 401
    assert answer_to(api, invite(cast.ben)).status_code == 204


def test_whoever_forgot_the_password_can_log_in_at_once_after_the_invitation(
    api: Api, cast: Cast, invite: Invite
) -> None:
    address = {"REMOTE_ADDR": "10.0.0.1"}
    for _ in range(6):
        body = {"email": "ann@example.org", "password": "forgotten"}
        locked = api.post("/api/login", body, environ_base=address).status_code
    assert locked == 429
    assert answer_to(api, invite(cast.ann)).status_code == 204
    body["password"] = CHOSEN
    assert api.post("/api/login", body, environ_base=address).status_code == 200


def test_neither_the_code_nor_the_password_is_in_an_answer(
    api: Api, cast: Cast, invite: Invite
) -> None:
    code = invite(cast.ann)
    answers = [answer_to(api, code, "7 chars"), answer_to(api, "MADE-UP0"), answer_to(api, code)]
    for answer in answers:
        assert "MADE-UP0" not in answer.text
        assert "7 chars" not in answer.text
        assert code not in answer.text
