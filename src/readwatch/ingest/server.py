"""The server process: granian with one worker and many threads."""

import logging
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.util import Finalize
from threading import Thread, get_ident
from time import monotonic, sleep
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server
from granian.server.common import AbstractServer

from readwatch.domain.errors import ErrorKind, ReadwatchError, misconfigured, unavailable
from readwatch.ingest import logs
from readwatch.ingest.app import create_app
from readwatch.ingest.body_reads import MAX_DISCARDED
from readwatch.ingest.body_timeout import BodyTimeout
from readwatch.ingest.file_limit import connection_limit
from readwatch.ingest.listen_address import listening_port, lock_address, resolve_host
from readwatch.ingest.load_shedding import MAX_REQUESTS
from readwatch.ingest.services import Services, Settings, current_services
from readwatch.store.engine.connections import close_all, driver_connection, is_sqlite
from readwatch.store.engine.migrations import open_current
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import FileIdentity, file_identity, file_lost, sqlite_path

SPARE_THREADS = 8
"""The threads besides those of the requests in progress and of discarded bodies: they answer health
checks, and requests that find no slot wait in them or are refused."""

THREADS = MAX_REQUESTS + 2 * MAX_DISCARDED + SPARE_THREADS
"""The maximum number of threads of the server."""

IDLE_TIMEOUT_SECONDS = 75
"""The longest wait for the next header on an open connection; proxies keep connections for 60 s."""

MAX_HEADER_BYTES = 32 * 1024

RESTART_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
"""Seconds before each new start of a worker that ends again and again; then the server gives up."""

STABLE_SECONDS = 60.0
"""After a worker has run for so long, the pauses begin again."""

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
        services: Services = app.extensions["readwatch"]
        BodyTimeout(
            services.body_reads,
            self._port,
            max_slow=MAX_REQUESTS // 2,
            max_connections=connection_limit(),
            episodes=(services.body_reads.refusals, services.request_slots.refusals),
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
    # An error of the worker would not end the command: what cannot work is refused here.
    close_all(open_current(settings.database_url, Role.INGEST))
    host = resolve_host(host)
    port = listening_port(host, port)
    address_lock = lock_address(host, port)
    try:
        _run_workers(settings, host, port)
    finally:
        if address_lock is not None:
            address_lock.close()


def _run_workers(settings: Settings, host: str, port: int) -> None:
    """Run a worker until the server is stopped; start another one if it ends by itself.

    The next one starts after a pause, which grows while workers end soon after their start. The
    error says why none is started.
    """
    file = file_identity(settings.database_url)
    server = granian_server(host, port)
    logs.install(settings.log_format)
    server.on_startup(_stop_with_terminal(server))
    pauses = iter(RESTART_PAUSES)
    while True:
        started_at = monotonic()
        try:
            server.serve(target_loader=_AppLoader(settings, host, port), wrap_loader=False)
            return
        except SystemExit:  # the worker ended by itself
            server.main_loop_interrupt.clear()
            if server.interrupt_signal:
                raise
        if monotonic() - started_at >= STABLE_SECONDS:
            pauses = iter(RESTART_PAUSES)
        pause = _next_pause(pauses)
        _log.error("the worker ended unexpectedly; another one starts after %g s", pause)
        server.interrupt_children.clear()
        if server.main_loop_interrupt.wait(pause):  # by a signal
            return
        _require_usable(settings.database_url, file)


def _next_pause(pauses: Iterator[float]) -> float:
    pause = next(pauses, None)
    if pause is None:
        raise unavailable(
            f"the worker of the server ended {len(RESTART_PAUSES) + 1} times soon after its start; "
            "look for the reason in the lines above and in the log of the system"
        )
    return pause


def _require_usable(url: str, file: FileIdentity | None) -> None:
    """Refuse a database that no worker can use, or another file in the place of `file`."""
    if file_identity(url) != file:
        raise misconfigured(file_lost(sqlite_path(url)))
    try:
        close_all(open_current(url, Role.INGEST))
    except ReadwatchError as error:
        if error.kind is ErrorKind.MISCONFIGURED:
            raise


def _stop_with_terminal(server: AbstractServer[Any]) -> Callable[[], object]:
    """Return a hook: SIGHUP stops the server, except under nohup; granian would reload on it."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    handler = signal.SIG_IGN if ignored else server.signal_handler_interrupt
    return partial(signal.signal, signal.SIGHUP, handler)


def granian_server(host: str, port: int) -> AbstractServer[Any]:
    """Return granian as readwatch configures it; `host` is an IP address."""
    server = Server(
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
        workers_kill_timeout=10,
    )
    # In this process only: granian's line about the end of a worker would be a second one.
    logging.getLogger("_granian").setLevel(logging.CRITICAL)
    return server
