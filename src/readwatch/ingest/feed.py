"""The live feed of activities, for consultants and admins."""

from collections.abc import Sequence

from flask import Blueprint
from typing_extensions import TypedDict

from readwatch.domain.activities import RecordedActivity
from readwatch.ingest.authentication import authorize_list
from readwatch.ingest.openapi import STAFF, documented
from readwatch.ingest.schemas import PageAfter, query_parameters
from readwatch.ingest.services import services
from readwatch.store.engine.connections import connection
from readwatch.store.lists.feed import activities_after, activity_feed

routes = Blueprint("feed", __name__)


class Activities(TypedDict):
    """A page of activities."""

    activities: Sequence[RecordedActivity]


@routes.get("/api/activities")
@documented({200: Activities}, roles=STAFF, query=PageAfter)
def feed() -> Activities:
    """Return activities in the order of their arrival: those after the id `after`, else the latest.

    Who asks again with the last id that came misses nothing. Metadata is left out: that is in
    the reader's own list, where the look is on record.
    """
    authorize_list("activities")
    page = query_parameters(PageAfter)
    with connection(services().db) as db:
        found = (
            activity_feed(db, length=page.limit)[::-1]
            if page.after is None
            else activities_after(db, page.after, length=page.limit)
        )
    return {"activities": found}
