"""The name of a database in the names of files that belong to it."""

from hashlib import sha256
from urllib.parse import SplitResult, parse_qs, urlsplit

from readwatch.domain.errors import misconfigured
from readwatch.store.engine.errors import INVALID_ADDRESS
from readwatch.store.engine.sqlite import is_sqlite_url, sqlite_path


def url_fingerprint(url: str, user_id: int | None = None) -> str:
    """Return 16 hex digits for a database, or for a user of it; they reveal neither.

    The login and other options of the URL do not matter, nor by which path a file is reached.
    """
    where = str(sqlite_path(url).resolve()) if is_sqlite_url(url) else _address(url)
    text = where if user_id is None else f"{where} {user_id}"
    return sha256(text.encode()).hexdigest()[:16]


def _address(url: str) -> str:
    """Return the server and the name of the database."""
    try:
        parts = urlsplit(url)
        return f"{_server(parts)}{parts.path}"
    except ValueError:
        raise misconfigured(INVALID_ADDRESS) from None


def _server(parts: SplitResult) -> str:
    hosts, query = parts.netloc.rpartition("@")[2], parse_qs(parts.query)
    if "," in hosts:
        return hosts
    host, port = (
        query.get(name, [value])[0]
        for name, value in (("host", parts.hostname), ("port", parts.port))
    )
    return f"{host}:{port}"
