"""Activities, one or many per request; they are acknowledged after the commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from flask import Blueprint
from typing_extensions import TypedDict

from readwatch.domain.activities import Activity, ActivityStatus
from readwatch.domain.errors import ReadwatchError, conflict
from readwatch.domain.sessions import Principal
from readwatch.ingest.authorization import require_reader
from readwatch.ingest.openapi import READERS, Link, documented
from readwatch.ingest.problems import InvalidRequest, Problem, problem_from
from readwatch.ingest.request_body import json_object
from readwatch.ingest.schemas import ActivityBody, BatchBody, validated
from readwatch.ingest.services import current_services
from readwatch.store.recording.activities import ActivityBatch, ActivityOutcome

routes = Blueprint("activities", __name__)

_CONFLICT = "this event_id belongs to an activity with other content"


class Duplicate(TypedDict):
    """The activity is stored already, with this id."""

    status: Literal[ActivityStatus.DUPLICATE]
    id: int


class Accepted(TypedDict):
    """The activity is on disk, with this id."""

    status: Literal[ActivityStatus.ACCEPTED]
    id: int


class Conflict(TypedDict):
    """The activity is not stored: the activity with this id has the same event_id, but other
    content."""

    status: Literal[ActivityStatus.CONFLICT]
    id: int
    problem: Problem


class Invalid(TypedDict):
    """The activity is not stored."""

    status: Literal["invalid"]
    problem: Problem


ItemResult = Accepted | Duplicate | Conflict | Invalid


class BatchResults(TypedDict):
    """One result per activity of a batch, in the same order."""

    results: list[ItemResult]


ActivitiesResponse = tuple[Accepted | Duplicate | BatchResults, int]


@routes.post("/api/activities")
@documented(
    {200: Duplicate | BatchResults, 201: Accepted},
    roles=READERS,
    body=ActivityBody | BatchBody,
    errors=(409,),
    links=(Link("account_me", "The totals after the activities."),),
)
def add_activities() -> ActivitiesResponse:
    """Store one activity, or the valid activities of a batch of up to 500.

    An activity with an `event_id` is stored once: sent again with the same content it is a
    duplicate, with other content a conflict (409), and nothing is stored. The ids of all devices of
    a reader share one space, so use UUIDs. The response is sent after the commit.
    """
    reader = require_reader()
    body = json_object(reader)
    return _add_batch(reader, body) if "activities" in body else _add_one(reader, body)


def _add_one(reader: Principal, body: dict[str, Any]) -> ActivitiesResponse:
    item = _validated_item(body)
    if isinstance(item, InvalidRequest):
        raise item
    (result,) = _record(reader, [item], None)
    if isinstance(result, ReadwatchError):
        raise result
    match result.status:
        case ActivityStatus.CONFLICT:
            raise conflict(_CONFLICT, field="event_id")
        case ActivityStatus.DUPLICATE:
            return Duplicate(status=result.status, id=result.id), 200
        case ActivityStatus.ACCEPTED:
            return Accepted(status=result.status, id=result.id), 201


def _add_batch(reader: Principal, body: dict[str, Any]) -> ActivitiesResponse:
    batch = validated(BatchBody, body)
    items = [_validated_item(item) for item in batch.activities]
    valid = [item for item in items if isinstance(item, Activity)]
    results = iter(_record(reader, valid, batch.sent_at) if valid else ())
    item_results = [
        _item_result(next(results)) if isinstance(item, Activity) else _invalid(item)
        for item in items
    ]
    return BatchResults(results=item_results), 200


def _record(
    reader: Principal, activities: Sequence[Activity], sent_at: datetime | None
) -> Sequence[ActivityOutcome]:
    services = current_services()
    results = services.writer.record(
        ActivityBatch(reader, tuple(activities), arrived_at=services.now(), sent_at=sent_at)
    )
    for result in results:
        services.metrics.count_activity(
            "invalid" if isinstance(result, ReadwatchError) else result.status
        )
    return results


def _validated_item(item: object) -> Activity | InvalidRequest:
    try:
        return validated(ActivityBody, item)
    except InvalidRequest as error:
        current_services().metrics.count_activity("invalid")
        return error


def _item_result(result: ActivityOutcome) -> ItemResult:
    if isinstance(result, ReadwatchError):
        return _invalid(result)
    match result.status:
        case ActivityStatus.CONFLICT:
            problem = problem_from(conflict(_CONFLICT, field="event_id"))
            return Conflict(status=result.status, id=result.id, problem=problem)
        case ActivityStatus.DUPLICATE:
            return Duplicate(status=result.status, id=result.id)
        case ActivityStatus.ACCEPTED:
            return Accepted(status=result.status, id=result.id)


def _invalid(error: ReadwatchError | InvalidRequest) -> Invalid:
    return Invalid(status="invalid", problem=problem_from(error))
