"""A proxy between a program and PostgreSQL: it drops options as a pooler does, or freezes."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from urllib.parse import quote

from postgres import Server


class Proxy:
    """Passes on what program and server send; the server of the tests is behind it.

    With `drops_options` it leaves out the options that a connection starts with, as PgBouncer does
    with `ignore_startup_parameters = options`.
    """

    def __init__(self, server: Server, *, drops_options: bool) -> None:
        self._server = server
        self._drops_options = drops_options
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._flows = Event()
        self._flows.set()
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.sent_by_program = 0
        """How often a program sent something: once for each statement."""
        Thread(target=self._accept, daemon=True).start()

    def url(self, dbname: str, *, other_hosts: str = "") -> str:
        """The URL of a database through the proxy, after other hosts such as `a:1,b:2,`."""
        user, password = (self._server.parameters.get(name) for name in ("user", "password"))
        login = f"{quote(user)}{f':{quote(password)}' if password else ''}@" if user else ""
        hosts = f"{other_hosts}127.0.0.1:{self.port}"
        return f"postgresql://{login}{hosts}/{quote(dbname)}?sslmode=disable&gssencmode=disable"

    def freeze(self) -> None:
        """Pass on nothing, and close nothing: as a server whose processes are stopped."""
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    def close(self) -> None:
        self.thaw()
        for opened in self._sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the proxy is closed
            while True:
                program, _ = self._listener.accept()
                self.connections += 1
                server = self._connect()
                self._sockets += [program, server]
                Thread(target=self._pass_to_server, args=(program, server), daemon=True).start()
                Thread(target=self._pass_to_program, args=(server, program), daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = (str(self._server.parameters[name]) for name in ("host", "port"))
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _pass_to_server(self, program: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            start = program.recv(65536)
            self._flows.wait()
            server.sendall(without_options(start) if self._drops_options else start)
            while sent := program.recv(65536):
                self.sent_by_program += 1
                self._flows.wait()
                server.sendall(sent)
            server.shutdown(socket.SHUT_WR)

    def _pass_to_program(self, server: socket.socket, program: socket.socket) -> None:
        with suppress(OSError):
            while answer := server.recv(65536):
                self._flows.wait()
                program.sendall(answer)
            program.shutdown(socket.SHUT_WR)


def without_options(startup: bytes) -> bytes:
    """Return PostgreSQL's first message without the parameter `options`.

    https://www.postgresql.org/docs/current/protocol-message-formats.html#STARTUPMESSAGE
    """
    texts = startup[8:].rstrip(b"\0").split(b"\0")
    pairs = zip(texts[::2], texts[1::2], strict=True)
    kept = b"".join(b"%s\0%s\0" % pair for pair in pairs if pair[0] != b"options") + b"\0"
    return struct.pack("!i", len(kept) + 8) + startup[4:8] + kept


@contextmanager
def proxy_to(server: Server, *, drops_options: bool = False) -> Iterator[Proxy]:
    proxy = Proxy(server, drops_options=drops_options)
    try:
        yield proxy
    finally:
        proxy.close()
