"""The Flask application: its parts put together, and nothing else."""

from flask import Flask

from readwatch.domain.clock import Clock, system_clock
from readwatch.ingest import (
    account,
    activities,
    feed,
    health,
    heartbeat,
    metrics,
    openapi,
    problems,
    readers,
)
from readwatch.ingest.bodies import IdConverter
from readwatch.ingest.service import Service, Settings
from readwatch.ingest.shown import shown


def create_app(settings: Settings, clock: Clock = system_clock) -> Flask:
    """Return the application with its service running; whoever made it closes the service."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # answers read as they are written
    app.json.default = shown  # type: ignore[attr-defined]
    app.url_map.converters["id"] = IdConverter
    running = app.extensions["readwatch"] = Service(settings, clock)
    metrics.install(app, running.metrics)
    problems.install(app)
    for part in (account, activities, feed, health, heartbeat, readers):
        app.register_blueprint(part.routes)
    openapi.install(app)
    return app
