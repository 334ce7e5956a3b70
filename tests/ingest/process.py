"""`readwatch serve` in a separate process, and apps that use it over a socket."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from conftest import PASSWORD

TIMEOUT = 30
"""Seconds after which a test gives up; nothing takes that long unless it hangs."""


@dataclass
class ServerProcess:
    """A server process that has printed where it listens."""

    process: subprocess.Popen[str]
    port: int
    apps: list["App"] = field(default_factory=list)

    def app(self, email: str | None = None) -> "App":
        app = App(HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT))
        self.apps.append(app)
        if email is not None:
            status, answer = app.post("/api/login", {"email": email, "password": PASSWORD})
            assert status == 200, answer
            app.token = answer["token"]
        return app

    def until_ready(self) -> None:
        """Wait until the server says that it is ready."""
        deadline = time.monotonic() + TIMEOUT
        while (answer := self.app().request("GET", "/readyz"))[0] != 200:
            assert time.monotonic() < deadline, answer

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Stop the server; return the exit code and what it printed after the first line."""
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        """Wait for the end; return the exit code, standard output and warnings on stderr.

        Slow requests are left out: on a busy machine any may be slow.
        """
        out, err = self.process.communicate(timeout=TIMEOUT)
        left_out = (" INFO ", "slow request: ")
        lines = err.splitlines(keepends=True)
        warnings = [line for line in lines if not any(words in line for words in left_out)]
        return self.process.returncode, out, "".join(warnings)


@dataclass
class App:
    """An app with one connection that stays open."""

    connection: HTTPConnection
    token: str = field(default="", repr=False)

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        self.connection.request(method, path, body and json.dumps(body), headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")

    def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        return self.request("POST", path, body)


_ENVIRONMENT = {
    "PYTHONFAULTHANDLER": "1",  # otherwise nothing shows that a worker crashed at its end
    # On a busy machine any statement may be slow, and tests compare the whole log.
    "READWATCH_SLOW_QUERY_MS": "0",
}


def serve_command(url: str, *arguments: str) -> list[str]:
    start = [sys.executable, "-m", "readwatch", "--database", url, "serve"]
    return [*start, "--bcrypt-cost", "4", *arguments]


@contextmanager
def serving(
    url: str,
    port: int = 0,
    *,
    before: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[ServerProcess]:
    """Start a server, on a free port if none is given, and leave no process behind.

    `before` is a command that runs it, such as nohup.
    """
    process = subprocess.Popen(
        [*before, *serve_command(url, "--port", str(port))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_without_settings() | _ENVIRONMENT | dict(environment or {}),
        start_new_session=True,
    )
    with process:
        try:
            server = ServerProcess(process, announced_port(process))
            yield server
            for app in server.apps:
                app.connection.close()
        finally:
            if process.poll() is None:
                end(process)
            with suppress(ProcessLookupError):
                os.killpg(
                    process.pid, signal.SIGKILL
                )  # a worker that still runs after the main process


def _without_settings() -> dict[str, str]:
    return {name: it for name, it in os.environ.items() if not name.startswith("READWATCH_")}


def announced_port(process: subprocess.Popen[str]) -> int:
    """Return the port on which the server says that it listens."""
    assert process.stdout
    in_time = select.select([process.stdout], [], [], TIMEOUT)[0]
    line = process.stdout.readline() if in_time else "nothing in time"
    start, _, port = line.rstrip("\n").rpartition(":")
    if start != "listening on http://127.0.0.1":
        raise AssertionError(f"it printed {line!r} and {end(process)!r}")
    return int(port)


def end(process: subprocess.Popen[str]) -> str:
    """End a server and return what it printed on stderr."""
    process.terminate()
    try:
        return process.communicate(timeout=TIMEOUT)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the worker is a process of its own
        return process.communicate()[1]
