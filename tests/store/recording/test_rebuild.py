"""The rollups counted again: what is wrong is told and mended, what is right is left alone."""

from datetime import timedelta
from typing import Any

import peewee
import pytest

from readwatch.domain.activities import Activity
from readwatch.domain.health import RollupMismatches
from readwatch.store.engine.connections import Database, connection, is_sqlite
from readwatch.store.engine.plans import query_plan
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.statements import Statement
from readwatch.store.identity.sessions import open_session
from readwatch.store.recording import rebuild as rollup_rebuild
from readwatch.store.recording.activities import record_activities

ROLLUPS = (
    "reader_profiles",
    "reader_content_progress",
    "reader_quizzes",
    "reader_hours",
    "activity_counts",
)


@pytest.fixture
def maintenance(connected) -> Database:
    return connected(Role.MAINTENANCE)


def wrong(db: Database) -> RollupMismatches:
    return sum((portion.compare(db) for portion in rollup_rebuild.chunks(db)), RollupMismatches())


def rebuild(db: Database, now) -> RollupMismatches:
    return sum(
        (portion.rebuild(db, now) for portion in rollup_rebuild.chunks(db)), RollupMismatches()
    )


def kept(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {
        rollup: sorted(db.execute_sql(f"SELECT * FROM {rollup}").fetchall(), key=repr)
        for rollup in ROLLUPS
    }


@pytest.fixture
def read(cast, clock, enter, post):
    """Ann and Ben have read, at home and away from the net; Cara and Dora never do."""
    ann, ben = enter(cast.ann), enter(cast.ben)
    for minute in range(4):
        clock.advance(seconds=61)
        late = clock() - timedelta(hours=minute)
        post(ann, Activity("page_read", "hobbit", "The Hobbit", 10 + minute, 50))
        post(ben, Activity("page_read", "momo", "Momo", 30, 10, occurred_at=late))
        post(ben, Activity("bookmark_added", "momo", occurred_at=late))
        post(ann, Activity("app_opened"))
        post(ann, Activity("quiz_completed", "hobbit", metadata=f'{{"score":{minute}.5}}'))
        post(ben, Activity("quiz_completed", metadata='{"passed":false}', occurred_at=late))


WRONGS = {
    "time": ("UPDATE reader_profiles SET total_reading_seconds = 7 WHERE user_id = {ann}", 1),
    "minutes": ("UPDATE reader_profiles SET total_reading_time_minutes = 8", 2),
    "books": ("UPDATE reader_profiles SET unique_content_read = 0", 2),
    "latest activity": ("UPDATE reader_profiles SET last_activity_id = 1 WHERE user_id = {ann}", 1),
    "its moment": ("UPDATE reader_profiles SET last_activity_at = NULL WHERE user_id = {ann}", 1),
    "logins": ("UPDATE reader_profiles SET total_sessions = 9 WHERE user_id = {ben}", 1),
    "last login": ("UPDATE reader_profiles SET last_login = NULL WHERE user_id = {ben}", 1),
    "title": ("UPDATE reader_content_progress SET content_title = 'x' WHERE user_id = {ann}", 1),
    "its moment too": ("UPDATE reader_content_progress SET title_at = NULL", 2),
    "progress": ("UPDATE reader_content_progress SET progress_percentage = 99", 2),
    "when": ("UPDATE reader_content_progress SET progress_at = first_at WHERE user_id = {ann}", 1),
    "seconds": ("UPDATE reader_content_progress SET total_seconds = 1", 2),
    "first": ("UPDATE reader_content_progress SET first_at = last_at", 2),
    "last": ("UPDATE reader_content_progress SET last_at = first_at", 2),
    "a book is lost": ("DELETE FROM reader_content_progress WHERE user_id = {ann}", 1),
    "a book too many": (
        "INSERT INTO reader_content_progress (user_id, content_id, first_at, last_at)"
        " SELECT user_id, 'emma', first_at, last_at FROM reader_content_progress",
        2,
    ),
    "a book of nobody who reads": (
        "INSERT INTO reader_content_progress (user_id, content_id, first_at, last_at)"
        " SELECT {dora}, 'emma', min(first_at), max(last_at) FROM reader_content_progress",
        1,
    ),
    "a result": ("UPDATE reader_quizzes SET passed = NOT coalesce(passed, FALSE)", 2),
    "a score": ("UPDATE reader_quizzes SET score = 60 WHERE user_id = {ann}", 1),
    "when a quiz ended": ("UPDATE reader_quizzes SET occurred_at = '2026-01-01 00:00:00.000'", 2),
    "a quiz is lost": ("DELETE FROM reader_quizzes WHERE user_id = {ben}", 1),
    "a quiz too many": (
        "INSERT INTO reader_quizzes (user_id, content_id, occurred_at)"
        " SELECT user_id, 'emma', occurred_at FROM reader_quizzes",
        2,
    ),
    "an hour": ("UPDATE reader_hours SET seconds = 7 WHERE user_id = {ann}", 1),
    "activities of an hour": ("UPDATE reader_hours SET activities = 0 WHERE user_id = {ann}", 1),
    "an hour is lost": ("DELETE FROM reader_hours WHERE user_id = {ann}", 1),
    "an hour too many": (
        "INSERT INTO reader_hours (user_id, hour, activities, seconds)"
        " SELECT {dora}, hour, 1, 1 FROM reader_hours WHERE user_id = {ann}",
        1,
    ),
    "counts": ("UPDATE activity_counts SET activities = 50 WHERE activity_type = 'app_opened'", 4),
    "counts are lost": ("DELETE FROM activity_counts WHERE activity_type = 'app_opened'", 4),
    "counts too many": (
        "INSERT INTO activity_counts SELECT min(minute), 'never', 3 FROM activity_counts",
        1,
    ),
}


@pytest.mark.parametrize(("sql", "rows"), WRONGS.values(), ids=WRONGS)
def test_every_mismatch_is_reported_and_fixed(read, cast, clock, db, maintenance, sql, rows):
    right = kept(db)
    assert wrong(maintenance) == RollupMismatches()
    db.execute_sql(sql.format(ann=cast.ann.id, ben=cast.ben.id, dora=cast.dora.id))
    (rollup,) = (rollup for rollup in ROLLUPS if rollup in sql.split("WHERE")[0].split("SELECT")[0])

    assert wrong(maintenance) == RollupMismatches(**{rollup: rows})
    assert rebuild(maintenance, clock()) == RollupMismatches(**{rollup: rows})
    assert wrong(maintenance) == RollupMismatches()
    mended = kept(db)
    if rollup == "reader_profiles":  # the rebuild, too, says when it moved a row
        right, mended = {**right, rollup: []}, {**mended, rollup: []}
    assert mended == right


def test_all_rollups_come_back_from_nothing_in_portions_of_any_size(
    read, cast, clock, db, maintenance, monkeypatch
):
    monkeypatch.setattr(rollup_rebuild, "ACTIVITIES_OF_READERS", 1)
    monkeypatch.setattr(rollup_rebuild, "ACTIVITIES_OF_MINUTES", 3)
    monkeypatch.setattr(rollup_rebuild, "COUNTS_AT_ONCE", 2)
    right = kept(db)
    for rollup in ROLLUPS[1:]:
        db.execute_sql(f"DELETE FROM {rollup}")
    assert len(rollup_rebuild.chunks(maintenance)) > 5
    lost = RollupMismatches(0, *(len(right[rollup]) for rollup in ROLLUPS[1:]))
    assert rebuild(maintenance, clock()) == lost
    assert kept(db) == right


# Archived activities and sessions ----------------------------------------------------------------


def archive_all(db: Database) -> None:
    """Move all activities and sessions out of the database; the rollups stay as they are.

    At this moment the rollups are those of the archived rows.
    """
    db.execute_sql(
        "INSERT INTO archived_totals (user_id, total_reading_seconds, last_activity_id,"
        " last_activity_at, total_sessions, last_login) SELECT user_id, total_reading_seconds,"
        " last_activity_id, last_activity_at, total_sessions, last_login FROM reader_profiles"
    )
    for rollup in ("content_progress", "quizzes"):
        db.execute_sql(f"INSERT INTO archived_{rollup} SELECT * FROM reader_{rollup}")
    for table in ("reader_activities", "reader_sessions", "reader_hours", "activity_counts"):
        db.execute_sql(f"DELETE FROM {table}")


@pytest.fixture
def archived(read, cast, clock, enter, post, db):
    """Ann has read on after her activities were archived, also on a device that was offline."""
    archive_all(db)
    ann, long_ago = enter(cast.ann), clock() - timedelta(days=90)
    clock.advance(minutes=5)
    post(ann, Activity("page_read", "hobbit", duration_seconds=7, progress_percentage=80))
    post(ann, Activity("page_read", "hobbit", "Hobbit", 1, 9, occurred_at=long_ago))
    post(ann, Activity("page_read", "emma", "Emma", 2, 20))
    post(ann, Activity("quiz_completed", "hobbit", metadata='{"score":9}', occurred_at=long_ago))
    post(ann, Activity("quiz_completed", "emma", metadata='{"passed":true}'))


def test_totals_with_archived_activities_are_right(archived, clock, db, maintenance):
    before = kept(db)
    assert wrong(maintenance) == RollupMismatches()
    assert rebuild(maintenance, clock.advance(hours=1)) == RollupMismatches()
    assert kept(db) == before


def test_totals_with_archived_activities_come_back_from_nothing(archived, clock, db, maintenance):
    before = kept(db)
    for rollup in ROLLUPS[1:]:
        db.execute_sql(f"DELETE FROM {rollup}")
    db.execute_sql("UPDATE reader_profiles SET total_reading_seconds = 0, unique_content_read = 0")
    db.execute_sql("UPDATE reader_profiles SET last_activity_id = NULL, total_sessions = 0")
    assert rebuild(maintenance, clock()).reader_profiles == 2
    after = kept(db)
    assert {rollup: after[rollup] for rollup in ROLLUPS[1:]} == {
        rollup: before[rollup] for rollup in ROLLUPS[1:]
    }
    assert wrong(maintenance) == RollupMismatches()


def test_what_is_right_is_not_written(read, clock, db, maintenance):
    before = kept(db)
    assert rebuild(maintenance, clock.advance(hours=1)) == RollupMismatches()
    assert kept(db) == before


def refuse_contents_of(db: Database, reader: int) -> None:
    if is_sqlite(db):
        db.execute_sql(
            "CREATE TRIGGER power_cut BEFORE INSERT ON reader_content_progress"
            f" WHEN NEW.user_id = {reader} BEGIN SELECT RAISE(ABORT, 'power cut'); END"
        )
        return
    db.execute_sql(
        "CREATE FUNCTION power_cut() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION USING MESSAGE = ''power cut''; END'"
    )
    db.execute_sql(
        "CREATE TRIGGER power_cut BEFORE INSERT ON reader_content_progress FOR EACH ROW"
        f" WHEN (NEW.user_id = {reader}) EXECUTE FUNCTION power_cut()"
    )


def test_a_rebuild_that_is_stopped_leaves_whole_portions_and_the_next_one_finishes(
    read, cast, clock, db, maintenance, monkeypatch
):
    monkeypatch.setattr(rollup_rebuild, "ACTIVITIES_OF_READERS", 1)
    db.execute_sql("UPDATE reader_profiles SET total_sessions = 9")
    db.execute_sql("UPDATE reader_content_progress SET total_seconds = 9")
    refuse_contents_of(db, cast.ben.id)
    with pytest.raises(peewee.DatabaseError):
        rebuild(maintenance, clock())
    assert wrong(maintenance) == RollupMismatches(1, 1), (
        "Ann's are right, all of Ben's are as they were"
    )

    db.execute_sql(
        f"DROP TRIGGER power_cut{'' if is_sqlite(db) else ' ON reader_content_progress'}"
    )
    assert rebuild(maintenance, clock()) == RollupMismatches(1, 1)
    assert wrong(maintenance) == RollupMismatches()


def test_an_empty_database_is_right(db, maintenance, clock):
    assert rebuild(maintenance, clock()) == RollupMismatches()


def test_activities_that_arrive_between_the_comparison_and_the_rebuild_are_counted(
    read, cast, clock, db, maintenance, url, opened
):
    """The first statement of a mend waits for its turn; the service writes just before it."""
    db.execute_sql("UPDATE activity_counts SET activities = activities + 5")
    db.execute_sql("UPDATE reader_profiles SET total_sessions = 50, total_reading_seconds = 0")
    service = opened(url, Role.INGEST)

    def served(role_db: Database):
        """Return a database whose next transaction for writing lets the service write first."""
        begin = role_db.atomic

        def atomic(*kind: str):
            if not kind:
                role_db.atomic = begin  # type: ignore[method-assign]  # the real one again
                with connection(service), service.atomic():
                    ann = open_session(service, cast.ann, f"{clock():%f%S%M}", clock())
                    record_activities(
                        service, ann, [Activity("page_read", "emma", "Emma", 5, 70)], clock()
                    )
            return begin(*kind)

        role_db.atomic = atomic  # type: ignore[method-assign]  # of this object alone
        return role_db

    for portion in rollup_rebuild.chunks(maintenance):
        clock.advance(seconds=7)
        assert portion.rebuild(served(maintenance), clock())
    assert wrong(maintenance) == RollupMismatches()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_chunk_of_readers_reads_only_their_activities(db: Database) -> None:
    statements = [value for value in vars(rollup_rebuild).values() if isinstance(value, Statement)]
    of_readers = [
        each for each in statements if "reader_activities WHERE user_id" in _one_line(each.text(db))
    ]
    assert len(of_readers) >= 4
    for statement in of_readers:
        steps = query_plan(db, statement.text(db))
        of_activities = [step for step in steps if "idx_activities" in step]
        assert of_activities
        assert all("(user_id>? AND user_id<?)" in step for step in of_activities)


def _one_line(sql: str) -> str:
    return " ".join(sql.split())
