"""The JSON object that a request brings: how much of it is read, how it is unpacked and parsed."""

import re
import zlib
from http import HTTPStatus
from typing import Any

import pydantic_core
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from readwatch.ingest.problems import InvalidRequest

MAX_BODY_BYTES = 1024 * 1024
MAX_LOGIN_BYTES = 16 * 1024
"""Enough for the longest e-mail and password, each character written as an escape."""

# Each escape is taken as a whole: what follows an escaped backslash is none.
_ESCAPE = re.compile(
    rb"""\\ (?: u[dD][89abAB][0-9a-fA-F]{2} \\u[dD][c-fC-F][0-9a-fA-F]{2}
            | (?P<half> u[dD][89a-fA-F][0-9a-fA-F]{2} )
            | . )""",
    re.VERBOSE | re.DOTALL,
)


def json_object(max_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """Return the JSON object in the body of the request; anything else is refused.

    The body has up to `max_bytes`, packed and unpacked, and is JSON whatever type it claims.
    """
    raw = _body(max_bytes)
    try:
        try:
            value = pydantic_core.from_json(raw, allow_inf_nan=False)
        except ValueError:
            # Apps cut titles in the middle of an emoji. As NUL such a half reaches the check of
            # its own field, instead of spoiling a whole batch.
            value = pydantic_core.from_json(_halves_as_nul(raw), allow_inf_nan=False)
    except ValueError as error:
        raise _bad_request(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidRequest([{"field": "", "detail": "the body has to be a JSON object"}])
    return value


def drain_body() -> None:
    """Read the body of a request that is refused without it.

    Where an answer comes before the end of the body, the connection is closed, and the app may
    meet that before it sees the answer.
    """
    environ = request.environ
    if int(environ.get("CONTENT_LENGTH") or 0) <= MAX_BODY_BYTES:
        environ["wsgi.input"].read(MAX_BODY_BYTES)


def _body(max_bytes: int) -> bytes:
    # Read from the server itself, which ends the stream: what Flask puts around it costs 10 us.
    environ = request.environ
    encoding = environ.get("HTTP_CONTENT_ENCODING", "").lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise UnsupportedMediaType("the body can be packed with gzip, and with nothing else")
    if int(environ.get("CONTENT_LENGTH") or 0) > max_bytes:
        raise _too_large(max_bytes)
    raw: bytes = environ["wsgi.input"].read(max_bytes + 1)
    if len(raw) > max_bytes:  # it came in chunks, which do not tell beforehand
        raise _too_large(max_bytes)
    return _unpacked(raw, max_bytes) if encoding.endswith("gzip") else raw


def _unpacked(raw: bytes, max_bytes: int) -> bytes:
    """Return what one gzip member holds; no more of it is unpacked than is allowed."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        body = unpacking.decompress(raw, max_bytes + 1)
    except zlib.error as error:
        raise _bad_request(f"the body is not gzip: {error}") from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    if not unpacking.eof:
        raise _bad_request("the body is not gzip: its end is missing")
    if unpacking.unused_data:
        raise _bad_request("the body is not one gzip file: something follows its end")
    return body


def _halves_as_nul(raw: bytes) -> bytes:
    return _ESCAPE.sub(lambda escape: rb"\u0000" if escape["half"] else escape[0], raw)


def _bad_request(detail: str) -> InvalidRequest:
    return InvalidRequest([{"field": "", "detail": detail}], HTTPStatus.BAD_REQUEST)


def _too_large(max_bytes: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"the body is larger than {max_bytes // 1024} KiB")
