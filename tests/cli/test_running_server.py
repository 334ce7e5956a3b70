"""What an address answers that is not a service of readwatch, or not one that is ready."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Thread

import pytest

from readwatch.cli import running_server
from readwatch.cli.running_server import ask_server
from readwatch.domain.server_answer import ServerState

Answering = Callable[[bytes], int]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """`answering(bytes)` is the port of a program that answers each connection with them."""
    listeners: list[socket.socket] = []

    def start(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        Thread(target=_answer, args=(listener, answer), daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


def _answer(listener: socket.socket, answer: bytes) -> None:
    client, _ = listener.accept()
    with client:
        client.recv(1 << 16)
        client.sendall(answer)


def response(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nDate: Mon, 30 Nov 2026 08:30:01 GMT\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def test_a_service_that_is_ready_tells_version_schema_and_time(answering: Answering) -> None:
    body = '{"status":"ready","version":"1.2","schema":7,"more":1}'
    port = answering(response("200 OK", body))
    answer = ask_server("127.0.0.1", port)
    assert (answer.state, answer.version, answer.schema) == (ServerState.READY, "1.2", 7)
    assert answer.clock == datetime(2026, 11, 30, 8, 30, 1, tzinfo=UTC)
    assert answer.address == f"http://127.0.0.1:{port}"


def test_a_service_that_is_not_ready_tells_why(answering: Answering) -> None:
    answer = ask_server("127.0.0.1", answering(response("503 x", '{"reasons":["a","b"]}')))
    assert (answer.state, answer.reasons) == (ServerState.NOT_READY, ("a", "b"))


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        response("200 OK", "<html></html>"),
        response("200 OK", '{"status":"ready"}'),
        response("200 OK", '["ready"]'),
        response("503 x", "busy"),
        response("404 x", '{"version":"1","schema":1}'),
    ],
)
def test_whatever_else_answers_is_another_program(answering: Answering, sent: bytes) -> None:
    assert ask_server("127.0.0.1", answering(sent)).state is ServerState.ANOTHER_PROGRAM


def test_nobody_listens_and_somebody_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setattr(running_server, "ANSWER_SECONDS", 0.05)
        assert ask_server("127.0.0.1", port).state is ServerState.SILENT
    assert ask_server("127.0.0.1", port).state is ServerState.STOPPED
    assert ask_server("nowhere.invalid", 80).state is ServerState.STOPPED


def test_the_address_of_all_interfaces_is_asked_on_this_machine(
    answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    port = answering(response("200 OK", '{"version":"1.2","schema":7}'))
    answer = ask_server("0.0.0.0", port)  # noqa: S104
    assert (answer.state, answer.address) == (ServerState.READY, f"http://127.0.0.1:{port}")
