"""The server process: granian with one worker and many threads."""

import logging
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.util import Finalize
from threading import Thread, get_ident
from time import sleep
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server
from granian.server.common import AbstractServer

from readwatch.domain.errors import misconfigured
from readwatch.ingest import logs
from readwatch.ingest.app import create_app
from readwatch.ingest.body_timeout import BodyTimeout
from readwatch.ingest.services import Settings, services
from readwatch.store.engine.connections import close_all, driver_connection, is_sqlite
from readwatch.store.engine.migrations import open_current
from readwatch.store.engine.privileges import Role

if sys.platform != "win32":
    import resource

THREADS = 32
"""Requests that wait for a commit together: their number is what a group commit can hold."""

MAX_CONNECTIONS = 8192
"""Also those that are kept open between requests; who comes later waits until one is closed."""

IDLE_SECONDS = 75
"""What the header of a request may take, the wait for it included: proxies keep theirs for 60."""

MAX_HEADER_BYTES = 32 * 1024


_log = logging.getLogger(__name__)


class _Loader:
    """Makes the app inside the worker process, and closes it when the worker ends.

    It outlives granian's threads and holds what must not go down with one of them: a connection
    that is let go of while such a thread ends calls back into Python, and before Python 3.12.4
    that crashes the process (https://github.com/python/cpython/issues/119585).
    """

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self._settings = settings
        self._host = host
        self._port = port
        self._app: Flask | None = None
        self._connections: dict[int, object] = {}

    def __call__(self) -> Flask:
        logs.install(self._settings.log_format)
        app = self._app = create_app(self._settings)
        watched = BodyTimeout(app.wsgi_app, self._port, most_slow=THREADS // 2)
        app.wsgi_app = watched  # type: ignore[method-assign]  # as Flask wants it
        app.teardown_request(self._hold_connection)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the main process hears it too, and stops us
        Finalize(None, self._stop, exitpriority=100)
        Thread(target=_announce, args=(self._host, self._port), daemon=True).start()
        Thread(target=_end_with_the_main_process, daemon=True).start()
        return app

    def _stop(self) -> None:
        if self._app is not None:
            self._app.extensions["readwatch"].close()
        _log.info("stopped")

    def _hold_connection(self, _error: BaseException | None) -> None:
        """Hold this thread's connection; that of an earlier thread of the same number goes."""
        db = services().db
        if is_sqlite(db) and not db.is_closed():
            self._connections[get_ident()] = driver_connection(db)


def _announce(host: str, port: int) -> None:
    """Say where the server listens as soon as it does; granian has no hook for that moment."""
    while True:
        try:
            socket.create_connection((host, port)).close()
            break
        except OSError:
            sleep(0.02)
    _log.info("started")
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"listening on http://{shown}:{port}\n")
    sys.stdout.flush()


def _end_with_the_main_process() -> None:
    """Stop also when the main process was killed: nobody else would, and the port stays taken."""
    main_process = multiprocessing.parent_process()
    if main_process is not None:
        main_process.join()
        os.kill(os.getpid(), signal.SIGTERM)


def serve(settings: Settings, host: str, port: int) -> None:
    """Answer requests until SIGTERM, SIGINT or SIGHUP; then finish those under way and stop."""
    close_all(open_current(settings.database_url, Role.INGEST))  # fails here, in a clear sentence
    host = resolve_host(host)
    port = listening_port(host, port)
    alone = lock_address(host, port)
    server = granian_server(host, port)
    logs.install(settings.log_format)
    server.on_startup(_end_with_the_terminal(server))
    server.serve(target_loader=_Loader(settings, host, port), wrap_loader=False)
    if alone is not None:
        alone.close()


def _end_with_the_terminal(server: AbstractServer[Any]) -> Callable[[], object]:
    """Return what makes SIGHUP stop the server instead of reloading it, unless nohup started it."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    handler = signal.SIG_IGN if ignored else server.signal_handler_interrupt
    return partial(signal.signal, signal.SIGHUP, handler)


def granian_server(host: str, port: int) -> AbstractServer[Any]:
    """Return granian as readwatch runs it, on a numeric address; the benchmarks start others so."""
    return Server(
        "readwatch",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        blocking_threads_idle_timeout=600,
        backpressure=connection_limit(),
        http=HTTPModes.http1,  # while granian finds out which protocol it is, no time-out runs
        http1_settings=HTTP1Settings(
            header_read_timeout=IDLE_SECONDS * 1000, max_buffer_size=MAX_HEADER_BYTES
        ),
        websockets=False,
        log_level=LogLevels.error,
        log_dictconfig=logs.GRANIAN,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )


def connection_limit() -> int:
    """Return how many connections can be open, after asking the system for as many files."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MAX_CONNECTIONS
    files = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, files), hard))
    return files // 2


def resolve_host(host: str) -> str:
    """Return the address of a host, which is what granian takes; IPv4 where there are both."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM) if host else []
    except OSError:
        found = []
    families = {family: str(address[0]) for family, _, _, _, address in found}
    address = families.get(socket.AF_INET) or families.get(socket.AF_INET6)
    if address is None:
        raise misconfigured(f"there is no host {host!r} to listen on; choose another with --host")
    return address


def lock_address(host: str, port: int) -> socket.socket | None:
    """Be the only readwatch on this address until the socket is closed; None where unknown.

    Granian shares its port with whoever asks in the same way, so the port alone does not tell.
    """
    if sys.platform != "linux":
        return None
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0readwatch on {host} port {port}")  # no file: it goes with the process
    except OSError:
        name.close()
        raise misconfigured(
            f"cannot listen on {host} port {port}: another readwatch does; "
            "choose another with --port"
        ) from None
    return name


def listening_port(host: str, port: int) -> int:
    """Return the port to listen on, any free one for 0; one that is in use is refused."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise misconfigured(f"port {port} needs more rights; choose one above 1023") from None
        except OSError as error:
            raise misconfigured(
                f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port"
            ) from None
        bound: int = probe.getsockname()[1]
        return bound
