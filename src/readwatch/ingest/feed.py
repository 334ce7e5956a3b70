"""The live feed of activities, for consultants and admins."""

from collections.abc import Sequence

from flask import Blueprint
from typing_extensions import TypedDict

from readwatch.domain.activities import RecordedActivity
from readwatch.ingest.authorization import authorize_list, authorize_rows
from readwatch.ingest.openapi import STAFF, Link, documented
from readwatch.ingest.schemas import PageAfter, query_parameters
from readwatch.ingest.services import current_services
from readwatch.store.engine.connections import connection
from readwatch.store.lists.feed import activity_rows, feed_page

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

    Send the last id that you received as `after`. An app that falls behind by more than 20,000
    activities gets 422 and misses some. Each page is logged with its ids; if its activities are of
    three or fewer readers, each of them is named. Metadata is left out: read it in the reader's own
    list.
    """
    access = authorize_list("activities")
    page, services = query_parameters(PageAfter), current_services()
    with connection(services.db) as db:
        result = feed_page(db, access, after=page.after, length=page.limit)
    ids = f"{result.ids[0]} to {result.ids[-1]}" if result.ids else "none"
    rows = authorize_rows(access, "activities", result.reader_ids, page=ids)
    with connection(services.db) as db:
        activities = activity_rows(db, rows, result.ids, services.now())
    return {"activities": sorted(activities, key=lambda activity: activity.id)}
