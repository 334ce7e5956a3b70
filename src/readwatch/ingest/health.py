"""Health checks and metrics: whether the process runs, and whether it should get requests."""

import ipaddress
from http import HTTPStatus
from typing import Literal

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from typing_extensions import TypedDict

from readwatch import __version__
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.ingest.flask_app import HEALTH
from readwatch.ingest.openapi import ANYONE, documented
from readwatch.ingest.problems import problem, problem_response
from readwatch.ingest.services import Services, Settings, current_services
from readwatch.store.engine.connections import connection
from readwatch.store.engine.migrations import available_migrations, require_current

routes = Blueprint(HEALTH, __name__)


_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class Live(TypedDict):
    """The process runs."""

    status: Literal["ok"]


class Ready(TypedDict):
    """The service accepts requests; `schema` is the number of the schema that it uses."""

    status: Literal["ready"]
    version: str
    schema: int


@routes.get("/livez")
@documented({200: Live}, roles=ANYONE)
def livez() -> Live:
    """Answer 200 as long as the process can answer requests."""
    return {"status": "ok"}


@routes.get("/readyz")
@documented({200: Ready}, roles=ANYONE, errors=(503,))
def readyz() -> Ready | Response:
    """Answer 503 if requests should go to another server; `reasons` says why.

    The answer changes to 503 before the service refuses anything except heartbeats.
    """
    services = current_services()
    reasons = _reasons_not_ready(services)
    if not reasons:
        schema = available_migrations(services.db)[-1].number
        return {"status": "ready", "version": __version__, "schema": schema}
    members = problem(HTTPStatus.SERVICE_UNAVAILABLE, "the service is not ready")
    members["reasons"] = reasons
    return problem_response(members)


def _reasons_not_ready(services: Services) -> list[str]:
    """Return the reasons; query the database only if the writer can commit (it could hang)."""
    if services.stopping:
        return ["the service is stopping"]
    return services.load_shedder.reasons_not_ready() or _reasons_not_readable(services)


def _reasons_not_readable(services: Services) -> list[str]:
    try:
        with services.request_slots, connection(services.db) as db:
            require_current(db)
    except ReadwatchError as error:
        return [error.message]
    return []


@routes.get("/metrics")
@documented({200: CONTENT_TYPE_LATEST}, roles=ANYONE, errors=(403,))
def metrics() -> Response:
    """Return the metrics for Prometheus; a setting says who may read them."""
    services = current_services()
    if not _may_read_metrics(services.settings):
        raise ReadwatchError(ErrorKind.FORBIDDEN, "this address may not read the metrics")
    return Response(generate_latest(services.metrics.registry), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(settings: Settings) -> bool:
    """Return whether the setting allows this client; a request through a proxy is not local."""
    if settings.metrics != "loopback":
        return settings.metrics == "anyone"
    through_a_proxy = settings.proxy_hops or any(name in request.headers for name in _PROXY_HEADERS)
    return not through_a_proxy and ipaddress.ip_address(request.remote_addr or "::").is_loopback
