"""How the service is seen from outside: whether it lives, whether it is ready, its metrics."""

import ipaddress
from http import HTTPStatus
from typing import Literal

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from typing_extensions import TypedDict

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.load_shedding import retry_seconds
from readwatch.ingest.load_shedding import jitter
from readwatch.ingest.openapi import ANYONE, documented
from readwatch.ingest.problems import problem, problem_response
from readwatch.ingest.services import Services, Settings, services
from readwatch.store.engine.connections import connection
from readwatch.store.engine.migrations import require_current

routes = Blueprint("health", __name__)


_OF_A_PROXY = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class Living(TypedDict):
    """The service answers."""

    status: Literal["ok"]


class Ready(TypedDict):
    """The service takes what comes."""

    status: Literal["ready"]


@routes.get("/livez")
@documented({200: Living}, roles=ANYONE)
def livez() -> Living:
    """Answer as long as the process can answer anything."""
    return {"status": "ok"}


@routes.get("/readyz")
@documented({200: Ready}, roles=ANYONE, errors=(503,))
def readyz() -> Ready | Response:
    """Tell whether requests should be sent here; if not, `reasons` says why.

    It turns before anything but heartbeats is refused.
    """
    reasons = _reasons_not_ready(services())
    if not reasons:
        return {"status": "ready"}
    members = problem(HTTPStatus.SERVICE_UNAVAILABLE, "the service is not ready")
    members["reasons"] = reasons
    return problem_response(members, {"Retry-After": str(retry_seconds(jitter()))})


def _reasons_not_ready(running: Services) -> list[str]:
    """Ask the database only while the writer gets on with it: otherwise the answer could hang."""
    if running.stopping:
        return ["the service is stopping"]
    return running.load_shedder.reasons_not_ready() or _reasons_not_readable(running)


def _reasons_not_readable(running: Services) -> list[str]:
    try:
        with connection(running.db) as db:
            require_current(db)
    except ReadwatchError as error:
        return [error.message]
    return []


@routes.get("/metrics")
@documented({200: CONTENT_TYPE_LATEST}, roles=ANYONE, errors=(403,))
def metrics() -> Response:
    """Tell Prometheus how the service is doing; a setting says who else may ask."""
    running = services()
    if not _sees_metrics(running.settings):
        raise ReadwatchError(ErrorKind.FORBIDDEN, "the metrics are not shown to this address")
    return Response(generate_latest(running.metrics.registry), content_type=CONTENT_TYPE_LATEST)


def _sees_metrics(settings: Settings) -> bool:
    """Tell whether the one who asks is among those who may; a proxy asks for somebody else."""
    if settings.metrics != "loopback":
        return settings.metrics == "anyone"
    through_a_proxy = settings.proxy_hops or any(name in request.headers for name in _OF_A_PROXY)
    return not through_a_proxy and ipaddress.ip_address(request.remote_addr or "::").is_loopback
