"""When a backup was last checked and maintenance last finished, however long the log is."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from conftest import NOON, Cast

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.store.audit import last_jobs
from readwatch.store.audit.last_jobs import BACKUP, MAINTENANCE, last_done
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.plans import query_plan
from readwatch.store.engine.privileges import Role


def add(db: Database, cast: Cast, action: AuditAction, hours: int) -> datetime:
    at = NOON + timedelta(hours=hours)
    log_event(db, AuditEvent(actor_id=cast.dora.id, action_type=action), at)
    return at


def test_a_job_that_was_never_done_has_no_time(db: Database, cast: Cast) -> None:
    add(db, cast, AuditAction.BACKED_UP_DATABASE, 1)
    assert last_done(db, BACKUP) is None
    assert last_done(db, MAINTENANCE) is None


def test_the_newest_entry_of_each_job_counts(db: Database, cast: Cast) -> None:
    add(db, cast, BACKUP, 1)
    checked_at, finished_at = add(db, cast, BACKUP, 2), add(db, cast, MAINTENANCE, 3)
    add(db, cast, AuditAction.VIEWED_STATS, 4)
    assert (last_done(db, BACKUP), last_done(db, MAINTENANCE)) == (checked_at, finished_at)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_they_are_found_by_an_index(db: Database, cast: Cast) -> None:
    assert is_sqlite(db)
    plan = str(query_plan(db, last_jobs._LAST.text(db)))
    assert "idx_consultant_log_jobs" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    "role", [Role.MAINTENANCE, Role.INGEST, Role.ADMIN, Role.PURGE, Role.CONSOLE]
)
def test_every_program_that_shows_them_can_read_them(
    role: Role, connected: Callable[[Role], Database], db: Database, cast: Cast
) -> None:
    checked_at = add(db, cast, BACKUP, 1)
    assert last_done(connected(role), BACKUP) == checked_at
