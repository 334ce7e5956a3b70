"""Activities: each is stored once, in one transaction with the rollups computed from it."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from readwatch.domain.activities import (
    Activity,
    ActivityResult,
    ActivityStatus,
    corrected_occurred_at,
    fingerprint,
)
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.store.engine.bulk import (
    GIVEN,
    BulkRow,
    BulkStatement,
    insert_given,
    rows_from_json,
    rows_to_json,
)
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.models import ActivityReceipts, ReaderActivities
from readwatch.store.engine.times import to_db_time
from readwatch.store.recording.rollups import ContentKey, RollupChanges

ActivityOutcome = ActivityResult | ReadwatchError
EventKey = tuple[int, str]
"""A reader's id and the app's id of the event."""

# One query before activities are stored: ids larger than all earlier ones, the receipts of the same
# events, and the contents that the readers have begun.
_LOOK_UP = BulkStatement(
    {"position": "bigint", "user_id": "bigint", "event_id": "text", "content_id": "text"},
    """
    SELECT
        (
            SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'reader_activities'
        ) AS last_id,
        (
            SELECT json_group_array(
                json_array(given.position, stored.activity_id, lower(hex(stored.fingerprint)))
            )
            FROM given JOIN activity_receipts stored
            ON stored.user_id = given.user_id AND stored.event_id = given.event_id
        ) AS receipts,
        (
            SELECT json_group_array(given.position)
            FROM given JOIN reader_content_progress stored
            ON stored.user_id = given.user_id AND stored.content_id = given.content_id
        ) AS contents
    """,
    postgresql="""
    SELECT
        (
            SELECT json_agg(nextval(pg_get_serial_sequence('reader_activities', 'id')))
            FROM given
        ) AS new_ids,
        (
            SELECT json_agg(
                json_build_array(
                    given.position, stored.activity_id, encode(stored.fingerprint, 'hex')
                )
            )
            FROM given JOIN activity_receipts stored
            ON stored.user_id = given.user_id AND stored.event_id = given.event_id
        ) AS receipts,
        (
            SELECT json_agg(given.position)
            FROM given JOIN reader_content_progress stored
            ON stored.user_id = given.user_id AND stored.content_id = given.content_id
        ) AS contents
    """,
)
_NEW = {
    "id": "bigint",
    "user_id": "bigint",
    "session_id": "bigint",
    "activity_type": "text",
    "content_id": "text",
    "content_title": "text",
    "progress_percentage": "bigint",
    "duration_seconds": "bigint",
    "metadata_json": "json",
    "event_id": "text",
    "occurred_at": "timestamptz",
    "created_at": "timestamptz",
    "fingerprint": "bytes",
}
_ADD_ACTIVITIES = BulkStatement(
    _NEW,
    insert_given(
        ReaderActivities.id,
        ReaderActivities.user,
        ReaderActivities.session,
        ReaderActivities.activity_type,
        ReaderActivities.content_id,
        ReaderActivities.content_title,
        ReaderActivities.progress_percentage,
        ReaderActivities.duration_seconds,
        ReaderActivities.metadata_json,
        ReaderActivities.event_id,
        ReaderActivities.occurred_at,
        ReaderActivities.created_at,
    ),
)
_ADD_RECEIPTS = BulkStatement(
    _NEW,
    ActivityReceipts.insert_from(
        GIVEN.select(
            GIVEN.c.user_id,
            GIVEN.c.event_id,
            GIVEN.c.id,
            GIVEN.c.fingerprint,
            GIVEN.c.created_at,
        ).where(GIVEN.c.event_id.is_null(False)),
        [
            ActivityReceipts.user,
            ActivityReceipts.event_id,
            ActivityReceipts.activity_id,
            ActivityReceipts.fingerprint,
            ActivityReceipts.created_at,
        ],
    ),
)


@dataclass(frozen=True, slots=True)
class ActivityBatch:
    """The activities of one request, with the times when it was sent and when it arrived."""

    principal: Principal
    activities: tuple[Activity, ...]
    arrived_at: datetime
    sent_at: datetime | None = None


@dataclass(slots=True)
class _Incoming:
    """One activity of a batch, with the values that are computed before the write."""

    principal: Principal
    activity: Activity
    digest: str  # empty without an event_id
    occurred_at: str
    arrived_at: str

    @property
    def event(self) -> EventKey | None:
        """The key by which a repeated event is recognised; None if the app sent no id."""
        event_id = self.activity.event_id
        return None if event_id is None else (self.principal.user_id, event_id)


@dataclass(frozen=True, slots=True)
class _Stored:
    """The stored data about the events of a group, and the ids for new activities."""

    new_ids: Iterator[int]
    receipts: dict[EventKey, tuple[int, str]]  # the activity's id and the digest
    contents: set[ContentKey]


def record_activities(
    db: Database,
    principal: Principal,
    activities: Sequence[Activity],
    now: datetime,
    *,
    sent_at: datetime | None = None,
) -> tuple[ActivityOutcome, ...]:
    """Store the activities of one request; see `record_batches`."""
    return record_batches(db, [ActivityBatch(principal, tuple(activities), now, sent_at)])[0]


def record_batches(
    db: Database, batches: Sequence[ActivityBatch]
) -> list[tuple[ActivityOutcome, ...]]:
    """Store the activities of several requests and update the rollups; return all results.

    An event that is stored already is not stored again: with the same content it is a duplicate,
    with other content a conflict. A refused activity does not affect the others. The number of
    statements does not depend on the number of activities. Call it in a transaction.
    """
    # With the lock, ids are in the order of commits, so that a feed with pages by id misses no
    # activity, and no other program adds a receipt between the lookup and the insert.
    acquire_lock(db, Lock.ROLLUPS)
    activities = [activity for batch in batches for activity in _incoming(batch)]
    stored = _look_up(db, [activity for activity in activities if isinstance(activity, _Incoming)])
    new: list[tuple[int, _Incoming]] = []
    results = iter(
        [
            _result(activity, stored, new) if isinstance(activity, _Incoming) else activity
            for activity in activities
        ]
    )
    if new:
        _add(db, new, stored.contents)
    return [tuple(next(results) for _ in batch.activities) for batch in batches]


def _incoming(batch: ActivityBatch) -> Iterator[_Incoming | ReadwatchError]:
    arrived_at = to_db_time(batch.arrived_at)
    for activity in batch.activities:
        try:
            occurred_at = corrected_occurred_at(activity, batch.sent_at, batch.arrived_at)
        except ReadwatchError as error:
            yield error
            continue
        yield _Incoming(
            batch.principal,
            activity,
            "" if activity.event_id is None else fingerprint(activity).hex(),
            arrived_at if occurred_at is batch.arrived_at else to_db_time(occurred_at),
            arrived_at,
        )


def _look_up(db: Database, incoming: Sequence[_Incoming]) -> _Stored:
    if not incoming:
        return _Stored(iter(()), {}, set())
    keys: list[BulkRow] = [
        (position, item.principal.user_id, item.activity.event_id, item.activity.content_id)
        for position, item in enumerate(incoming)
    ]
    stored = _LOOK_UP.all(db, keys)[0]
    return _Stored(
        count(stored.last_id + 1) if is_sqlite(db) else iter(stored.new_ids),
        {
            (incoming[position].principal.user_id, incoming[position].activity.event_id or ""): (
                activity_id,
                digest,
            )
            for position, activity_id, digest in rows_from_json(db, stored.receipts)
        },
        {
            (incoming[position].principal.user_id, incoming[position].activity.content_id or "")
            for position in rows_from_json(db, stored.contents)
        },
    )


def _result(each: _Incoming, stored: _Stored, new: list[tuple[int, _Incoming]]) -> ActivityResult:
    """Return the result of an activity; append it to `new` if it has to be stored."""
    event = each.event
    if event in stored.receipts:
        activity_id, digest = stored.receipts[event]
        status = ActivityStatus.DUPLICATE if digest == each.digest else ActivityStatus.CONFLICT
        return ActivityResult(status, activity_id)
    activity_id = next(stored.new_ids)
    new.append((activity_id, each))
    if event is not None:
        stored.receipts[event] = (activity_id, each.digest)
    return ActivityResult(ActivityStatus.ACCEPTED, activity_id)


def _add(db: Database, new: Sequence[tuple[int, _Incoming]], contents: Set[ContentKey]) -> None:
    rollups = RollupChanges(contents)
    rows: list[BulkRow] = []
    for activity_id, each in new:
        principal, activity = each.principal, each.activity
        rows.append(
            (
                activity_id,
                principal.user_id,
                principal.session_id,
                activity.activity_type,
                activity.content_id,
                activity.content_title,
                activity.progress_percentage,
                activity.duration_seconds,
                activity.metadata,
                activity.event_id,
                each.occurred_at,
                each.arrived_at,
                each.digest,
            )
        )
        rollups.add(principal.user_id, activity_id, activity, each.occurred_at)
    rows_json = rows_to_json(rows)
    _ADD_ACTIVITIES.run(db, rows_json)
    if any(each.digest for _, each in new):
        _ADD_RECEIPTS.run(db, rows_json)
    rollups.apply(db, now=max(each.arrived_at for _, each in new))
