"""Whose request it is when proxies stand in front: the address that the farthest known one saw."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def behind_proxies(app: Wsgi, hops: int) -> Wsgi:
    """Return the application with `REMOTE_ADDR` taken from X-Forwarded-For, `hops` from its end.

    Where the header has fewer addresses, or no address there, it stays that of the connection.
    """

    def with_a_real_address(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _is_address(environ["REMOTE_ADDR"]):
            environ["REMOTE_ADDR"] = environ["werkzeug.proxy_fix.orig"]["REMOTE_ADDR"]
        return app(environ, start_response)

    return ProxyFix(with_a_real_address, x_for=hops, x_proto=0)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # an interface of the proxy's machine says nothing here
