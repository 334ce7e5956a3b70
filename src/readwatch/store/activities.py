"""Activities: kept once each, together with everything that is counted from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from readwatch.domain.activities import (
    Activity,
    Outcome,
    Receipt,
    fingerprint,
    occurred,
)
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.sessions import Caller
from readwatch.store.database import Database, Statement, Turn, is_sqlite, stamp, take_turn
from readwatch.store.rollups import Rollup
from readwatch.store.rowsets import Row, RowStatement, as_list, as_text

Result = Receipt | ReadwatchError

_NEXT_IDS_SQLITE = Statement(
    "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'reader_activities'"
)
_NEXT_IDS_POSTGRESQL = Statement(
    """
    SELECT json_agg(nextval(pg_get_serial_sequence('reader_activities', 'id')))
    FROM generate_series(1, :number)
    """
)
_KEY = {"place": "bigint", "user_id": "bigint", "event_id": "text"}
_FIND_RECEIPTS_SQLITE = RowStatement(
    _KEY,
    """
    SELECT json_group_array(json_array(given.place, kept.activity_id, lower(hex(fingerprint))))
    FROM {rows} AS given JOIN activity_receipts kept
    ON kept.user_id = given.user_id AND kept.event_id = given.event_id
    """,
)
_FIND_RECEIPTS_POSTGRESQL = RowStatement(
    _KEY,
    """
    SELECT json_agg(json_build_array(given.place, kept.activity_id, encode(fingerprint, 'hex')))
    FROM {rows} AS given JOIN activity_receipts kept
    ON kept.user_id = given.user_id AND kept.event_id = given.event_id
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
_ADD_ACTIVITIES = RowStatement(
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
_ADD_RECEIPTS = RowStatement(
    _NEW,
    """
    INSERT INTO activity_receipts (user_id, event_id, activity_id, fingerprint, created_at)
    SELECT user_id, event_id, id, fingerprint, created_at FROM {rows} AS given
    WHERE event_id IS NOT NULL
    """,
)


@dataclass(frozen=True, slots=True)
class Post:
    """The activities of one request, and when it arrived and was sent."""

    caller: Caller
    activities: tuple[Activity, ...]
    arrived_at: datetime
    sent_at: datetime | None = None


@dataclass(slots=True)
class _Draft:
    """One activity of a post, with what is worked out before anything is written."""

    caller: Caller
    activity: Activity
    digest: str | None
    occurred_at: str
    arrived_at: str

    @property
    def key(self) -> tuple[int, str | None]:
        """What makes an event the same event."""
        return (self.caller.user_id, self.activity.event_id)


def record_activities(
    db: Database,
    caller: Caller,
    activities: Sequence[Activity],
    now: datetime,
    *,
    sent_at: datetime | None = None,
) -> tuple[Result, ...]:
    """Keep the activities of one request; see `record_posts`."""
    return record_posts(db, [Post(caller, tuple(activities), now, sent_at)])[0]


def record_posts(db: Database, posts: Sequence[Post]) -> list[tuple[Result, ...]]:
    """Keep the activities of some requests and move the rollups; return the results of each.

    An event that was kept before is not kept again: the same content is a duplicate, another
    content a conflict. One bad activity does not touch its neighbours. Call it in a transaction;
    what this costs are a few statements, however many activities there are.
    """
    # So ids appear in the order of commits, a live feed that pages by them misses nothing, and a
    # receipt is looked up and added safely.
    take_turn(db, Turn.ROLLUPS)
    drafts = [draft for post in posts for draft in _drafts(post)]
    kept = _kept_before(db, [draft for draft in drafts if isinstance(draft, _Draft)])
    fresh: dict[tuple[int, str | None], tuple[int, str | None]] = {}  # to the place in `new`
    new: list[_Draft] = []
    outcomes: list[ReadwatchError | tuple[Outcome, int, bool]] = []
    for draft in drafts:
        if not isinstance(draft, _Draft):
            outcomes.append(draft)
        elif draft.activity.event_id is not None and (draft.key in kept or draft.key in fresh):
            is_new = draft.key in fresh
            place, digest = fresh[draft.key] if is_new else kept[draft.key]
            same = Outcome.DUPLICATE if digest == draft.digest else Outcome.CONFLICT
            outcomes.append((same, place, is_new))
        else:
            fresh[draft.key] = (len(new), draft.digest)
            outcomes.append((Outcome.ACCEPTED, len(new), True))
            new.append(draft)
    ids = _next_ids(db, len(new)) if new else []
    _keep(db, new, ids)
    results = iter(
        outcome
        if isinstance(outcome, ReadwatchError)
        else Receipt(outcome[0], ids[outcome[1]] if outcome[2] else outcome[1])
        for outcome in outcomes
    )
    return [tuple(next(results) for _ in post.activities) for post in posts]


def _drafts(post: Post) -> Iterator[_Draft | ReadwatchError]:
    arrived_at = stamp(post.arrived_at)
    for activity in post.activities:
        try:
            moment = occurred(activity, post.sent_at, post.arrived_at)
        except ReadwatchError as error:
            yield error
            continue
        yield _Draft(
            post.caller,
            activity,
            None if activity.event_id is None else fingerprint(activity).hex(),
            arrived_at if moment is post.arrived_at else stamp(moment),
            arrived_at,
        )


def _kept_before(
    db: Database, drafts: Sequence[_Draft]
) -> dict[tuple[int, str | None], tuple[int, str | None]]:
    """Return the id and digest of each event that was kept by an earlier transaction."""
    keys: list[Row] = [
        (place, *draft.key)
        for place, draft in enumerate(drafts)
        if draft.activity.event_id is not None
    ]
    if not keys:
        return {}
    statement = _FIND_RECEIPTS_SQLITE if is_sqlite(db) else _FIND_RECEIPTS_POSTGRESQL
    found = as_list(db, statement(db, keys).fetchone()[0])
    return {drafts[place].key: (activity_id, digest) for place, activity_id, digest in found}


def _next_ids(db: Database, number: int) -> list[int]:
    """Return ids that are larger than all that were given before."""
    if is_sqlite(db):
        last: int = _NEXT_IDS_SQLITE(db).fetchone()[0]
        return list(range(last + 1, last + 1 + number))
    return as_list(db, _NEXT_IDS_POSTGRESQL(db, number=number).fetchone()[0])


def _keep(db: Database, new: Sequence[_Draft], ids: Sequence[int]) -> None:
    if not new:
        return
    rollup = Rollup()
    rows: list[Row] = []
    for draft, activity_id in zip(new, ids, strict=True):
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
    given = as_text(rows)
    _ADD_ACTIVITIES.run(db, given)
    if any(draft.digest for draft in new):
        _ADD_RECEIPTS.run(db, given)
    rollup.apply(db, now=max(draft.arrived_at for draft in new))
