"""The JSON object in the body of a request: its size limits, decompression and parsing."""

import re
import zlib
from http import HTTPStatus
from typing import Any

import pydantic_core
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from readwatch.domain.sessions import Principal
from readwatch.ingest.body_reads import BodyReads
from readwatch.ingest.problems import InvalidRequest
from readwatch.ingest.services import current_services
from readwatch.store.recording.writer import MAX_REQUEST_BYTES

MAX_LOGIN_BYTES = 16 * 1024
"""The largest body of a login or a resume: the longest e-mail and password, with all characters
escaped."""

_WAS_READ = "readwatch.body_was_read"

# Each escape matches as a whole: the text after an escaped backslash is not an escape.
_ESCAPE = re.compile(
    rb"""\\ (?: u[dD][89abAB][0-9a-fA-F]{2} \\u[dD][c-fC-F][0-9a-fA-F]{2}
            | (?P<lone_surrogate> u[dD][89a-fA-F][0-9a-fA-F]{2} )
            | . )""",
    re.VERBOSE | re.DOTALL,
)


def json_object(principal: Principal | None, max_bytes: int = MAX_REQUEST_BYTES) -> dict[str, Any]:
    """Return the JSON object in the body of the request; refuse any other body.

    `principal` is that of the token, None if the request has no token that was checked before.
    `max_bytes` limits the body before and after decompression. The content type is ignored.

    Granian does not tell whether a body was cut off. A shorter body than Content-Length says is
    refused. A chunked body has no length; if a part of it is missing, it is no JSON object and no
    gzip file.
    """
    raw = _body(principal, max_bytes)
    try:
        try:
            value = pydantic_core.from_json(raw, allow_inf_nan=False)
        except ValueError:
            # Apps cut titles in the middle of an emoji. A lone surrogate is replaced by NUL, so
            # that the validation refuses that field and not the whole batch.
            value = pydantic_core.from_json(_lone_surrogates_as_nul(raw), allow_inf_nan=False)
    except ValueError as error:
        raise _bad_request(f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidRequest([{"field": "", "detail": "the body must be a JSON object"}])
    return value


def has_unread_body(environ: dict[str, Any]) -> bool:
    """Tell whether a request was refused before its body was read."""
    has_body = environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ
    return has_body and _WAS_READ not in environ


def discard_body(reads: BodyReads, environ: dict[str, Any]) -> None:
    """Discard an unread body, unless it is too large; the response was sent already."""
    if int(environ.get("CONTENT_LENGTH") or 0) <= MAX_REQUEST_BYTES:
        reads.discard(environ, MAX_REQUEST_BYTES)


def _body(principal: Principal | None, max_bytes: int) -> bytes:
    # Granian's stream ends with the body; the wrapper of Flask would cost 10 us.
    environ = request.environ
    encoding = environ.get("HTTP_CONTENT_ENCODING", "").lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise UnsupportedMediaType("the only supported Content-Encoding is gzip")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > max_bytes:
        raise _too_large(max_bytes)
    raw = current_services().body_reads.read(environ, max_bytes + 1, principal)
    environ[_WAS_READ] = True
    if len(raw) > max_bytes:  # a chunked body has no Content-Length
        raise _too_large(max_bytes)
    if len(raw) < length:
        raise _bad_request(f"the body is incomplete: {len(raw)} of {length} bytes arrived")
    return _decompressed(raw, max_bytes) if encoding.endswith("gzip") else raw


def _decompressed(raw: bytes, max_bytes: int) -> bytes:
    """Return the content of a gzip file with one member; decompression stops at the limit."""
    decompressor = zlib.decompressobj(wbits=31)
    try:
        body = decompressor.decompress(raw, max_bytes + 1)
    except zlib.error as error:
        raise _bad_request(f"the body is not valid gzip: {error}") from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    if not decompressor.eof:
        raise _bad_request("the gzip body is incomplete")
    if decompressor.unused_data:
        raise _bad_request("the body has data after the end of the gzip file")
    return body


def _lone_surrogates_as_nul(raw: bytes) -> bytes:
    return _ESCAPE.sub(lambda escape: rb"\u0000" if escape["lone_surrogate"] else escape[0], raw)


def _bad_request(detail: str) -> InvalidRequest:
    return InvalidRequest([{"field": "", "detail": detail}], HTTPStatus.BAD_REQUEST)


def _too_large(max_bytes: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"the body is larger than {max_bytes // 1024} KiB")
