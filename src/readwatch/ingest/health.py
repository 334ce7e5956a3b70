"""Whether the service lives."""

from flask import Blueprint

routes = Blueprint("health", __name__)


@routes.get("/livez")
def livez() -> dict[str, str]:
    """Answer as long as the process can answer anything."""
    return {"status": "ok"}
