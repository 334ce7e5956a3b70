"""The log of the service: what an admin has to know, a line each, and nothing of anybody.

No line repeats an address, a body, a token or the words of an exception, which may quote them.
"""

import json
import logging
import time
import traceback
from datetime import UTC, datetime

from flask import has_request_context, request

REQUEST_ID = "readwatch.request_id"
"""Where the environment of a request has its id."""

REPEAT_AFTER = 10.0
"""Seconds for which the same line is left out, so that a fault of all requests stays readable."""

_MOST_REMEMBERED = 1000

GRANIAN = {"loggers": {"_granian": {"propagate": True}}}
"""What makes granian's lines go the way of all others."""


def install(form: str) -> None:
    """Send the lines of this process to stderr: `plain`, or as one JSON object each (`json`)."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Plain())
    handler.addFilter(_NotAgain())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def exception_location(error: BaseException) -> str:
    """Return the kind and the place of an exception, and none of its words."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


class _Plain(logging.Formatter):
    """`2026-11-22T12:00:00.000+00:00 WARNING [request id] message`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        found = _request_id()
        shown = f" [{found}]" if found else ""
        return f"{_moment(record)} {record.levelname}{shown} {_message(record)}"


class _Json(logging.Formatter):
    """The same as a JSON object: `time`, `level`, `message`, and `request_id` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {"time": _moment(record), "level": record.levelname, "message": _message(record)}
        found = _request_id()
        return json.dumps(line | {"request_id": found} if found else line)


class _NotAgain(logging.Filter):
    """Leaves out a line that was there a moment ago."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, object], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is new."""
        line, now = (str(record.msg), str(record.args)), time.monotonic()
        if now - self._told.get(line, -REPEAT_AFTER) < REPEAT_AFTER:
            return False
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told[line] = now
        return True


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _message(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    message = " ".join(record.getMessage().splitlines())
    return f"{message}: {exception_location(error)}" if error else message


def _request_id() -> str | None:
    return request.environ.get(REQUEST_ID) if has_request_context() else None
