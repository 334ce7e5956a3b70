"""The live feed of activities, for consultants and admins."""

from collections.abc import Sequence

from flask import Blueprint
from typing_extensions import TypedDict

from readwatch.domain.activities import RecordedActivity
from readwatch.ingest.authorization import authorize_list
from readwatch.ingest.openapi import STAFF, Link, documented
from readwatch.ingest.schemas import PageAfter, query_parameters
from readwatch.ingest.services import current_services
from readwatch.store.engine.connections import connection
from readwatch.store.lists.feed import activities_after, activity_feed

routes = Blueprint("feed", __name__)


class Activities(TypedDict):
    """A page of activities."""

    activities: Sequence[RecordedActivity]


@routes.get("/api/activities")
@documented(
    {200: Activities},
    roles=STAFF,
    query=PageAfter,
    links=(
        Link(
            "feed_feed",
            "The activities after the first one.",
            parameters={"after": "$response.body#/activities/0/id"},
        ),
        Link(
            "readers_reader",
            "The reader of the first activity.",
            parameters={"reader_id": "$response.body#/activities/0/user_id"},
        ),
    ),
)
def feed() -> Activities:
    """Return activities in the order of their arrival: those after the id `after`, or the latest.

    Send the last id that you received as `after`, and you miss no activity. Metadata is left out:
    read it in the reader's own list, where the access is logged.
    """
    access = authorize_list("activities")
    page = query_parameters(PageAfter)
    with connection(current_services().db) as db:
        activities = (
            activity_feed(db, access, length=page.limit)[::-1]
            if page.after is None
            else activities_after(db, access, page.after, length=page.limit)
        )
    return {"activities": activities}
