"""Clients of the real service inside the test process, and queries of its database."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from conftest import PASSWORD
from flask import Flask
from flask.testing import FlaskClient
from ingest import contract
from werkzeug.test import TestResponse

from readwatch.store.engine.connections import Database

RFC_9110 = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Names of statuses that Python has since 3.13."""

TABLES = (
    "users",
    "reader_profiles",
    "reader_sessions",
    "staff_sessions",
    "resume_tokens",
    "invitations",
    "failed_logins",
    "reader_activities",
    "activity_receipts",
    "reader_content_progress",
    "reader_quizzes",
    "reader_hours",
    "activity_counts",
    "consultant_access_log",
)


@dataclass
class ApiClient:
    """A client that sends its token, if it has one, with each request."""

    client: FlaskClient
    token: str = field(default="", repr=False)

    def request(self, method: str, path: str, **request: Any) -> TestResponse:
        """Send a request and check the response against the OpenAPI document."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
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
    """The service, used without a token."""

    app: Flask = field(kw_only=True)

    def login(self, email: str, password: str = PASSWORD, **more: Any) -> ApiClient:
        """Log in and return the client that has the token."""
        answer = self.post("/api/login", {"email": email, "password": password, **more})
        assert answer.status_code == HTTPStatus.OK, answer.text
        return self.with_token(answer.get_json()["token"])

    def stop(self) -> None:
        """Stop the service, which first writes what it accepted."""
        self.app.extensions["readwatch"].close()

    def with_token(self, token: str) -> ApiClient:
        return ApiClient(self.app.test_client(), token)


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """Return the members of a problem after checking what every problem has in common."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    members: dict[str, Any] = answer.get_json(force=True)
    invalid_fields(members, status)
    assert ("WWW-Authenticate" in answer.headers) == (status == HTTPStatus.UNAUTHORIZED)
    return members


def invalid_fields(members: dict[str, Any], status: int) -> list[str]:
    """Check the members of a problem and return the names of the invalid fields."""
    assert members.keys() - {"errors"} == {"type", "title", "status", "detail"}
    title = RFC_9110.get(status) or HTTPStatus(status).phrase
    assert (members["type"], members["title"]) == ("about:blank", title)
    assert members["status"] == status
    assert members["detail"]
    errors = members.get("errors", [])
    for error in errors:
        assert error.keys() == {"field", "detail"}
        assert error["detail"]
    return [error["field"] for error in errors]


def routes(api: Api) -> set[tuple[str, str]]:
    """Return the method and path of each request that the service answers."""
    return {
        (method, rule.rule)
        for rule in api.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def fetch_all(db: Database, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    return [tuple(row) for row in db.execute_sql(sql)]


def all_rows(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of all tables that requests change; online counts change without requests."""
    return {table: sorted(fetch_all(db, f"SELECT * FROM {table}"), key=repr) for table in TABLES}
