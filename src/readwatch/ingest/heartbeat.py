"""The app's "still here"."""

from flask import Blueprint
from typing_extensions import TypedDict

from readwatch.ingest.authentication import require_reader
from readwatch.ingest.openapi import READERS, documented
from readwatch.ingest.services import services

routes = Blueprint("heartbeat", __name__)


class Heard(TypedDict):
    """When the next heartbeat is due."""

    heartbeat_seconds: int


@routes.post("/api/heartbeat")
@documented({200: Heard}, roles=READERS)
def heartbeat() -> Heard:
    """Move `last_heartbeat` and say when to come again; the body is not looked at."""
    running = services()
    due = running.load_shedder.accept_heartbeat()
    running.writer.heartbeat(require_reader(), running.now())
    return {"heartbeat_seconds": due}
