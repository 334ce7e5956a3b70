"""The server process: granian with one worker and many threads."""

import logging
import socket
from multiprocessing.util import Finalize

from flask import Flask
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from readwatch.domain.errors import misconfigured
from readwatch.ingest.app import create_app
from readwatch.ingest.service import Settings

THREADS = 32
"""Requests that wait for a commit together: their number is what a group commit can hold."""


class _Loader:
    """Makes the app inside the worker process, and closes it when the worker ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self) -> Flask:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        app = create_app(self._settings)
        Finalize(None, app.extensions["readwatch"].close, exitpriority=100)
        return app


def serve(settings: Settings, host: str, port: int) -> None:
    """Answer requests until SIGTERM or SIGINT; then finish those under way and stop."""
    create_app(settings).extensions["readwatch"].close()  # fails here, with a clear sentence
    server = Server(
        "readwatch",
        address=host,
        port=free_port(host, port),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        blocking_threads_idle_timeout=600,
        backpressure=1024,
        websockets=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )
    server.serve(target_loader=_Loader(settings), wrap_loader=False)


def free_port(host: str, port: int) -> int:
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
