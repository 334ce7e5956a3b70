"""Activities: kept once each, together with everything that is counted from them."""

from collections.abc import Sequence
from datetime import datetime

from readwatch.domain.activities import (
    Activity,
    Outcome,
    Receipt,
    as_json,
    fingerprint,
    occurred,
)
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.sessions import Caller
from readwatch.store.database import Database, Statement, is_sqlite, stamp
from readwatch.store.rollups import Rollup

_LOCK_READER = Statement("SELECT 1 FROM reader_profiles WHERE user_id = :user_id FOR UPDATE")
_FIND_RECEIPT = Statement(
    """
    SELECT activity_id, fingerprint FROM activity_receipts
    WHERE user_id = :user_id AND event_id = :event_id
    """
)
_ADD_RECEIPT = Statement(
    """
    INSERT INTO activity_receipts (user_id, event_id, activity_id, fingerprint, created_at)
    VALUES (:user_id, :event_id, :activity_id, :fingerprint, :created_at)
    """
)
_ADD_ACTIVITY = Statement(
    """
    INSERT INTO reader_activities (
        user_id, session_id, activity_type, content_id, content_title, progress_percentage,
        duration_seconds, metadata_json, event_id, occurred_at, created_at
    ) VALUES (
        :user_id, :session_id, :activity_type, :content_id, :content_title, :progress_percentage,
        :duration_seconds, :metadata_json, :event_id, :occurred_at, :created_at
    ) RETURNING id
    """
)

Result = Receipt | ReadwatchError


def record_activities(
    db: Database,
    caller: Caller,
    activities: Sequence[Activity],
    now: datetime,
    *,
    sent_at: datetime | None = None,
) -> tuple[Result, ...]:
    """Keep a reader's activities and move the rollups; return one result each, in order.

    An event that was kept before is not kept again: the same content is a duplicate, another
    content a conflict. One bad activity does not touch its neighbours. Call it in a transaction.
    """
    if not is_sqlite(db):
        # Two requests of one reader take turns, so that a receipt is looked up and added safely.
        _LOCK_READER(db, user_id=caller.user_id)
    rollup = Rollup(caller.user_id)
    results = tuple(_record(db, caller, activity, now, sent_at, rollup) for activity in activities)
    rollup.apply(db, now)
    return results


def _record(
    db: Database,
    caller: Caller,
    activity: Activity,
    now: datetime,
    sent_at: datetime | None,
    rollup: Rollup,
) -> Result:
    digest = fingerprint(activity)
    if activity.event_id is not None:
        kept = _FIND_RECEIPT(db, user_id=caller.user_id, event_id=activity.event_id).fetchone()
        if kept is not None:
            same = bytes(kept[1]) == digest
            return Receipt(Outcome.DUPLICATE if same else Outcome.CONFLICT, kept[0])
    try:
        occurred_at = occurred(activity, sent_at, now)
    except ReadwatchError as error:
        return error
    activity_id = _ADD_ACTIVITY(
        db,
        user_id=caller.user_id,
        session_id=caller.session_id,
        activity_type=activity.activity_type,
        content_id=activity.content_id,
        content_title=activity.content_title,
        progress_percentage=activity.progress_percentage,
        duration_seconds=activity.duration_seconds,
        metadata_json=as_json(activity.metadata),
        event_id=activity.event_id,
        occurred_at=stamp(occurred_at),
        created_at=stamp(now),
    ).fetchone()[0]
    if activity.event_id is not None:
        _ADD_RECEIPT(
            db,
            user_id=caller.user_id,
            event_id=activity.event_id,
            activity_id=activity_id,
            fingerprint=digest,
            created_at=stamp(now),
        )
    rollup.add(activity_id, activity, occurred_at)
    return Receipt(Outcome.ACCEPTED, activity_id)
