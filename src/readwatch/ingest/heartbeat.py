"""Heartbeats: an app reports that its session is still in use."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field
from typing_extensions import TypedDict

from readwatch.ingest.authorization import require_reader
from readwatch.ingest.openapi import READERS, documented
from readwatch.ingest.services import current_services

routes = Blueprint("heartbeat", __name__)


class NextHeartbeat(TypedDict):
    """When to send the next heartbeat."""

    heartbeat_seconds: Annotated[int, Field(description="send the next heartbeat after this time")]


@routes.post("/api/heartbeat")
@documented({200: NextHeartbeat}, roles=READERS)
def heartbeat() -> NextHeartbeat:
    """Update `last_heartbeat` and return the seconds until the next heartbeat is due.

    The body is ignored. A heartbeat is written to the database within about a second. A post of
    activities counts as a heartbeat, too.
    """
    services, reader = current_services(), require_reader()
    seconds = services.load_shedder.accept_heartbeat()
    services.writer.heartbeat(reader, services.now())
    return {"heartbeat_seconds": seconds}
