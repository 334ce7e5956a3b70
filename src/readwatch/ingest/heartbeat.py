"""The app's "still here"."""

from flask import Blueprint

from readwatch.domain.sessions import HEARTBEAT_SECONDS
from readwatch.ingest.authentication import current_reader
from readwatch.ingest.service import service

routes = Blueprint("heartbeat", __name__)


@routes.post("/api/heartbeat")
def heartbeat() -> dict[str, int]:
    """Move `last_heartbeat` and say when to come again; the body is not looked at."""
    reader, running = current_reader(), service()
    running.writer.heartbeat(reader, running.now())
    return {"heartbeat_seconds": HEARTBEAT_SECONDS}
