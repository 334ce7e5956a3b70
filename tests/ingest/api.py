"""The readers' apps in front of the real service, and what they leave in the database."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from conftest import PASSWORD
from flask import Flask
from flask.testing import FlaskClient
from ingest import contract
from werkzeug.test import TestResponse

from readwatch.store.engine.connections import Database

TABLES = (
    "users",
    "reader_profiles",
    "reader_sessions",
    "staff_sessions",
    "resume_tokens",
    "failed_logins",
    "reader_activities",
    "activity_receipts",
    "reader_content_progress",
    "reader_quizzes",
    "activity_counts",
    "consultant_access_log",
)


@dataclass
class ApiClient:
    """Somebody's app: it sends its token with each request, or none."""

    client: FlaskClient
    token: str | None = field(default=None, repr=False)

    def request(self, method: str, path: str, **request: Any) -> TestResponse:
        """Ask the service; its answer has to be as its document says."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        answer = self.client.open(
            path, method=method, headers=headers | request.pop("headers", {}), **request
        )
        contract.check(self.client.application, method, path, answer)
        return answer

    def get(self, path: str, **request: Any) -> TestResponse:
        return self.request("GET", path, **request)

    def post(self, path: str, json: Any = None, **request: Any) -> TestResponse:
        return self.request("POST", path, **({"json": json} if json is not None else {}), **request)


@dataclass
class Api(ApiClient):
    """The service, to which anybody can talk without a token."""

    app: Flask = field(kw_only=True)

    def login(self, email: str, password: str = PASSWORD, **more: Any) -> ApiClient:
        """Sign in and go on as the app that now has a token."""
        answer = self.post("/api/login", {"email": email, "password": password, **more})
        assert answer.status_code == HTTPStatus.OK, answer.text
        return self.with_token(answer.json["token"])

    def stop(self) -> None:
        """Stop the service, which writes what it still has."""
        self.app.extensions["readwatch"].close()

    def with_token(self, token: str) -> ApiClient:
        return ApiClient(self.app.test_client(), token)


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """Return the problem that an answer is, after a look at all that each of them has."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    members: dict[str, Any] = answer.get_json(force=True)
    invalid_fields(members, status)
    assert ("WWW-Authenticate" in answer.headers) == (status == HTTPStatus.UNAUTHORIZED)
    return members


def invalid_fields(members: dict[str, Any], status: int) -> list[str]:
    """Check the members of a problem and return the fields that it names."""
    assert members.keys() - {"errors"} == {"type", "title", "status", "detail"}
    assert (members["type"], members["title"]) == ("about:blank", HTTPStatus(status).phrase)
    assert members["status"] == status
    assert members["detail"]
    for fault in members.get("errors", ()):
        assert fault.keys() == {"field", "detail"}
        assert fault["detail"]
    return [fault["field"] for fault in members.get("errors", ())]


def fetch_all(db: Database, sql: str) -> list[tuple[Any, ...]]:
    """Return what the database answers."""
    return [tuple(row) for row in db.execute_sql(sql)]


def all_rows(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that requests could have changed; who is online is counted without any."""
    return {table: sorted(fetch_all(db, f"SELECT * FROM {table}"), key=repr) for table in TABLES}
