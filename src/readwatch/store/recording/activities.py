"""Activities: kept once each, together with everything that is counted from them."""

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
from readwatch.store.engine.bulk import BulkStatement, Row, rows_from_json, rows_to_json
from readwatch.store.engine.connections import Database, Lock, acquire_lock, is_sqlite, to_db_time
from readwatch.store.recording.rollups import Content, RollupChanges

Result = ActivityResult | ReadwatchError
Event = tuple[int, str]
"""A reader and the app's own id."""

# What has to be known before activities can be kept: ids that are larger than all that were given
# before, the receipts of the same events, and the contents that their readers have begun.
_KEYS = {"place": "bigint", "user_id": "bigint", "event_id": "text", "content_id": "text"}
_LOOK_UP_SQLITE = BulkStatement(
    _KEYS,
    """
    SELECT
        (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'reader_activities'),
        (
            SELECT json_group_array(
                json_array(given.place, kept.activity_id, lower(hex(kept.fingerprint)))
            )
            FROM {rows} AS given JOIN activity_receipts kept
            ON kept.user_id = given.user_id AND kept.event_id = given.event_id
        ),
        (
            SELECT json_group_array(given.place)
            FROM {rows} AS given JOIN reader_content_progress kept
            ON kept.user_id = given.user_id AND kept.content_id = given.content_id
        )
    """,
)
_LOOK_UP_POSTGRESQL = BulkStatement(
    _KEYS,
    """
    SELECT
        (
            SELECT json_agg(nextval(pg_get_serial_sequence('reader_activities', 'id')))
            FROM {rows} AS given
        ),
        (
            SELECT json_agg(
                json_build_array(given.place, kept.activity_id, encode(kept.fingerprint, 'hex'))
            )
            FROM {rows} AS given JOIN activity_receipts kept
            ON kept.user_id = given.user_id AND kept.event_id = given.event_id
        ),
        (
            SELECT json_agg(given.place)
            FROM {rows} AS given JOIN reader_content_progress kept
            ON kept.user_id = given.user_id AND kept.content_id = given.content_id
        )
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
    """
    INSERT INTO reader_activities (
        id, user_id, session_id, activity_type, content_id, content_title, progress_percentage,
        duration_seconds, metadata_json, event_id, occurred_at, created_at
    ) SELECT
        id, user_id, session_id, activity_type, content_id, content_title, progress_percentage,
        duration_seconds, metadata_json, event_id, occurred_at, created_at
    FROM {rows} AS given
    """,
)
_ADD_RECEIPTS = BulkStatement(
    _NEW,
    """
    INSERT INTO activity_receipts (user_id, event_id, activity_id, fingerprint, created_at)
    SELECT user_id, event_id, id, fingerprint, created_at FROM {rows} AS given
    WHERE event_id IS NOT NULL
    """,
)


@dataclass(frozen=True, slots=True)
class ActivityBatch:
    """The activities of one request, and when it arrived and was sent."""

    caller: Principal
    activities: tuple[Activity, ...]
    arrived_at: datetime
    sent_at: datetime | None = None


@dataclass(slots=True)
class _Draft:
    """One activity of a post, with what is worked out before anything is written."""

    caller: Principal
    activity: Activity
    digest: str  # empty where there is no event_id
    occurred_at: str
    arrived_at: str

    @property
    def event(self) -> Event | None:
        """What makes an event the same event; None where the app gave it no id."""
        event_id = self.activity.event_id
        return None if event_id is None else (self.caller.user_id, event_id)


@dataclass(frozen=True, slots=True)
class _Known:
    """What an earlier transaction kept, and ids for what comes."""

    ids: Iterator[int]
    receipts: dict[Event, tuple[int, str]]  # the id and the digest
    contents: set[Content]


def record_activities(
    db: Database,
    caller: Principal,
    activities: Sequence[Activity],
    now: datetime,
    *,
    sent_at: datetime | None = None,
) -> tuple[Result, ...]:
    """Keep the activities of one request; see `record_posts`."""
    return record_batches(db, [ActivityBatch(caller, tuple(activities), now, sent_at)])[0]


def record_batches(db: Database, posts: Sequence[ActivityBatch]) -> list[tuple[Result, ...]]:
    """Keep the activities of some requests and move the rollups; return the results of each.

    An event that was kept before is not kept again: the same content is a duplicate, another
    content a conflict. One bad activity does not touch its neighbours. Call it in a transaction;
    what this costs are a few statements, however many activities there are.
    """
    # So ids appear in the order of commits, a live feed that pages by them misses nothing, and a
    # receipt is looked up and added safely.
    acquire_lock(db, Lock.ROLLUPS)
    drafts = [draft for post in posts for draft in _drafts(post)]
    known = _look_up(db, [draft for draft in drafts if isinstance(draft, _Draft)])
    new: list[tuple[int, _Draft]] = []
    results = iter(
        [_receipt(draft, known, new) if isinstance(draft, _Draft) else draft for draft in drafts]
    )
    if new:
        _keep(db, new, known.contents)
    return [tuple(next(results) for _ in post.activities) for post in posts]


def _drafts(post: ActivityBatch) -> Iterator[_Draft | ReadwatchError]:
    arrived_at = to_db_time(post.arrived_at)
    for activity in post.activities:
        try:
            moment = corrected_occurred_at(activity, post.sent_at, post.arrived_at)
        except ReadwatchError as error:
            yield error
            continue
        yield _Draft(
            post.caller,
            activity,
            "" if activity.event_id is None else fingerprint(activity).hex(),
            arrived_at if moment is post.arrived_at else to_db_time(moment),
            arrived_at,
        )


def _look_up(db: Database, drafts: Sequence[_Draft]) -> _Known:
    if not drafts:
        return _Known(iter(()), {}, set())
    keys: list[Row] = [
        (place, draft.caller.user_id, draft.activity.event_id, draft.activity.content_id)
        for place, draft in enumerate(drafts)
    ]
    statement = _LOOK_UP_SQLITE if is_sqlite(db) else _LOOK_UP_POSTGRESQL
    ids, receipts, contents = statement(db, keys).fetchone()
    return _Known(
        count(ids + 1) if is_sqlite(db) else iter(ids),
        {
            (drafts[place].caller.user_id, drafts[place].activity.event_id or ""): (kept, digest)
            for place, kept, digest in rows_from_json(db, receipts)
        },
        {
            (drafts[place].caller.user_id, drafts[place].activity.content_id or "")
            for place in rows_from_json(db, contents)
        },
    )


def _receipt(draft: _Draft, known: _Known, new: list[tuple[int, _Draft]]) -> ActivityResult:
    """Tell what becomes of an activity; one that has to be kept joins the new ones."""
    event = draft.event
    if event in known.receipts:
        activity_id, digest = known.receipts[event]
        same = ActivityStatus.DUPLICATE if digest == draft.digest else ActivityStatus.CONFLICT
        return ActivityResult(same, activity_id)
    activity_id = next(known.ids)
    new.append((activity_id, draft))
    if event is not None:
        known.receipts[event] = (activity_id, draft.digest)
    return ActivityResult(ActivityStatus.ACCEPTED, activity_id)


def _keep(db: Database, new: Sequence[tuple[int, _Draft]], contents: Set[Content]) -> None:
    rollup = RollupChanges(contents)
    rows: list[Row] = []
    for activity_id, draft in new:
        caller, activity = draft.caller, draft.activity
        rows.append(
            (
                activity_id,
                caller.user_id,
                caller.session_id,
                activity.activity_type,
                activity.content_id,
                activity.content_title,
                activity.progress_percentage,
                activity.duration_seconds,
                activity.metadata,
                activity.event_id,
                draft.occurred_at,
                draft.arrived_at,
                draft.digest,
            )
        )
        rollup.add(caller.user_id, activity_id, activity, draft.occurred_at)
    given = rows_to_json(rows)
    _ADD_ACTIVITIES.run(db, given)
    if any(draft.digest for _, draft in new):
        _ADD_RECEIPTS.run(db, given)
    rollup.apply(db, now=max(draft.arrived_at for _, draft in new))
