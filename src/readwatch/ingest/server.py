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

from readwatch.ingest import logs
from readwatch.ingest.app import create_app
from readwatch.ingest.body_timeout import BodyTimeout
from readwatch.ingest.listen_address import listening_port, lock_address, resolve_host
from readwatch.ingest.services import Settings, current_services
from readwatch.store.engine.connections import close_all, driver_connection, is_sqlite
from readwatch.store.engine.migrations import open_current
from readwatch.store.engine.privileges import Role

if sys.platform != "win32":
    import resource

THREADS = 32
"""The number of threads: requests that are answered at the same time and can share a commit."""

MAX_CONNECTIONS = 8192
"""The maximum of open connections, including idle ones; further connections wait."""

IDLE_TIMEOUT_SECONDS = 75
"""The longest wait for the next header on an open connection; proxies keep connections for 60 s."""

MAX_HEADER_BYTES = 32 * 1024

_log = logging.getLogger(__name__)


class _AppLoader:
    """Creates the app inside the worker process, and closes it when the worker ends.

    It keeps a reference to the connections of granian's threads until the process ends. Without
    it, a connection would be freed at the end of its thread and call Python code, which crashes
    Python before 3.12.4 (https://github.com/python/cpython/issues/119585).
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
        reads = app.extensions["readwatch"].body_reads
        BodyTimeout(
            reads, self._port, max_slow=THREADS // 2, max_connections=connection_limit()
        ).start()
        app.teardown_request(self._hold_connection)
        signal.signal(
            signal.SIGHUP, signal.SIG_IGN
        )  # the main process gets the signal too, and stops the worker
        Finalize(None, self._stop, exitpriority=100)
        Thread(target=_announce, args=(self._host, self._port), daemon=True).start()
        Thread(target=_stop_with_main_process, daemon=True).start()
        return app

    def _stop(self) -> None:
        if self._app is not None:
            self._app.extensions["readwatch"].close()
        _log.info("stopped")

    def _hold_connection(self, _error: BaseException | None) -> None:
        """Keep a reference to this thread's connection, by the id of the thread."""
        db = current_services().db
        if is_sqlite(db) and not db.is_closed():
            self._connections[get_ident()] = driver_connection(db)


def _announce(host: str, port: int) -> None:
    """Print the address when the server begins to listen; granian has no hook for this."""
    while True:
        try:
            socket.create_connection((host, port)).close()
            break
        except OSError:
            sleep(0.02)
    _log.info("started")
    url_host = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"listening on http://{url_host}:{port}\n")
    sys.stdout.flush()


def _stop_with_main_process() -> None:
    """Stop the worker if the main process was killed; otherwise the worker would keep the port."""
    main_process = multiprocessing.parent_process()
    if main_process is not None:
        main_process.join()
        os.kill(os.getpid(), signal.SIGTERM)


def serve(settings: Settings, host: str, port: int) -> None:
    """Answer requests until SIGTERM, SIGINT or SIGHUP; then finish the current ones and stop."""
    close_all(
        open_current(settings.database_url, Role.INGEST)
    )  # raises a clear error if the port is in use
    host = resolve_host(host)
    port = listening_port(host, port)
    address_lock = lock_address(host, port)
    server = granian_server(host, port)
    logs.install(settings.log_format)
    server.on_startup(_stop_with_terminal(server))
    server.serve(target_loader=_AppLoader(settings, host, port), wrap_loader=False)
    if address_lock is not None:
        address_lock.close()


def _stop_with_terminal(server: AbstractServer[Any]) -> Callable[[], object]:
    """Return a hook: SIGHUP stops the server, except under nohup; granian would reload on it."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    handler = signal.SIG_IGN if ignored else server.signal_handler_interrupt
    return partial(signal.signal, signal.SIGHUP, handler)


def granian_server(host: str, port: int) -> AbstractServer[Any]:
    """Return granian as readwatch configures it; `host` is an IP address."""
    return Server(
        "readwatch",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        blocking_threads_idle_timeout=600,
        backpressure=connection_limit(),
        http=HTTPModes.http1,  # without it granian detects the protocol, which has no timeout
        http1_settings=HTTP1Settings(
            header_read_timeout=IDLE_TIMEOUT_SECONDS * 1000, max_buffer_size=MAX_HEADER_BYTES
        ),
        websockets=False,
        log_level=LogLevels.error,
        log_dictconfig=logs.GRANIAN,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )


def connection_limit() -> int:
    """Raise the limit of open files, and return the number of connections that it allows."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 2 * MAX_CONNECTIONS
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, files), hard))
    return files // 2
