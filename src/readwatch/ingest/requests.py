"""What happens to each request: it has an id, it is counted, and a slow one is logged."""

import logging
import re
from itertools import count
from secrets import token_hex
from time import perf_counter

from flask import Flask, Response, request

from readwatch.ingest.logs import REQUEST_ID
from readwatch.ingest.metrics import Metrics

SLOW_SECONDS = 1.0

_BEGAN = "readwatch.began"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")

_log = logging.getLogger(__name__)


def install(app: Flask, metrics: Metrics) -> None:
    """See to each request of an app.

    Its id is that of its `X-Request-ID` if it looks like one, else a new one; each answer has it.
    """
    start, numbers = token_hex(3), count(1)

    @app.before_request
    def begin() -> None:
        environ = request.environ
        given = environ.get("HTTP_X_REQUEST_ID")
        sane = given is not None and _SANE.fullmatch(given)
        environ[REQUEST_ID] = given if sane else f"{start}-{next(numbers)}"
        environ[_BEGAN] = perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        asked = request._get_current_object()  # type: ignore[attr-defined]  # each look costs
        seconds = perf_counter() - asked.environ[_BEGAN]
        rule = asked.url_rule.rule if asked.url_rule else None
        metrics.answered(rule, asked.method, response.status_code, seconds)
        if seconds > SLOW_SECONDS and response.status_code // 100 != 4:  # what apps do slowly
            _log.warning("it took %s s to answer %s", round(seconds), asked.url_rule)
        response.headers.add("X-Request-ID", asked.environ[REQUEST_ID])
        return response
