"""Apps that hang up, send rubbish or bombs: the service goes on for the others, with no fault."""

import gzip
import json
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event

import pytest
from conftest import Cast
from endurance.apps import StubbornApp, Told, activity
from endurance.length import short_and_long
from endurance.truth import assert_healthy, assert_no_fault, events_kept
from ingest.process import TIMEOUT, ServerProcess, serving

from readwatch.store.engine.connections import Database

MIB = 1024 * 1024
ABORT = b"\1\0\0\0\0\0\0\0"
"""SO_LINGER without a time: the connection is reset when it is closed."""


@short_and_long("times", 20, 500)
def test_who_hangs_up_before_the_answer_can_ask_again(
    url: str, cast: Cast, db: Database, rng: Random, times: int, proved: Callable[[str], None]
) -> None:
    """In the middle of the request, or right after it; politely or not."""
    told = Told()
    with serving(url) as server:
        ann = StubbornApp(server.port, cast.ann.email)
        ann.login()
        for number in range(times):
            body = json.dumps(activity(f"event-{number}")).encode()
            request = raw(ann, body)
            at = len(request) if rng.random() < 0.5 else rng.randrange(1, len(request))
            with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as connection:
                if rng.random() < 0.5:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                connection.sendall(request[:at])
        for number in range(times):
            status, answer = ann.post("/api/activities", activity(f"event-{number}"))
            assert status in (200, 201)
            told.note(ann, f"event-{number}", answer)
        ann.connection.close()
        code, _, log = server.stop()
        assert code == 0
        assert_no_fault(log)
    assert events_kept(db) == told.activities
    assert_healthy(db)
    proved(
        f"{times} apps hung up: {told.duplicates} activities had been kept, the others were kept"
        " when they were sent again"
    )


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@short_and_long("times", 2, 100)
def test_bombs_and_rubbish_are_refused_and_take_no_memory(
    url: str, cast: Cast, db: Database, times: int, proved: Callable[[str], None]
) -> None:
    bomb = gzip.compress(bytes(512 * MIB))
    rubbish = {
        b"[" * MIB: 400,
        b'{"a":' * (MIB // 5): 400,
        b'{"activities":' + b"[" * (MIB - 100): 400,
        json.dumps({"activities": [{"activity_type": "Page"}] * 499 + [{}]}).encode(): 200,
    }
    with serving(url) as server:
        ann = StubbornApp(server.port, cast.ann.email)
        ann.login()
        ann.connection.close()
        before = memory(server)
        with ThreadPoolExecutor(1) as thread:
            over = Event()
            largest = thread.submit(largest_memory, server, over)
            for _ in range(times):
                for body, status in rubbish.items():
                    assert sent(ann, body) == status
                assert sent(ann, bomb, "Content-Encoding: gzip\r\n") == 413
            over.set()
        grown = largest.result() - before
        code, _, log = server.stop()
        assert code == 0
        assert_no_fault(log)
    assert events_kept(db) == {}
    assert grown < 64 * MIB, "each thread keeps what one body needs"
    proved(f"{times} times rubbish and bombs of 512 MiB: {grown / MIB:.0f} MiB more memory at most")


def raw(app: StubbornApp, body: bytes, header: str = "") -> bytes:
    head = f"POST /api/activities HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {app.token}\r\n"
    return f"{head}{header}Content-Length: {len(body)}\r\n\r\n".encode() + body


def sent(app: StubbornApp, body: bytes, header: str = "") -> int:
    """Return the status of the answer."""
    with socket.create_connection(("127.0.0.1", app.port), TIMEOUT) as connection:
        connection.sendall(raw(app, body, header))
        answer = connection.recv(65536)
    status = int(answer[9:12])
    assert status < 300 or b"application/problem+json" in answer
    return status


def largest_memory(server: ServerProcess, over: Event) -> int:
    largest = 0
    while not over.wait(0.05):
        largest = max(largest, memory(server))
    return largest


def memory(server: ServerProcess) -> int:
    """Return the bytes that the server and its worker hold."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pgid=,rss="], check=True, capture_output=True, text=True
    )
    pairs = (line.split() for line in listed.stdout.splitlines())
    return sum(int(rss) * 1024 for pgid, rss in pairs if int(pgid) == server.process.pid)
