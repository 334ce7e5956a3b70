"""The service at its configured address, asked over HTTP as a probe does."""

import json
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from readwatch.domain.server_answer import ServerAnswer, ServerState

ANSWER_SECONDS = 3.0
"""The longest wait for a step of the answer; `/readyz` queries the database."""

_MAX_BYTES = 1 << 16
_OWN_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only read


def ask_server(host: str, port: int) -> ServerAnswer:
    """Ask the service that listens on this host and port of its settings whether it is ready.

    Proxies of the environment are not used.
    """
    host = _OWN_ADDRESS.get(host, host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    with closing(HTTPConnection(host, port, timeout=ANSWER_SECONDS)) as connection:
        try:
            connection.connect()
        except (OSError, UnicodeError):
            return ServerAnswer(address, ServerState.STOPPED)
        try:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            body = response.read(_MAX_BYTES)
        except TimeoutError:
            return ServerAnswer(address, ServerState.SILENT)
        except (OSError, HTTPException):
            return ServerAnswer(address, ServerState.ANOTHER_PROGRAM)
    return _answer(address, response, _members(body))


def _answer(address: str, response: HTTPResponse, members: dict[str, Any]) -> ServerAnswer:
    clock = _clock(response.getheader("Date"))
    reasons, version, schema = (members.get(name) for name in ("reasons", "version", "schema"))
    if response.status == 200 and isinstance(version, str) and isinstance(schema, int):
        return ServerAnswer(address, ServerState.READY, version, schema, clock=clock)
    if response.status == 503 and isinstance(reasons, list):
        texts = tuple(map(str, reasons))
        return ServerAnswer(address, ServerState.NOT_READY, reasons=texts, clock=clock)
    return ServerAnswer(address, ServerState.ANOTHER_PROGRAM)


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def _clock(date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date or "").astimezone(UTC)
    except ValueError:
        return None
