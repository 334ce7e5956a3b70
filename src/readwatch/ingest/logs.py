"""The log of the service: a line for each event that matters to an admin, without personal data.

A line never contains a URL, a body, a token, or the text of an exception, which may quote them.
"""

import json
import logging
import threading
import time
from datetime import UTC, datetime

from flask import has_request_context, request

from readwatch.domain.errors import exception_location

REQUEST_ID = "readwatch.request_id"
"""The key of the request id in the WSGI environment."""

REPEAT_AFTER = 10.0
"""Seconds before a line is logged again, so that the log stays short when all requests fail."""

_MAX_REMEMBERED = 1000

_log = logging.getLogger(__name__)

EPISODE_SECONDS = 10.0
"""An episode ends when its condition was not seen for this time."""

GRANIAN = {"loggers": {"_granian": {"propagate": True}}}
"""The logging configuration of granian: its lines go to the handler of this module."""


def install(log_format: str) -> None:
    """Log to stderr: lines of text (`plain`), or one JSON object a line (`json`)."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonFormatter() if log_format == "json" else _PlainFormatter())
    handler.addFilter(_RepeatFilter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _PlainFormatter(logging.Formatter):
    """`2026-11-22T12:00:00.000+00:00 WARNING [request id] message`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        request_id = _request_id()
        label = f" [{request_id}]" if request_id else ""
        return f"{_created_at(record)} {record.levelname}{label} {_message(record)}"


class _JsonFormatter(logging.Formatter):
    """The same as a JSON object: `time`, `level`, `message`, and `request_id` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "time": _created_at(record),
            "level": record.levelname,
            "message": _message(record),
        }
        request_id = _request_id()
        return json.dumps(line | {"request_id": request_id} if request_id else line)


CHANGE_OF_STATE = {"is_change_of_state": True}
"""The `extra` of a line that never repeats, because the line of the other state came between."""


class _RepeatFilter(logging.Filter):
    """Leaves out a line that was logged in the last seconds, unless it is a change of state."""

    def __init__(self) -> None:
        super().__init__()
        self._logged_at: dict[tuple[str, object], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log a line."""
        if hasattr(record, "is_change_of_state"):
            return True
        line, now = (str(record.msg), str(record.args)), time.monotonic()
        if now - self._logged_at.get(line, -REPEAT_AFTER) < REPEAT_AFTER:
            return False
        if len(self._logged_at) >= _MAX_REMEMBERED:
            self._logged_at.clear()
        self._logged_at[line] = now
        return True


class Episode:
    """Logs a warning when a condition begins, and another one when it has ended."""

    def __init__(self, begins: str, ends: str) -> None:
        self._begins = begins
        self._ends = ends
        self._lock = threading.Lock()
        self._seen_at: float | None = None

    def seen(self, now: float) -> None:
        """Note that the condition holds, at a time of the monotonic clock."""
        with self._lock:
            begins, self._seen_at = self._seen_at is None, now
        if begins:
            _log.warning(self._begins)

    def check(self, now: float) -> None:
        """End the episode if the condition was not seen for `EPISODE_SECONDS`."""
        with self._lock:
            ends = self._seen_at is not None and now - self._seen_at > EPISODE_SECONDS
            if ends:
                self._seen_at = None
        if ends:
            _log.warning(self._ends)


def _created_at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _message(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    message = " ".join(record.getMessage().splitlines())
    return f"{message}: {exception_location(error)}" if error else message


def _request_id() -> str | None:
    return request.environ.get(REQUEST_ID) if has_request_context() else None
