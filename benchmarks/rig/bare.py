"""A Flask app that does nothing, to measure the cost of the server and Flask alone."""

from flask import Flask


def create_app() -> Flask:
    app = Flask(__name__, static_folder=None)

    @app.post("/bare")
    def bare() -> dict[str, int]:
        return {"heartbeat_seconds": 60}

    return app
