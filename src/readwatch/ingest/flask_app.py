"""The Flask class of the API: it gives each request an id, counts it, and logs it if it is slow."""

import logging
import re
from functools import partial
from http import HTTPStatus
from itertools import count
from secrets import token_hex
from time import monotonic
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound
from werkzeug.routing import MapAdapter

from readwatch.ingest.body_reads import STARTED_AT
from readwatch.ingest.logs import REQUEST_ID
from readwatch.ingest.metrics import Metrics
from readwatch.ingest.request_body import discard_body, has_unread_body
from readwatch.ingest.services import current_services

SLOW_SECONDS = 1.0

HEALTH = "health"
"""The blueprint of the health checks and the metrics."""

_WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_BODY_UNREAD = frozenset({401, 403, 404, 405, 413, 415, 429, 503})
"""The statuses of requests that can be refused before their body is read."""

_log = logging.getLogger(__name__)


class _NoSessions(SessionInterface):
    """No cookies: tokens identify the principal."""

    _empty = SecureCookieSession()

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:  # noqa: ARG002 - Flask's
        """Return the session that all requests share; it is always empty."""
        return self._empty

    def is_null_session(self, obj: object) -> bool:  # noqa: ARG002 - Flask's signature
        """Return True, because there is nothing to save."""
        return True


def _discard_body(response: Response, environ: dict[str, Any]) -> None:
    """Discard the body after the response, or announce that the connection is closed."""
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.add("Connection", "close")
    else:
        reads = current_services().body_reads
        response.call_on_close(partial(discard_body, reads, environ))


class Api(Flask):
    """Flask without the features that the API does not use: cookies, hosts, async views, hooks.

    This saves a third of the cost of an empty request, such as a heartbeat. The id of a request is
    its `X-Request-ID` if it is well-formed, otherwise a new id; each response contains it.
    """

    session_interface = _NoSessions()

    def __init__(self, name: str, metrics: Metrics) -> None:
        super().__init__(name, static_folder=None)
        self._metrics = metrics
        self._id_prefix, self._request_numbers = token_hex(3), count(1)

    def ensure_sync(self, func: Any) -> Any:
        """Return the function unchanged: no view is async."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return the adapter that finds the view by the path, without host matching.

        Werkzeug ignores further slashes at the beginning: `//metrics` would be `/metrics`, and a
        proxy that hides one would not hide the other.
        """
        if request is None:
            return None
        if request.environ["PATH_INFO"].startswith("//"):
            raise NotFound
        return MapAdapter(self.url_map, "", "/", "", "http", request.path, request.method)

    def preprocess_request(self) -> None:
        """Give the request its id and start time."""
        environ = request.environ
        request_id = environ.get("HTTP_X_REQUEST_ID")
        if request_id is None or not _WELL_FORMED_ID.fullmatch(request_id):
            request_id = f"{self._id_prefix}-{next(self._request_numbers)}"
        environ[REQUEST_ID] = request_id
        environ[STARTED_AT] = monotonic()

    def dispatch_request(self) -> ResponseReturnValue:
        """Answer the request in a slot; health checks and metrics need none."""
        if request.blueprint == HEALTH:
            return super().dispatch_request()
        with current_services().request_slots:
            return super().dispatch_request()

    def process_response(self, response: Response) -> Response:
        """Count the request and set the headers of its response, including error responses."""
        current = request._get_current_object()  # type: ignore[attr-defined]  # the proxy is slow
        if response.status_code in _BODY_UNREAD and has_unread_body(current.environ):
            _discard_body(response, current.environ)
        seconds = monotonic() - current.environ[STARTED_AT]
        rule = current.url_rule.rule if current.url_rule else None
        self._metrics.count_request(rule, current.method, response.status_code, seconds)
        # A refusal may take long because the app sends the body slowly.
        if seconds > SLOW_SECONDS and response.status_code // 100 != 4:
            _log.warning("slow request: %s took %s s", rule, round(seconds))
        headers = response.headers
        if response.status_code == HTTPStatus.NO_CONTENT:
            headers.remove("Content-Type")
        headers.add("X-Request-ID", current.environ[REQUEST_ID])
        # By default proxies and browsers must not store a response, and must not guess its type.
        headers.add("X-Content-Type-Options", "nosniff")
        if "Cache-Control" not in headers:
            headers.add("Cache-Control", "no-store")
        return response
