"""Activities, one at a time or many: acknowledged once they are on disk."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint

from readwatch.domain.activities import Activity, Outcome
from readwatch.domain.errors import ReadwatchError, conflict
from readwatch.domain.sessions import Caller
from readwatch.ingest.authentication import current_reader
from readwatch.ingest.bodies import ActivityBody, BatchBody, checked, json_object
from readwatch.ingest.problems import InvalidRequest, problem_of
from readwatch.ingest.service import service
from readwatch.store.activities import Post, Result

routes = Blueprint("activities", __name__)

Answer = tuple[dict[str, Any], int]

_CONFLICT = "this event_id was used before with other content"


@routes.post("/api/activities")
def add_activities() -> Answer:
    """Keep one activity, or each good one of a batch."""
    reader, body = current_reader(), json_object()
    return _add_batch(reader, body) if "activities" in body else _add_one(reader, body)


def _add_one(reader: Caller, body: dict[str, Any]) -> Answer:
    (result,) = _record(reader, [checked(ActivityBody, body).activity()], None)
    if isinstance(result, ReadwatchError):
        raise result
    match result.status:
        case Outcome.CONFLICT:
            raise conflict(_CONFLICT, field="event_id")
        case Outcome.DUPLICATE:
            return {"id": result.id, "status": result.status}, 200
        case Outcome.ACCEPTED:
            return {"id": result.id, "status": result.status}, 201


def _add_batch(reader: Caller, body: dict[str, Any]) -> Answer:
    batch = checked(BatchBody, body)
    items = [_checked_item(item) for item in batch.activities]
    good = [item for item in items if isinstance(item, Activity)]
    results = iter(_record(reader, good, batch.sent_at) if good else ())
    shown = [
        _shown(next(results)) if isinstance(item, Activity) else _refused(item) for item in items
    ]
    return {"results": shown}, 200


def _record(
    reader: Caller, activities: Sequence[Activity], sent_at: datetime | None
) -> Sequence[Result]:
    running = service()
    return running.writer.record(Post(reader, tuple(activities), running.now(), sent_at))


def _checked_item(item: object) -> Activity | InvalidRequest:
    try:
        return checked(ActivityBody, item).activity()
    except InvalidRequest as error:
        return error


def _shown(result: Result) -> dict[str, Any]:
    if isinstance(result, ReadwatchError):
        return _refused(result)
    if result.status is Outcome.CONFLICT:
        problem = problem_of(conflict(_CONFLICT, field="event_id"))
        return {"status": result.status, "id": result.id, "problem": problem}
    return {"status": result.status, "id": result.id}


def _refused(error: ReadwatchError | InvalidRequest) -> dict[str, Any]:
    return {"status": "invalid", "problem": problem_of(error)}
