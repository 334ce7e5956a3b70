"""Activities move to files: totals stay, and no interruption loses or doubles anything."""

import gzip
import json
import shutil
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from store.lifecycle.conftest import (
    OLD_DAYS,
    ids_in,
    ids_in_database,
    mismatches,
    rows,
    totals,
)

from readwatch.domain.activities import Activity, ActivityStatus
from readwatch.domain.archive_files import MANIFEST, read_manifest, sha256_of
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ReadwatchError
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.times import to_db_time
from readwatch.store.lifecycle import archives, archiving
from readwatch.store.recording import rebuild

OLD = OLD_DAYS * 5
NEW = 3


def test_old_activities_are_in_files_and_no_total_has_changed(
    history, archiving_steps, folder, cast
):
    before, old = totals(history), ids_in_database(history)[:OLD]
    last_of_ben = history.execute_sql(
        f"SELECT last_activity_id FROM reader_profiles WHERE user_id = {cast.ben.id}"
    ).fetchone()[0]

    steps = list(archiving_steps())

    archived = [id_ for id_ in old if id_ != last_of_ben]
    assert sum(step.moved for step in steps) == sum(step.written for step in steps) == OLD - 1
    assert ids_in(folder) == archived
    assert ids_in_database(history)[0] == last_of_ben, "the lists show it"
    assert len(ids_in_database(history)) == NEW + 1
    assert totals(history) == before
    assert not mismatches(history)
    counted = history.execute_sql("SELECT sum(activities) FROM activity_counts").fetchone()[0]
    assert counted == NEW + 1


def test_a_line_has_all_columns_of_the_activity(history, archiving_steps, folder, cast):
    stored = {row[0]: row for row in rows(history, "reader_activities")}
    list(archiving_steps())
    file = min(folder.glob("activities-*.jsonl.gz"))
    assert file.name.startswith("activities-2025-10-00000000")
    with gzip.open(file, "rt", encoding="ascii") as lines:
        first, second, third, *_ = map(json.loads, lines)
    assert (first["user_id"], first["event_id"], first["content_title"]) == (
        cast.ann.id,
        "a0",
        "The Hobbit",
    )
    assert first["created_at"] == "2025-10-19T12:00:00.000+00:00"
    assert second["content_title"] == "Mömo \u202e"
    assert third["metadata_json"] == '{"page":7}'
    for line in (first, second, third):
        values = stored[line["id"]]
        assert list(line)[:8] == [
            *("id", "user_id", "session_id", "activity_type", "content_id", "content_title"),
            *("progress_percentage", "duration_seconds"),
        ]
        assert tuple(line.values())[:8] == values[:8]


def test_the_same_history_makes_the_same_bytes(history, archiving_steps, folder, connected, clock):
    list(archiving_steps())
    manifest = read_manifest(folder)
    assert manifest
    assert {name: entry["sha256"] for name, entry in manifest.items()} == {
        file.name: sha256_of(file) for file in folder.glob("activities-*")
    }
    assert sum(entry["activities"] for entry in manifest.values()) == OLD - 1
    assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o600] * (
        len(manifest) + 1
    )
    listed = archives.archives(history)
    assert [archive.name for archive in listed] == sorted(manifest)
    assert all(archive.is_moved for archive in listed)
    assert all(defect is None for _, defect in archives.verify(listed))


def test_a_second_archive_finds_nothing_and_later_what_has_become_old(
    history, archiving_steps, folder, clock, enter, post, cast
):
    list(archiving_steps())
    files = {file: sha256_of(file) for file in folder.glob("activities-*")}
    assert list(archiving_steps()) == []
    post(enter(cast.ben), Activity("page_read", "momo", "Momo", 31, 10))
    before = totals(history)

    steps = list(archiving_steps())

    assert sum(step.moved for step in steps) == 1, "what was the last activity of Ben"
    assert totals(history) == before
    assert not mismatches(history)
    assert {file: sha256_of(file) for file in files} == files
    assert len(ids_in(folder)) == len(set(ids_in(folder))) == OLD


def test_a_rebuild_from_nothing_gives_the_same_totals(history, archiving_steps, connected, clock):
    before = totals(history)
    list(archiving_steps())
    history.execute_sql("DELETE FROM reader_content_progress")
    history.execute_sql("DELETE FROM reader_quizzes")
    history.execute_sql("UPDATE reader_profiles SET total_reading_seconds = 0")
    for chunk in rebuild.chunks(connected(Role.MAINTENANCE)):
        chunk.rebuild(connected(Role.MAINTENANCE), clock())
    without_update = [row[:-1] for row in before["reader_profiles"]]
    assert [row[:-1] for row in totals(history)["reader_profiles"]] == without_update
    for table in ("reader_content_progress", "reader_quizzes"):
        assert totals(history)[table] == before[table]


def test_a_run_that_ends_after_any_step_is_ended_by_the_next_one(
    history, archiving_steps, folder, tmp_path
):
    before, every = totals(history), ids_in_database(history)
    number = 0
    while list(islice(archiving_steps(), 1)):
        number += 1
        assert totals(history) == before
        assert not mismatches(history)
        assert set(ids_in(folder)) | set(ids_in_database(history)) == set(every)
    assert number > OLD / 25
    assert ids_in(folder) == sorted(set(ids_in(folder)))
    assert not set(ids_in(folder)) & set(ids_in_database(history))
    assert len(ids_in_database(history)) == NEW + 1


def test_an_event_that_is_sent_again_after_its_activity_was_archived_is_a_duplicate(
    history, archiving_steps, enter, post, cast, clock
):
    """Receipts live for 30 days; here the retention has not run yet."""
    again = Activity("page_read", "hobbit", "The Hobbit", 3, 50, event_id="a3")
    before = post(enter(cast.ann), again)[0]
    list(archiving_steps())
    after = post(enter(cast.ann), again)[0]
    assert before == after
    assert after.status is ActivityStatus.DUPLICATE


def test_a_plan_that_would_leave_nothing_is_refused(history, connected, clock):
    db = connected(Role.ARCHIVE)
    with pytest.raises(ReadwatchError, match="check the clock of this machine"):
        archiving.plan(db, clock() + timedelta(days=1))
    history.execute_sql("DELETE FROM reader_activities")
    assert archiving.plan(db, clock()).activities == 0


def test_activities_that_arrived_while_a_clock_was_wrong_stay_until_they_are_old(
    history, archiving_steps, clock, folder
):
    late = "'2030-01-01 00:00:00'"
    history.execute_sql(f"UPDATE reader_activities SET created_at = {late} WHERE id = 7")
    early = "'2001-01-01 00:00:00'"
    newest = ids_in_database(history)[-1]
    history.execute_sql(f"UPDATE reader_activities SET created_at = {early} WHERE id = {newest}")
    list(archiving_steps())
    assert {7, newest} <= set(ids_in_database(history))
    assert not mismatches(history)


def test_an_archive_is_due_once_a_month_of_activities_has_come_together(
    history, connected, clock, folder, event
):
    db = connected(Role.ARCHIVE)
    long_ago, a_month_later = clock() - timedelta(days=372), clock() - timedelta(days=360)
    assert archiving.due_plan(db, long_ago) is None
    planned = archiving.due_plan(db, a_month_later)
    assert planned is not None
    assert list(archiving.archive(db, folder, planned, event, clock()))
    assert archiving.due_plan(db, a_month_later) is None, "the last activity of Ben stays"


def test_no_archive_is_due_that_would_leave_nothing(history, connected, clock):
    before = clock() - timedelta(days=360)
    assert archiving.due_plan(connected(Role.ARCHIVE), before)
    history.execute_sql(f"DELETE FROM reader_activities WHERE created_at >= '{to_db_time(before)}'")
    assert archiving.due_plan(connected(Role.ARCHIVE), before) is None


def test_a_run_that_was_interrupted_is_ended_also_if_nobody_reads_any_more(
    history, archiving_steps, connected, clock, folder, event
):
    db, before = connected(Role.ARCHIVE), clock() - timedelta(days=360)
    half_moved(archiving_steps(), folder)
    history.execute_sql(f"DELETE FROM reader_activities WHERE created_at >= '{to_db_time(before)}'")
    planned = archiving.due_plan(db, before)
    assert planned is not None
    assert sum(step.moved for step in archiving.archive(db, folder, planned, event, clock()))
    assert all(archive.is_moved for archive in archives.archives(history))
    assert archiving.due_plan(db, before) is None


def test_an_archive_without_its_entry_is_refused(history, connected, clock, folder, cast):
    db, other = connected(Role.ARCHIVE), AuditEvent(cast.dora.id, AuditAction.VIEWED_STATS)
    planned = archiving.plan(db, clock() - timedelta(days=365))
    with pytest.raises(ValueError, match="the entry says"):
        list(archiving.archive(db, folder, planned, other, clock()))


# Restored backups -------------------------------------------------------------------------------


@pytest.fixture
def restore_everything(history):
    """`restore_everything()` brings back all rows that were in the database before."""
    tables = (
        *(
            "reader_sessions",
            "reader_activities",
            "reader_profiles",
            "reader_content_progress",
            "reader_quizzes",
        ),
        *("archived_totals", "archived_content_progress", "archived_quizzes"),
        *("reader_hours", "activity_counts", "activity_archives"),
    )
    before = {table: history.execute_sql(f"SELECT * FROM {table}").fetchall() for table in tables}

    def restore_everything() -> None:
        for table, of_table in before.items():
            history.execute_sql(f"DELETE FROM {table}")
            for row in of_table:
                values = [json.dumps(it) if isinstance(it, dict) else it for it in row]
                marks = ", ".join([history.param] * len(row))
                history.execute_sql(f"INSERT INTO {table} VALUES ({marks})", values)

    return restore_everything


def test_activities_that_a_restored_backup_brings_back_leave_again_without_a_new_file(
    history, archiving_steps, folder, restore_everything
):
    before = totals(history)
    list(archiving_steps())
    files = {file: sha256_of(file) for file in folder.glob("activities-*")}
    restore_everything()
    assert len(ids_in_database(history)) == OLD + NEW

    steps = list(archiving_steps())

    assert sum(step.moved for step in steps) == OLD - 1
    assert {file: sha256_of(file) for file in folder.glob("activities-*")} == files
    assert totals(history) == before
    assert not mismatches(history)
    assert len(archives.archives(history)) == len(files)
    assert list(archiving_steps()) == []


def test_a_file_with_an_activity_that_the_restored_database_never_had_is_left_alone(
    history, archiving_steps, folder, restore_everything
):
    list(archiving_steps())
    restore_everything()
    history.execute_sql("UPDATE reader_activities SET content_id = 'other' WHERE id = 1")
    first = min(folder.glob("activities-*"))
    checksum = sha256_of(first)

    list(archiving_steps())

    assert archives.unlisted_files(archives.archives(history), folder) == (first,)
    assert sha256_of(first) == checksum
    assert len(ids_in_database(history)) == NEW + 1, "they are in a new file"


def test_what_was_the_last_activity_at_the_time_of_the_backup_leaves_the_file(
    history, archiving_steps, folder, restore_everything, enter, post, cast
):
    post(enter(cast.ben), Activity("page_read", "momo"))
    list(archiving_steps())
    assert len(ids_in(folder)) == OLD
    restore_everything()

    list(archiving_steps())

    assert len(ids_in_database(history)) == NEW + 1
    assert not set(ids_in(folder)) & set(ids_in_database(history))
    assert not mismatches(history)
    assert all(defect is None for _, defect in archives.verify(archives.archives(history)))


# Faults -----------------------------------------------------------------------------------------


def half_moved(steps, folder: Path) -> Path:
    """Write the first file and move one chunk of it; return the file."""
    list(islice(steps, 2))
    (file,) = folder.glob("activities-*")
    return file


def test_a_damaged_file_keeps_its_activities_in_the_database(history, archiving_steps, folder):
    file = half_moved(archiving_steps(), folder)
    left = ids_in_database(history)
    with open(file, "rb+") as binary:
        binary.seek(60)
        binary.write(b"\xff\x00\xff")

    with pytest.raises(ReadwatchError, match="is damaged"):
        list(archiving_steps())

    assert ids_in_database(history) == left
    ((_, defect),) = archives.verify(archives.archives(history))
    assert defect == f"{file} is damaged; replace it by a copy"


def test_a_file_that_is_not_there_keeps_its_activities_in_the_database(
    history, archiving_steps, folder, tmp_path
):
    file = half_moved(archiving_steps(), folder)
    left = ids_in_database(history)
    file.rename(tmp_path / "away")
    with pytest.raises(ReadwatchError, match=f"{file.name} is not in {folder}"):
        list(archiving_steps())
    assert ids_in_database(history) == left
    (tmp_path / "away").rename(file)
    list(archiving_steps())
    assert len(ids_in_database(history)) == NEW + 1


def test_a_lost_manifest_is_written_again(history, archiving_steps, folder):
    list(archiving_steps())
    before = (folder / MANIFEST).read_bytes()
    for text in (None, "{", '{"files": [1]}', '{"files": [{}]}'):
        (folder / MANIFEST).unlink()
        if text is not None:
            (folder / MANIFEST).write_text(text)
        list(archiving_steps())
        assert (folder / MANIFEST).read_bytes() == before


def test_drafts_and_files_of_others_are_told_apart(history, archiving_steps, folder):
    draft = folder / ".readwatch-copy-0123"
    draft.write_text("half")
    mine = folder / "activities.jsonl.gz"
    mine.write_text("mine")
    torn = folder / "activities-2025-01-000000000001.jsonl.gz"
    torn.write_bytes(b"\x1f\x8b torn")
    strange = folder / "activities-2025-01-000000000002.jsonl.gz"
    strange.write_bytes(gzip.compress(b'{"name":"x"}\n'))
    list(archiving_steps())
    assert not draft.exists()
    assert (mine.read_text(), torn.read_bytes()) == ("mine", b"\x1f\x8b torn")
    assert archives.unlisted_files(archives.archives(history), folder) == (torn, strange)


def test_a_draft_is_deleted_also_if_nothing_more_is_old(history, archiving_steps, folder):
    list(archiving_steps())
    draft = folder / ".readwatch-copy-0123"
    draft.write_text("half")
    assert archiving.is_interrupted(history, folder)
    assert list(archiving_steps()) == []
    assert not draft.exists()
    assert not archiving.is_interrupted(history, folder)


def test_archives_of_a_folder_that_was_moved_are_found_there(
    history, archiving_steps, folder, tmp_path
):
    list(archiving_steps())
    moved = tmp_path / "moved"
    shutil.move(folder, moved)
    listed = archives.archives(history)
    assert len(archives.missing(listed)) == len(listed)
    with pytest.raises(ReadwatchError, match="--archives FOLDER"):
        archives.refuse_missing(listed)
    archives.relocate(history, [moved])
    assert archives.missing(archives.archives(history)) == ()
    assert {archive.folder for archive in archives.archives(history)} == {str(moved)}


def test_a_folder_with_the_archives_of_another_database_is_refused(
    history, archiving_steps, folder, tmp_path
):
    archives.refuse_folder_of_another(history, folder)
    list(archiving_steps())
    archives.refuse_folder_of_another(history, folder)
    history.execute_sql("DELETE FROM activity_archives")
    archives.refuse_folder_of_another(history, folder)
    history.execute_sql("UPDATE schema_history SET applied_at = '2001-01-01 00:00:00.000'")
    with pytest.raises(ReadwatchError, match="has the archives of another database"):
        archives.refuse_folder_of_another(history, folder)
    archives.refuse_folder_of_another(history, tmp_path)


def test_a_folder_that_has_lost_all_archives_is_refused(
    history, archiving_steps, folder, enter, post, cast
):
    list(archiving_steps())
    post(enter(cast.ben), Activity("page_read", "momo"))
    first, *others = sorted(folder.glob("activities-*"))
    for file in others:
        file.unlink()
    assert sum(step.moved for step in archiving_steps()) == 1, "some were deleted for good"
    for file in folder.iterdir():
        file.unlink()
    with pytest.raises(ReadwatchError, match=f"{first.name} is not in {folder}; make the folder"):
        list(archiving_steps())


def test_an_archive_whose_folder_is_not_there_is_missing_even_without_a_checksum(
    history, archiving_steps, folder, tmp_path
):
    list(archiving_steps())
    history.execute_sql("UPDATE activity_archives SET sha256 = NULL, moved_at = NULL")
    assert archives.missing(archives.archives(history)) == ()
    folder.rename(tmp_path / "moved")
    assert archives.missing(archives.archives(history)) != ()
    folder.mkdir()
    assert archives.missing(archives.archives(history)) == (), "they were never completed"
