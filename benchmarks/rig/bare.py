"""A Flask app that does nothing: what the server and Flask cost alone."""

from flask import Flask


def create_app() -> Flask:
    app = Flask(__name__, static_folder=None)

    @app.post("/bare")
    def bare() -> dict[str, int]:
        return {"heartbeat_seconds": 60}

    return app
