"""Serves one of the apps by one of the servers, in a separate process.

python -m rig.host APP SERVER PORT [--database URL] [--synchronous FULL] [--workers 2]
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from readwatch.ingest.app import create_app
from readwatch.ingest.load_shedding import MAX_REQUESTS
from readwatch.ingest.server import granian_server
from readwatch.ingest.services import Settings
from rig import bare, recipe

HOST = "127.0.0.1"

Loader = Callable[[], Flask]


def granian(load: Loader, port: int, workers: int) -> None:
    granian_server(HOST, port).serve(target_loader=load, wrap_loader=False)


def waitress(load: Loader, port: int, workers: int) -> None:
    from waitress import serve

    serve(load(), host=HOST, port=port, threads=MAX_REQUESTS, connection_limit=1024)


def gunicorn(load: Loader, port: int, workers: int) -> None:
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            settings = {
                "bind": f"{HOST}:{port}",
                "workers": workers,
                "worker_class": "gthread",
                "threads": MAX_REQUESTS,
                "keepalive": 75,
                "loglevel": "error",
                "control_socket_disable": True,
            }
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            return load()  # in the worker, because the writer thread does not survive a fork

    Application().run()


SERVERS = {"granian": granian, "waitress": waitress, "gunicorn": gunicorn}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("app", choices=("bare", "recipe", "readwatch"))
    parser.add_argument("server", choices=SERVERS)
    parser.add_argument("port", type=int)
    parser.add_argument("--database", default="")
    parser.add_argument("--synchronous", default="NORMAL")
    parser.add_argument("--workers", type=int, default=1)
    settings = parser.parse_args()

    def load() -> Flask:
        match settings.app:
            case "bare":
                return bare.create_app()
            case "recipe":
                return recipe.create_app(Path(settings.database), synchronous=settings.synchronous)
            case _:
                return create_app(Settings(settings.database))

    SERVERS[settings.server](load, settings.port, settings.workers)


if __name__ == "__main__":
    main()
