"""The Flask application: its parts put together, and nothing else."""

from flask import Flask, Response

from readwatch.domain.clock import Clock, system_clock
from readwatch.ingest import (
    account,
    activities,
    feed,
    health,
    heartbeat,
    openapi,
    problems,
    readers,
    requests,
)
from readwatch.ingest.bodies import IdConverter
from readwatch.ingest.proxies import behind_proxies
from readwatch.ingest.service import Service, Settings
from readwatch.ingest.shown import shown


def create_app(settings: Settings, clock: Clock = system_clock) -> Flask:
    """Return the application with its service running; whoever made it closes the service."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # answers read as they are written
    app.json.default = shown  # type: ignore[attr-defined]
    app.url_map.converters["id"] = IdConverter
    app.url_map.merge_slashes = False  # an unknown address is one, and no redirect
    running = app.extensions["readwatch"] = Service(settings, clock)
    requests.install(app, running.metrics)
    if settings.proxy_hops:
        app.wsgi_app = behind_proxies(app.wsgi_app, settings.proxy_hops)  # type: ignore[assignment, method-assign]
    problems.install(app)
    app.after_request(_keep_to_the_asker)
    for part in (account, activities, feed, health, heartbeat, readers):
        app.register_blueprint(part.routes)
    openapi.install(app)
    return app


def _keep_to_the_asker(answer: Response) -> Response:
    """Let nobody on the way keep an answer, unless it says otherwise, or guess its type."""
    answer.headers.add("X-Content-Type-Options", "nosniff")
    if "Cache-Control" not in answer.headers:
        answer.headers.add("Cache-Control", "no-store")
    return answer
