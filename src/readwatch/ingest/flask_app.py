"""What happens to each request: it has an id, it is counted, and a slow one is logged."""

import logging
import re
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SessionInterface
from werkzeug.routing import MapAdapter

from readwatch.ingest.logs import REQUEST_ID
from readwatch.ingest.metrics import Metrics
from readwatch.ingest.request_body import drain_body

SLOW_SECONDS = 1.0

_BEGAN = "readwatch.began"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")

_REFUSED_UNREAD = frozenset({401, 403, 404, 405, 415, 429, 503})

_log = logging.getLogger(__name__)


class _NoSessions(SessionInterface):
    """Tokens say who calls; nothing is kept in cookies."""

    _nothing = SecureCookieSession()

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:  # noqa: ARG002 - Flask's
        """Return the session that all requests share, as it stays empty."""
        return self._nothing

    def is_null_session(self, obj: object) -> bool:  # noqa: ARG002 - Flask's signature
        """Tell that there is nothing to save."""
        return True


class Api(Flask):
    """Flask without what no request here needs: cookies, host names, async views, chains of hooks.

    An empty request costs a third less so, and each heartbeat pays for one. The id of a request is
    that of its `X-Request-ID` if it looks like one, else a new one; each answer has it.
    """

    session_interface = _NoSessions()

    def __init__(self, name: str, metrics: Metrics) -> None:
        super().__init__(name, static_folder=None)
        self._metrics = metrics
        self._start, self._numbers = token_hex(3), count(1)

    def ensure_sync(self, func: Any) -> Any:
        """Return the function: none of ours is async."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the view by the path; there is one host, and nothing is redirected."""
        if request is None:
            return None
        return MapAdapter(self.url_map, "", "/", "", "http", request.path, request.method)

    def preprocess_request(self) -> None:
        """See to a request before its view does."""
        environ = request.environ
        given = environ.get("HTTP_X_REQUEST_ID")
        sane = given is not None and _SANE.fullmatch(given)
        environ[REQUEST_ID] = given if sane else f"{self._start}-{next(self._numbers)}"
        environ[_BEGAN] = perf_counter()

    def process_response(self, response: Response) -> Response:
        """See to an answer, also to one that is an error."""
        if response.status_code in _REFUSED_UNREAD:
            drain_body()
        asked = request._get_current_object()  # type: ignore[attr-defined]  # each look costs
        seconds = perf_counter() - asked.environ[_BEGAN]
        rule = asked.url_rule.rule if asked.url_rule else None
        self._metrics.count_request(rule, asked.method, response.status_code, seconds)
        if seconds > SLOW_SECONDS and response.status_code // 100 != 4:  # what apps do slowly
            _log.warning("it took %s s to answer %s", round(seconds), rule)
        headers = response.headers
        headers.add("X-Request-ID", asked.environ[REQUEST_ID])
        # Nobody on the way keeps an answer, unless it says otherwise, or guesses its type.
        headers.add("X-Content-Type-Options", "nosniff")
        if "Cache-Control" not in headers:
            headers.add("Cache-Control", "no-store")
        return response
