"""A sweep: the light jobs of retention, which a running service does by itself.

A service may run meanwhile: both work in small transactions and change only what has expired.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from readwatch.domain.clock import Clock
from readwatch.store.engine.connections import Database
from readwatch.store.lifecycle import retention
from readwatch.store.recording import online_counts

HEARTBEAT_DELAY = timedelta(minutes=1)
"""A sweep ends a session this much later than a service does, which knows heartbeats that are not
on disk yet."""

STEPS = 6


def sweep(db: Database, clock: Clock, session_timeout: timedelta) -> Iterator[str]:
    """End sessions that have timed out, delete expired rows, and yield what was done after each of
    the `STEPS`."""
    silent_for = session_timeout + HEARTBEAT_DELAY
    _in_chunks(db, lambda db: retention.end_silent_sessions(db, clock(), silent_for))
    yield "ended readers' sessions that timed out"
    _in_chunks(db, lambda db: retention.end_staff_sessions(db, clock()))
    yield "ended staff sessions that expired"
    now = clock()
    _in_chunks(db, partial(retention.purge_failed_logins, now=now))
    yield "deleted failed logins that no longer count"
    _in_chunks(db, partial(retention.purge_resume_tokens, now=now))
    _in_chunks(db, partial(retention.purge_invitations, now=now))
    yield "deleted resume tokens and invitations that expired"
    with db.atomic():
        online_counts.purge_online_counts(db, now)
    yield "deleted old counts of readers online"
    _purge_receipts(db, now)
    yield "deleted old receipts of activities"


def _purge_receipts(db: Database, now: datetime) -> None:
    after: retention.ReceiptKey | None = retention.BEFORE_FIRST_RECEIPT
    while after is not None:
        with db.atomic():
            after = retention.purge_receipts(db, after, now)


def _in_chunks(db: Database, process_chunk: Callable[[Database], bool]) -> None:
    has_more = True
    while has_more:
        with db.atomic():
            has_more = process_chunk(db)
