"""The service at its configured address, and the proxies in front of it."""

import ipaddress
from collections.abc import Collection, Iterator
from pathlib import Path

from readwatch import __version__
from readwatch.domain.findings import Finding, error, ok, warning
from readwatch.domain.server_answer import ServerAnswer, ServerState

SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

_LISTENS = "0A"
_WEB_PORTS = (443, 80)


def answer_findings(answer: ServerAnswer, schema: int, *, is_expected: bool) -> Iterator[Finding]:
    """Check what the service answers; `schema` is the number of this program's schema.

    `is_expected` if the service of this database can only run on this machine.
    """
    text = answer.sentence
    match answer.state:
        case ServerState.READY if (answer.version, answer.schema) != (__version__, schema):
            yield error(
                "service",
                f"{text}; this program has version {__version__}, schema {schema}",
                "restart the service with this version, or use its version here",
            )
        case ServerState.READY:
            yield ok("service", text)
        case ServerState.NOT_READY:
            yield error("service", text, "see what its log says; docs/troubleshooting.md")
        case ServerState.STOPPED if is_expected:
            yield warning("service", f"{text}, so apps cannot post", "readwatch serve")
        case ServerState.STOPPED:
            yield ok("service", f"{text}; it may run on another machine")
        case ServerState.SILENT:
            yield error("service", text, "look at its log, and restart it")
        case ServerState.ANOTHER_PROGRAM:
            yield error("service", text, "choose a free port: READWATCH_PORT")


def proxy_findings(hops: int, host: str, listening: Collection[int]) -> Iterator[Finding]:
    """Compare the number of proxies in the settings with what listens on this machine."""
    is_local = _is_loopback(host)
    web_port = next((port for port in _WEB_PORTS if port in listening), None)
    if hops and not is_local:
        yield warning(
            "proxies",
            f"the service trusts {hops} entries of X-Forwarded-For, and listens on {host}: who "
            "does not come through the proxy can claim any address",
            "set host = 127.0.0.1, or let a firewall admit only the proxy",
        )
    elif not hops and is_local and web_port is not None:
        yield warning(
            "proxies",
            f"a program listens on port {web_port}, and the service only on {host}: if that is its "
            "proxy, all apps have the address of the proxy",
            "set proxy_hops = 1 if it is a proxy of the service",
        )
    else:
        yield ok("proxies", f"proxy_hops = {hops} fits what listens here")


def listening_ports(table: str) -> frozenset[int]:
    """Return the ports on which programs listen, from the text of one of `SOCKETS`."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return frozenset(
        int(row[1].rpartition(":")[2], 16) for row in rows if len(row) > 3 and row[3] == _LISTENS
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
