"""A Flask view that does nothing, served exactly as readwatch serves."""

from flask import Flask
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from readwatch.ingest.server import THREADS, free_port

app = Flask(__name__)


@app.post("/bare")
def bare() -> dict[str, int]:
    """Answer."""
    return {"heartbeat_seconds": 60}


def load_app() -> Flask:
    """Return the app to the worker."""
    return app


if __name__ == "__main__":
    port = free_port("127.0.0.1", 0)
    print(port, flush=True)
    Server(
        "bare",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        blocking_threads_idle_timeout=600,
        backpressure=1024,
        websockets=False,
        log_level=LogLevels.error,
    ).serve(target_loader=load_app, wrap_loader=False)
