"""Fixtures for tests of archives: readers with a long history, and what is known of it."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Cast, Connections, StillClock

from readwatch.domain.activities import Activity
from readwatch.domain.archive_files import lines_of
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.health import RollupMismatches
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.lifecycle import archiving
from readwatch.store.recording import rebuild

TOTALS = ("reader_profiles", "reader_content_progress", "reader_quizzes")
OLD_DAYS = 20
"""Each reader read for so many days, more than a year ago."""


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short history makes several files and several transactions."""
    monkeypatch.setattr(archiving, "FILE_ROWS", 25)
    monkeypatch.setattr(archiving, "CHUNK_ROWS", 10)
    monkeypatch.setattr(archiving, "_PAGE_ROWS", 7)


@pytest.fixture
def history(
    db: Database, cast: Cast, clock: StillClock, enter: Any, post: Any, join: Any, small_files: None
) -> Database:
    """Ann and Ben have read 400 days ago; Ann reads today, Ben stopped; Zoe has only now begun."""
    now = clock()
    clock.moment = now - timedelta(days=400)
    ann, ben = enter(cast.ann), enter(cast.ben)
    for day in range(OLD_DAYS):
        clock.advance(days=1)
        late = clock() - timedelta(hours=day)
        post(ann, Activity("page_read", "hobbit", "The Hobbit", day, 50, event_id=f"a{day}"))
        post(
            ben,
            Activity("page_read", "momo", "Mömo \u202e", 30, 10, occurred_at=late),
            Activity("bookmark_added", metadata='{"page":7}'),
        )
        post(ann, Activity("quiz_completed", "hobbit", metadata=f'{{"score":{day}.5}}'))
        post(ben, Activity("quiz_completed", metadata='{"passed":false}', occurred_at=late))
    clock.moment = now
    post(ann, Activity("page_read", "hobbit", None, 90, 5), Activity("page_read", "dune", "Dune"))
    post(enter(join("Zoe Zane")), Activity("page_read", "momo", "Momo", 1, 1))
    assert not mismatches(db)
    return db


def rows(db: Database, table: str) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, db.execute_sql(f"SELECT * FROM {table}").fetchall()), key=repr)


def totals(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {table: rows(db, table) for table in TOTALS}


def mismatches(db: Database) -> RollupMismatches:
    """How far the rollups differ from the activities and the archived totals."""
    return sum((chunk.compare(db) for chunk in rebuild.chunks(db)), RollupMismatches())


def ids_in(folder: Path) -> list[int]:
    """The ids of all activities in the files of a folder."""
    return [
        json.loads(line)["id"]
        for file in sorted(folder.glob("activities-*.jsonl.gz"))
        for line in lines_of(file)
    ]


def ids_in_database(db: Database) -> list[int]:
    return [id_ for (id_,) in db.execute_sql("SELECT id FROM reader_activities ORDER BY id")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


Archiving = Callable[..., Iterator[archiving.ArchiveStep]]


@pytest.fixture
def event(cast: Cast) -> AuditEvent:
    """The entry of an archive."""
    return AuditEvent(cast.dora.id, AuditAction.ARCHIVED_ACTIVITIES, details="cli")


@pytest.fixture
def archiving_steps(
    connected: Connections, folder: Path, event: AuditEvent, clock: StillClock
) -> Archiving:
    """`archiving_steps()` archives what is older than a year, step by step."""

    def archiving_steps() -> Iterator[archiving.ArchiveStep]:
        db = connected(Role.ARCHIVE)
        planned = archiving.plan(db, clock() - timedelta(days=365))
        return archiving.archive(db, folder, planned, event, clock())

    return archiving_steps
