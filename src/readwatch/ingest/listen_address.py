"""The address on which the service listens: resolve it, and check that it is free."""

import socket
import sys

from readwatch.domain.errors import misconfigured


def resolve_host(host: str) -> str:
    """Return the IP address of a host, as granian requires it; IPv4 if the host has both."""
    try:
        candidates = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM) if host else []
    except OSError:
        candidates = []
    by_family = {family: str(address[0]) for family, _, _, _, address in candidates}
    address = by_family.get(socket.AF_INET) or by_family.get(socket.AF_INET6)
    if address is None:
        raise misconfigured(f"unknown host {host!r}; choose another with --host")
    return address


def lock_address(host: str, port: int) -> socket.socket | None:
    """Return a socket that reserves this address for one service until the socket is closed.

    Granian shares its port with every process that opens the port in the same way, so opening it
    succeeds even if another readwatch listens there. None on systems without abstract sockets.
    """
    if sys.platform != "linux":
        return None
    lock = socket.socket(socket.AF_UNIX)
    try:
        lock.bind(f"\0readwatch on {host} port {port}")  # no file: it ends with the process
    except OSError:
        lock.close()
        raise misconfigured(
            f"cannot listen on {host} port {port}: another readwatch listens there; "
            "choose another port with --port"
        ) from None
    return lock


def listening_port(host: str, port: int) -> int:
    """Return the port to listen on (for 0, a free one); refuse a port that is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise misconfigured(
                f"port {port} needs root privileges; choose one above 1023"
            ) from None
        except OSError as error:
            raise misconfigured(
                f"cannot listen on {host} port {port}: {error.strerror}; "
                "choose another port with --port"
            ) from None
        free_port: int = probe.getsockname()[1]
        return free_port
