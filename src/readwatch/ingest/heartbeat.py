"""The app's "still here"."""

from flask import Blueprint
from typing_extensions import TypedDict

from readwatch.ingest.authentication import current_reader
from readwatch.ingest.openapi import READERS, described
from readwatch.ingest.services import services

routes = Blueprint("heartbeat", __name__)


class Heard(TypedDict):
    """When the next heartbeat is due."""

    heartbeat_seconds: int


@routes.post("/api/heartbeat")
@described({200: Heard}, who=READERS)
def heartbeat() -> Heard:
    """Move `last_heartbeat` and say when to come again; the body is not looked at."""
    running = services()
    due = running.load.admit_heartbeat()
    running.writer.heartbeat(current_reader(), running.now())
    return {"heartbeat_seconds": due}
