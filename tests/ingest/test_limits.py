"""Too much, too slow, too odd: refused in a clear way, and nobody else has to wait for it."""

import socket
from contextlib import ExitStack
from typing import Any

import pytest
from ingest.process import PATIENCE, Running, serving

from readwatch.ingest.server import IDLE_SECONDS, MAX_HEADER_BYTES, THREADS
from readwatch.ingest.slow_bodies import BODY_SECONDS, Wait, given_up

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_linux = pytest.mark.skipif("sys.platform != 'linux'", reason="elsewhere a proxy has to do it")

LIVEZ = b"GET /livez HTTP/1.1\r\nHost: readwatch\r\n\r\n"


def connection(server: Running, sent: bytes, source: str = "127.0.0.1") -> socket.socket:
    """Return a connection over which something was sent."""
    opened = socket.create_connection(("127.0.0.1", server.port), PATIENCE, (source, 0))
    opened.sendall(sent)
    return opened


# Slow apps --------------------------------------------------------------------------------------


@on_linux
@on_sqlite
def test_bodies_that_do_not_arrive_keep_nobody_waiting(url: str, cast: Any) -> None:
    start = b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"
    with serving(url) as server, ExitStack() as opened:
        ann = server.app("ann@example.org")
        slow = [
            opened.enter_context(connection(server, start, "127.0.0.2")) for _ in range(3 * THREADS)
        ]
        assert ann.post("/api/heartbeat") == (200, {"heartbeat_seconds": 60})
        assert slow[0].recv(100) == b"", "closed"
        assert server.stop() == (0, "", "")


@on_sqlite
def test_headers_that_do_not_arrive_keep_nobody_waiting(url: str, cast: Any) -> None:
    with serving(url) as server, ExitStack() as opened:
        slow = [opened.enter_context(connection(server, b"G")) for _ in range(200)]
        ann = server.app("ann@example.org")
        for letter in LIVEZ[1:].decode():
            for one in slow:
                one.sendall(letter.encode())
            assert ann.post("/api/heartbeat")[0] == 200
        assert all(one.recv(100).startswith(b"HTTP/1.1 200 OK") for one in slow)


def test_half_of_the_threads_can_wait_for_slow_bodies_but_not_for_ever() -> None:
    waits = [Wait("127.0.0.1", since) for since in (5.0, 3.0, 4.0, 100.0)]
    assert list(given_up(waits, 3, now=6.0)) == []
    assert [wait.since for wait in given_up(waits, 1, now=6.01)] == [3.0, 4.0]
    assert [wait.since for wait in given_up(waits, 4, now=4.5 + BODY_SECONDS)] == [3.0, 4.0]


@pytest.mark.proof
@on_sqlite
def test_a_connection_without_a_request_is_closed(url: str, cast: Any) -> None:
    with serving(url) as server, ExitStack() as opened:
        idle = [opened.enter_context(connection(server, sent)) for sent in (b"", LIVEZ[:9], LIVEZ)]
        assert idle[2].recv(1000).startswith(b"HTTP/1.1 200 OK")
        for one in idle:
            one.settimeout(IDLE_SECONDS + PATIENCE)
            assert one.recv(1000) == b""


# Headers ----------------------------------------------------------------------------------------


@on_sqlite
def test_a_header_that_is_too_large_is_refused(url: str, cast: Any) -> None:
    with serving(url) as server:
        large = LIVEZ[:-2] + b"User-Agent: " + b"x" * 2 * MAX_HEADER_BYTES
        with connection(server, large) as app:
            assert app.recv(1000).startswith(b"HTTP/1.1 431 ")
