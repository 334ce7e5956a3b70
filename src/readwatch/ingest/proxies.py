"""Reverse proxies: the client's address as the outermost trusted proxy received it."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def behind_proxies(app: Wsgi, hops: int) -> Wsgi:
    """Return the application with `REMOTE_ADDR` from X-Forwarded-For, `hops` entries from its end.

    Without a valid address in that entry, `REMOTE_ADDR` stays the address of the connection.
    """

    def with_valid_address(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _is_address(environ["REMOTE_ADDR"]):
            environ["REMOTE_ADDR"] = environ["werkzeug.proxy_fix.orig"]["REMOTE_ADDR"]
        return app(environ, start_response)

    return ProxyFix(with_valid_address, x_for=hops, x_proto=0)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone id is valid only on the machine of the proxy
