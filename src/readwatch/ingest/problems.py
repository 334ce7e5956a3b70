"""Errors as RFC 9457 problems: `application/problem+json` that names the fix."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal, NotRequired

from flask import Flask, Response, json, request
from typing_extensions import TypedDict
from werkzeug.exceptions import HTTPException

from readwatch.domain.errors import ErrorKind, ReadwatchError, exception_location
from readwatch.domain.load_shedding import retry_seconds
from readwatch.ingest.load_shedding import jitter
from readwatch.ingest.services import current_services

STATUS = {
    ErrorKind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorKind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ErrorKind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorKind.CONFLICT: HTTPStatus.CONFLICT,
    ErrorKind.THROTTLED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorKind.MISCONFIGURED: HTTPStatus.SERVICE_UNAVAILABLE,
}

_PHRASES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
"""Names of RFC 9110 that Python before 3.13 does not have."""

_UNAVAILABLE = (
    "the service is temporarily unavailable; send the request again after Retry-After seconds"
)
"""The text for apps; admins find the cause in the log and at /readyz."""

_DETAILS = {
    HTTPStatus.NOT_FOUND: "this address does not exist",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address does not accept this method",
}

_log = logging.getLogger(__name__)


class FieldError(TypedDict):
    """The error of one field; an empty name means the whole body."""

    field: str
    detail: str


class Problem(TypedDict):
    """An RFC 9457 problem; `errors` names the invalid fields.

    `reasons` say why the service is not ready.
    """

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    errors: NotRequired[list[FieldError]]
    reasons: NotRequired[list[str]]


class InvalidRequest(Exception):
    """A request with invalid fields, which `errors` names."""

    def __init__(
        self,
        errors: list[FieldError],
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> None:
        super().__init__("invalid request")
        self.errors = errors
        self.status = status


def phrase(status: HTTPStatus) -> str:
    """Return the name of a status in RFC 9110."""
    return _PHRASES.get(status, status.phrase)


def problem(status: HTTPStatus, detail: str, *, errors: list[FieldError] | None = None) -> Problem:
    """Return the members of a problem; `errors` lists the invalid fields."""
    members: Problem = {
        "type": "about:blank",
        "title": phrase(status),
        "status": int(status),
        "detail": detail,
    }
    if errors:
        members["errors"] = errors
    return members


def problem_from(error: ReadwatchError | InvalidRequest) -> Problem:
    """Return the problem for an expected error."""
    if isinstance(error, InvalidRequest):
        detail = "; ".join(
            f"{field_error['field']}: {field_error['detail']}"
            if field_error["field"]
            else field_error["detail"]
            for field_error in error.errors[:3]
        )
        return problem(error.status, detail, errors=error.errors)
    status = STATUS[error.kind]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return problem(status, _UNAVAILABLE)
    errors = [FieldError(field=error.field, detail=error.message)] if error.field else None
    return problem(status, error.message, errors=errors)


def problem_response(
    members: Problem, *, headers: Mapping[str, str] | None = None, retry_after: int | None = None
) -> Response:
    """Return a problem as an HTTP response, with the headers that its status requires.

    `retry_after` is in seconds; without it a 429 or 503 has a random value from 5 to 15 s.
    """
    response = Response(
        json.dumps(members),
        status=members["status"],
        headers=headers,
        content_type="application/problem+json",
    )
    if members["status"] == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if members["status"] in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        response.headers["Retry-After"] = str(retry_after or retry_seconds(jitter()))
    return response


def install(app: Flask) -> None:
    """Answer every error of the app and of Flask with a problem."""

    @app.errorhandler(ReadwatchError)
    def expected(error: ReadwatchError) -> Response:
        members = problem_from(error)
        is_503 = members["status"] == HTTPStatus.SERVICE_UNAVAILABLE and error.retry_after is None
        if is_503 and not current_services().writer.has_reported(error):
            _log.warning("503 for %s %s: %s", request.method, request.url_rule, error.message)
        return problem_response(members, retry_after=error.retry_after)

    @app.errorhandler(InvalidRequest)
    def invalid(error: InvalidRequest) -> Response:
        return problem_response(problem_from(error))

    @app.errorhandler(HTTPException)
    def from_framework(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or 500)
        headers = {}
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or ())
        elif status is HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            headers["Accept-Encoding"] = "gzip"
        detail = _DETAILS.get(status) or error.description or phrase(status)
        return problem_response(problem(status, detail), headers=headers)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        cause = exception_location(error)
        _log.error("internal error for %s %s: %s", request.method, request.url_rule, cause)
        return problem_response(
            problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; the service logged the cause"
            )
        )
