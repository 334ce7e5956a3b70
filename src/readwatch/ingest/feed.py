"""The live feed of activities, for consultants and admins."""

from typing import Any

from flask import Blueprint

from readwatch.ingest.authentication import current_staff
from readwatch.ingest.bodies import PageAfter, query
from readwatch.ingest.service import service
from readwatch.ingest.shown import shown
from readwatch.store import overview
from readwatch.store.database import using

routes = Blueprint("feed", __name__)


@routes.get("/api/activities")
def feed() -> dict[str, Any]:
    """Return activities in the order of their arrival: those after the id `after`, else the latest.

    Who asks again with the last id that came misses nothing.
    """
    page = query(PageAfter)
    current_staff()
    with using(service().db) as db:
        found = (
            overview.activity_feed(db, length=page.limit)[::-1]
            if page.after is None
            else overview.activities_after(db, page.after, length=page.limit)
        )
    return {"activities": [shown(activity) for activity in found]}
