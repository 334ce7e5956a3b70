"""Whether the service lives."""

from typing import Literal

from flask import Blueprint
from typing_extensions import TypedDict

from readwatch.ingest.openapi import ANYONE, described

routes = Blueprint("health", __name__)


class Living(TypedDict):
    """The service answers."""

    status: Literal["ok"]


@routes.get("/livez")
@described({200: Living}, who=ANYONE)
def livez() -> Living:
    """Answer as long as the process can answer anything."""
    return {"status": "ok"}
