"""The Flask application, assembled from its parts."""

from flask import Flask

from readwatch.domain.clock import Clock, system_clock
from readwatch.ingest import (
    account,
    activities,
    feed,
    health,
    heartbeat,
    invitations,
    openapi,
    problems,
    readers,
    sessions,
)
from readwatch.ingest.flask_app import Api
from readwatch.ingest.proxies import behind_proxies
from readwatch.ingest.schemas import IdConverter
from readwatch.ingest.serialization import serialize
from readwatch.ingest.services import Services, Settings


def create_app(settings: Settings, clock: Clock = system_clock) -> Flask:
    """Return the application and start its services; the caller has to close the services."""
    services = Services(settings, clock)
    app = Api(__name__, services.metrics)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # members stay in the order of the code
    app.json.default = serialize  # type: ignore[attr-defined]
    app.url_map.converters["id"] = IdConverter
    app.url_map.merge_slashes = False  # an unknown path is a 404 and never a redirect
    app.extensions["readwatch"] = services
    if settings.proxy_hops:
        app.wsgi_app = behind_proxies(app.wsgi_app, settings.proxy_hops)  # type: ignore[assignment, method-assign]
    problems.install(app)
    for part in (account, activities, feed, health, heartbeat, invitations, readers, sessions):
        app.register_blueprint(part.routes)
    openapi.install(app)
    return app
