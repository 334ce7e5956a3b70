"""Activities, one at a time or many: acknowledged once they are on disk."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from flask import Blueprint
from typing_extensions import TypedDict

from readwatch.domain.activities import Activity, ActivityStatus
from readwatch.domain.errors import ReadwatchError, conflict
from readwatch.domain.sessions import Principal
from readwatch.ingest.authentication import require_reader
from readwatch.ingest.openapi import READERS, documented
from readwatch.ingest.problems import InvalidRequest, Problem, problem_from
from readwatch.ingest.request_body import json_object
from readwatch.ingest.schemas import ActivityBody, BatchBody, validated
from readwatch.ingest.services import services
from readwatch.store.recording.activities import ActivityBatch, Result

routes = Blueprint("activities", __name__)

_CONFLICT = "this event_id was used before with other content"


class Duplicate(TypedDict):
    """It was kept before, by this id."""

    status: Literal[ActivityStatus.DUPLICATE]
    id: int


class Accepted(TypedDict):
    """It is on disk, by this id."""

    status: Literal[ActivityStatus.ACCEPTED]
    id: int


class Conflict(TypedDict):
    """It is not kept: by this id there is another activity with the same event_id."""

    status: Literal[ActivityStatus.CONFLICT]
    id: int
    problem: Problem


class Invalid(TypedDict):
    """It is not kept."""

    status: Literal["invalid"]
    problem: Problem


ItemResult = Accepted | Duplicate | Conflict | Invalid


class Results(TypedDict):
    """What became of the activities of a batch, in their order."""

    results: list[ItemResult]


Answer = tuple[Accepted | Duplicate | Results, int]


@routes.post("/api/activities")
@documented(
    {200: Duplicate | Results, 201: Accepted},
    roles=READERS,
    body=ActivityBody | BatchBody,
    errors=(409,),
)
def add_activities() -> Answer:
    """Keep one activity, or each good one of a batch."""
    reader, body = require_reader(), json_object()
    return _add_batch(reader, body) if "activities" in body else _add_one(reader, body)


def _add_one(reader: Principal, body: dict[str, Any]) -> Answer:
    item = _checked_item(body)
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


def _add_batch(reader: Principal, body: dict[str, Any]) -> Answer:
    batch = validated(BatchBody, body)
    items = [_checked_item(item) for item in batch.activities]
    good = [item for item in items if isinstance(item, Activity)]
    results = iter(_record(reader, good, batch.sent_at) if good else ())
    shown = [
        _shown(next(results)) if isinstance(item, Activity) else _refused(item) for item in items
    ]
    return Results(results=shown), 200


def _record(
    reader: Principal, activities: Sequence[Activity], sent_at: datetime | None
) -> Sequence[Result]:
    running = services()
    results = running.writer.record(
        ActivityBatch(reader, tuple(activities), running.now(), sent_at)
    )
    for result in results:
        running.metrics.count_activity(
            "invalid" if isinstance(result, ReadwatchError) else result.status
        )
    return results


def _checked_item(item: object) -> Activity | InvalidRequest:
    try:
        return validated(ActivityBody, item)
    except InvalidRequest as error:
        services().metrics.count_activity("invalid")
        return error


def _shown(result: Result) -> ItemResult:
    if isinstance(result, ReadwatchError):
        return _refused(result)
    match result.status:
        case ActivityStatus.CONFLICT:
            problem = problem_from(conflict(_CONFLICT, field="event_id"))
            return Conflict(status=result.status, id=result.id, problem=problem)
        case ActivityStatus.DUPLICATE:
            return Duplicate(status=result.status, id=result.id)
        case ActivityStatus.ACCEPTED:
            return Accepted(status=result.status, id=result.id)


def _refused(error: ReadwatchError | InvalidRequest) -> Invalid:
    return Invalid(status="invalid", problem=problem_from(error))
