"""Every error is an RFC 9457 problem: `application/problem+json` that says what to mend."""

import logging
from http import HTTPStatus
from typing import Literal, NotRequired

from flask import Flask, Response, json, request
from typing_extensions import TypedDict
from werkzeug.exceptions import HTTPException

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.load_shedding import retry_seconds
from readwatch.ingest.load_shedding import jitter
from readwatch.ingest.logs import exception_location

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

_LATER = "the service cannot do this at the moment; send it again in Retry-After seconds"
"""All that an app is told; the cause is an admin's matter, and in the log and at /readyz."""

_DETAILS = {
    HTTPStatus.NOT_FOUND: "there is nothing at this address",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take that method",
}

_log = logging.getLogger(__name__)


class FieldError(TypedDict):
    """What is wrong with one field; an empty name is the body as a whole."""

    field: str
    detail: str


class Problem(TypedDict):
    """An RFC 9457 problem; `errors` names the fields that are wrong.

    `reasons` say why the service is not ready.
    """

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    errors: NotRequired[list[FieldError]]
    reasons: NotRequired[list[str]]


class InvalidRequest(Exception):
    """A body that breaks the contract; `errors` names each field and its fault."""

    def __init__(
        self,
        errors: list[FieldError],
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> None:
        super().__init__("invalid request")
        self.errors = errors
        self.status = status


def problem(status: HTTPStatus, detail: str, *, errors: list[FieldError] | None = None) -> Problem:
    """Return the members of a problem; `errors` lists the fields that are wrong."""
    members: Problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    if errors:
        members["errors"] = errors
    return members


def problem_from(error: ReadwatchError | InvalidRequest) -> Problem:
    """Return the problem for a failure that the product knows."""
    if isinstance(error, InvalidRequest):
        faults = "; ".join(
            f"{fault['field']}: {fault['detail']}" if fault["field"] else fault["detail"]
            for fault in error.errors[:3]
        )
        return problem(error.status, faults, errors=error.errors)
    status = STATUS[error.kind]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return problem(status, _LATER)
    errors = [FieldError(field=error.field, detail=error.message)] if error.field else None
    return problem(status, error.message, errors=errors)


def problem_response(members: Problem, headers: dict[str, str] | None = None) -> Response:
    """Return a problem as an HTTP answer."""
    return Response(
        json.dumps(members),
        status=members["status"],
        headers=headers,
        content_type="application/problem+json",
    )


def install(app: Flask) -> None:
    """Make every error of the app a problem, also those of the framework."""

    @app.errorhandler(ReadwatchError)
    def known(error: ReadwatchError) -> Response:
        members, headers = problem_from(error), {}
        if error.kind is ErrorKind.UNAUTHENTICATED:
            headers["WWW-Authenticate"] = "Bearer"
        if error.kind in {ErrorKind.UNAVAILABLE, ErrorKind.MISCONFIGURED, ErrorKind.THROTTLED}:
            headers["Retry-After"] = str(error.retry_after or retry_seconds(jitter()))
        if members["status"] == HTTPStatus.SERVICE_UNAVAILABLE and error.retry_after is None:
            _log.warning("put off %s %s: %s", request.method, request.url_rule, error.message)
        return problem_response(members, headers)

    @app.errorhandler(InvalidRequest)
    def broken(error: InvalidRequest) -> Response:
        return problem_response(problem_from(error))

    @app.errorhandler(HTTPException)
    def of_the_framework(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or 500)
        headers = {}
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or ())
        elif status is HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            headers["Accept-Encoding"] = "gzip"
        return problem_response(
            problem(status, _DETAILS.get(status) or error.description or status.phrase), headers
        )

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        _log.error(
            "%s, while answering %s %s", exception_location(error), request.method, request.url_rule
        )
        return problem_response(
            problem(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "the service failed; the fault is in its log",
            )
        )
