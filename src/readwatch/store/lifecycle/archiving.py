"""Old activities move from the database to files, while others read and write.

For each file: the database lists it, the file is written and read back, the database gets its
checksum, and then the activities of the file leave the database in small transactions, each of
which keeps all totals right. So an interruption at any point loses and doubles nothing, and the
next run goes on.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from readwatch.domain.activities import Activity, canonical_json
from readwatch.domain.ages import Age, cutoff
from readwatch.domain.archive_files import (
    COLUMNS,
    Archive,
    ArchivedValue,
    delete_drafts,
    exists,
    free_name,
    has_drafts,
    line_of,
    lines_of,
    make_folder,
    names_in,
    parsed_line,
    read_manifest,
    rewrite,
    sha256_of,
    without_session,
    write_new,
)
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ReadwatchError, conflict
from readwatch.store.audit.log import log_event
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.migrations import refuse_newer_schema
from readwatch.store.engine.models import MAX_ID
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, rfc3339_or_none, to_db_time
from readwatch.store.lifecycle import archives
from readwatch.store.recording.rollups import RollupChanges

T = TypeVar("T")

AT_LEAST_DAYS = 90
"""Younger activities stay in the database: apps may send them again for 30 days, and reports
compare the weeks of a term."""

FILE_ROWS = 50_000
"""The number of activities in a file."""

CHUNK_ROWS = 250
"""The number of activities that one transaction moves; other writes wait for the transaction."""

_PAGE_ROWS = 2_000
_DUE_AFTER = timedelta(days=31)


def _by_id(sql: str) -> Statement:
    """Return a statement over activities in the order of their ids.

    SQLite would otherwise sort the rows that it finds by their arrival.
    """
    return Statement(sql, postgresql=sql.replace(" NOT INDEXED", ""))


# The last activity of each reader stays, because the lists show it.
_IS_LAST = """
    EXISTS (
        SELECT 1 FROM reader_profiles p
        WHERE p.user_id = a.user_id AND p.last_activity_id = a.id
    )
"""
_COLUMNS = ", ".join(f"a.{name}" for name in COLUMNS)
_END = Statement(
    """
    SELECT id FROM reader_activities WHERE created_at >= :before ORDER BY created_at, id LIMIT 1
    """
)
_COUNT = Statement(
    """
    SELECT
        (SELECT count(*) FROM reader_activities WHERE created_at < :before AND id < :end_id)
        - (
            SELECT count(*) FROM reader_profiles p
            JOIN reader_activities a ON a.id = p.last_activity_id AND a.user_id = p.user_id
            WHERE a.created_at < :before AND a.id < :end_id
        ) AS activities
    """
)
_NEXT = _by_id(
    f"""
    SELECT
        count(*) AS activities, min(id) AS first_id, max(id) AS last_id,
        min(created_at) AS oldest_at, max(created_at) AS newest_at
    FROM (
        SELECT a.id, a.created_at FROM reader_activities a NOT INDEXED
        WHERE a.id > :after AND a.id < :end_id AND a.created_at < :before AND NOT {_IS_LAST}
        ORDER BY a.id LIMIT :length
    ) AS next
    """  # noqa: S608 - our own text
)
_PAGE = _by_id(
    f"""
    SELECT {_COLUMNS} FROM reader_activities a NOT INDEXED
    WHERE a.id > :after AND a.id <= :last AND a.created_at < :before AND NOT {_IS_LAST}
    ORDER BY a.id LIMIT :length
    """  # noqa: S608 - our own text
)
_STORED = BulkStatement(
    {"id": "bigint"},
    f"""
    SELECT {_COLUMNS}, {_IS_LAST} AS is_last
    FROM given CROSS JOIN reader_activities a WHERE a.id = given.id ORDER BY a.id
    """,  # noqa: S608 - our own text
)
_DELETE = BulkStatement(
    {"id": "bigint"},
    "DELETE FROM reader_activities WHERE id IN (SELECT id FROM given) RETURNING id",
    postgresql="""
    DELETE FROM reader_activities WHERE id = ANY (ARRAY(SELECT id FROM given)) RETURNING id
    """,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to archive: activities that arrived before a time and have a lower id than `end_id`."""

    before: datetime
    end_id: int
    activities: int

    @property
    def steps(self) -> int:
        """The number of steps if no earlier run was interrupted."""
        return -(-self.activities // CHUNK_ROWS) + -(-self.activities // FILE_ROWS)


@dataclass(frozen=True, slots=True)
class ArchiveStep:
    """A file was written, or some of its activities have left the database."""

    file: Path
    written: int = 0
    moved: int = 0


def arrived_before(age: Age, now: datetime) -> datetime:
    """Return the time before which activities of this age arrived; refuse an age that is too
    short."""
    reason = "retries and reports need the younger activities"
    return cutoff(age, now, at_least_days=AT_LEAST_DAYS, reason=reason)


def plan(db: Database, before: datetime) -> Plan:
    """Return what is to be archived of the activities that arrived before a time.

    Ids follow the arrivals: if the clock of a server was wrong, activities between are left for
    later. A plan that leaves no activity in the database is refused, because the clock of this
    machine may be wrong.
    """
    arrived_before = to_db_time(before)
    end = _END.one_or_none(db, before=arrived_before)
    end_id = MAX_ID if end is None else end.id
    activities = int(_COUNT.scalar(db, before=arrived_before, end_id=end_id))
    if activities and end is None:
        raise conflict(
            f"no activity has arrived since {before:%Y-%m-%d}, so all of them would be archived; "
            "check the clock of this machine"
        )
    return Plan(before, end_id, activities)


def is_interrupted(db: Database, folder: Path) -> bool:
    """Tell whether an earlier run did not end, has left a draft or a file that is not listed, or
    its manifest is lost."""
    listed = archives.archives(db)
    return (
        any(not archive.is_moved for archive in listed)
        or has_drafts(folder)
        or bool(archives.unlisted_files(listed, folder))
        or bool(archives.without_manifest(listed))
    )


def due_plan(db: Database, before: datetime) -> Plan | None:
    """Return the plan of an archive that is worth a file, None if there is none: an earlier run did
    not end, or the activities of a month have come together."""
    is_unfinished = any(it.sha256 and not it.is_moved for it in archives.archives(db))
    if _END.one_or_none(db, before=to_db_time(before)) is None:
        # Nobody reads any more: `plan` refuses to archive all that is left.
        return Plan(before, end_id=0, activities=0) if is_unfinished else None
    return plan(db, before) if is_unfinished or _has_month(db, before - _DUE_AFTER) else None


def _has_month(db: Database, before: datetime) -> bool:
    arrived_before = to_db_time(before)
    end_id = _END.one_or_none(db, before=arrived_before).id
    next_file = _NEXT.one_or_none(db, after=0, before=arrived_before, end_id=end_id, length=1)
    return bool(next_file.activities)


def archive(
    db: Database, folder: Path, planned: Plan, event: AuditEvent, now: datetime
) -> Iterator[ArchiveStep]:
    """Log it, end what an earlier run began, and move the planned activities to files of a folder.

    Call it in `exclusive_maintenance`. The function pauses after each transaction for as long as it
    took: SQLite's lock is not fair.
    """
    if event.action_type is not AuditAction.ARCHIVED_ACTIVITIES:
        raise ValueError("the entry says that activities are archived")
    archives.refuse_empty(db, folder)
    log_event(db, event, now)
    make_folder(folder)
    delete_drafts(folder)
    yield from _end_earlier_runs(db, folder, now)
    after = 0
    while (new := _next_archive(db, folder, planned, after)) is not None:
        archives.add(db, new, now)
        complete = _write(db, new, planned)
        yield ArchiveStep(complete.path, written=complete.activities)
        yield from _move(db, complete, now)
        after = new.last_activity_id


def _next_archive(db: Database, folder: Path, planned: Plan, after: int) -> Archive | None:
    row = _NEXT.one_or_none(
        db,
        after=after,
        end_id=planned.end_id,
        before=to_db_time(planned.before),
        length=FILE_ROWS,
    )
    if not row.activities:
        return None
    oldest_at = from_db_time(row.oldest_at)
    taken = {*names_in(folder), *(it.name for it in archives.archives(db))}
    return Archive(
        folder=str(folder),
        name=free_name(taken, oldest_at, row.first_id),
        first_activity_id=row.first_id,
        last_activity_id=row.last_id,
        activities=row.activities,
        oldest_at=oldest_at,
        newest_at=from_db_time(row.newest_at),
    )


def _write(db: Database, archive: Archive, planned: Plan) -> Archive:
    written = write_new(archive.path, _lines(db, archive, planned))
    complete = replace(archive, activities=written.activities, sha256=written.sha256)
    archives.update(db, archive, complete)
    archives.save_manifest(db, archive.folder)
    return complete


def _lines(db: Database, archive: Archive, planned: Plan) -> Iterator[bytes]:
    """Yield the lines of a new file; activities never change, so this needs no transaction."""
    after, limits = archive.first_activity_id - 1, {"last": archive.last_activity_id}
    before = to_db_time(planned.before)
    while rows := _PAGE.all(db, after=after, before=before, length=_PAGE_ROWS, **limits):
        yield from (line_of(_values(row)) for row in rows)
        after = rows[-1].id


def _values(row: Any) -> tuple[ArchivedValue, ...]:
    """Return a stored activity as it is in a file."""
    metadata = row.metadata_json
    return (
        *(row.id, row.user_id, row.session_id, row.activity_type, row.content_id),
        *(row.content_title, row.progress_percentage, row.duration_seconds),
        canonical_json(metadata) if isinstance(metadata, dict) else metadata,
        *(row.event_id, rfc3339_or_none(row.occurred_at), rfc3339_or_none(row.created_at)),
    )


# Out of the database ----------------------------------------------------------------------------


def _move(db: Database, archive: Archive, now: datetime) -> Iterator[ArchiveStep]:
    """Delete the activities of a complete file from the database."""
    for lines in _chunks(lines_of(archive.path)):
        began = time.monotonic()
        moved = _move_chunk(db, lines)
        took = time.monotonic() - began
        if moved:  # otherwise an earlier run has moved them
            yield ArchiveStep(archive.path, moved=moved)
            time.sleep(took)
    archives.end_move(db, archive, now)


def _move_chunk(db: Database, lines: Sequence[bytes]) -> int:
    """Delete those activities of some lines that are in the database as they are in the file."""
    archived = _by_ids(lines)
    rows = [
        row
        for row in _STORED.all(db, [(id_,) for id_ in archived])
        if not row.is_last and _is_same(row, archived[row.id])
    ]
    if not rows:
        return 0
    changes = RollupChanges(frozenset())
    for row in rows:
        changes.add(row.user_id, row.id, _activity(row), to_db_time(from_db_time(row.occurred_at)))
    with db.atomic():
        acquire_lock(db, Lock.ROLLUPS)
        refuse_newer_schema(db)
        changes.archive(db)
        deleted = _DELETE(db, [(row.id,) for row in rows]).fetchall()
        if len(deleted) != len(rows):
            raise conflict("another program deletes activities; try again when it has ended")
    return len(rows)


def _by_ids(lines: Iterable[bytes]) -> dict[int, dict[str, Any]]:
    return {values["id"]: values for values in map(parsed_line, lines)}


def _is_same(row: Any, archived: Mapping[str, Any]) -> bool:
    stored = dict(zip(COLUMNS, _values(row), strict=True))
    return without_session(stored) == without_session(archived)


def _activity(row: Any) -> Activity:
    return Activity(
        activity_type=row.activity_type,
        content_id=row.content_id,
        content_title=row.content_title,
        progress_percentage=row.progress_percentage,
        duration_seconds=row.duration_seconds,
        metadata=row.metadata_json,
    )


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK_ROWS)):
        yield chunk


# Earlier runs -----------------------------------------------------------------------------------


def _end_earlier_runs(db: Database, folder: Path, now: datetime) -> Iterator[ArchiveStep]:
    """Go on where a run was interrupted, and take over files that the database does not list
    because an older backup of it was restored."""
    for archive in archives.archives(db):
        if archive.sha256 is None:
            archives.refuse_missing([archive])
            if not exists(archive.path):
                archives.remove(db, archive)
        elif not archive.is_moved:
            archives.refuse_missing([archive])
            manifest = read_manifest(Path(archive.folder))
            yield from _move(db, archives.as_its_file(db, archive, manifest), now)
    listed = archives.archives(db)
    for of_archives in sorted({str(folder), *(archive.folder for archive in listed)}):
        for file in archives.unlisted_files(listed, Path(of_archives)):
            adopted = _adopt(db, file, now)
            if adopted is not None:
                yield from _move(db, adopted, now)
        if os.path.isdir(of_archives) and any(it.folder == of_archives for it in listed):
            archives.save_manifest(db, of_archives)


def _adopt(db: Database, file: Path, now: datetime) -> Archive | None:
    """List a file whose activities are all in the database, and leave others alone.

    The last activity of a reader stays in the database, because the lists show it; it leaves the
    file.
    """
    try:
        archive, last_ids = _contents_in_database(db, file)
        if last_ids:
            rewrite(file, lambda line: parsed_line(line)["id"] not in last_ids, lambda _: None)
        archive = replace(archive, sha256=sha256_of(file))
    except (LookupError, ValueError, ReadwatchError):
        return None  # damaged, or of another database
    listed = {it.path: it for it in archives.archives(db)}
    if file in listed:  # a run was interrupted before it had the checksum
        archives.update(db, listed[file], archive)
    else:
        archives.add(db, archive, now)
    archives.save_manifest(db, archive.folder)
    return archive


def _contents_in_database(db: Database, file: Path) -> tuple[Archive, frozenset[int]]:
    """Return what a file contains, and which of it are last activities of readers.

    LookupError if the file is empty, or if the database does not have all of it.
    """
    rows: list[tuple[int, datetime, bool]] = []
    for lines in _chunks(lines_of(file)):
        archived = _by_ids(lines)
        stored = {row.id: row for row in _STORED.all(db, [(id_,) for id_ in archived])}
        if len(archived) < len(lines) or not all(
            _is_same(stored[id_], values) for id_, values in archived.items()
        ):
            raise LookupError
        rows += [
            (row.id, from_db_time(row.created_at), bool(row.is_last)) for row in stored.values()
        ]
    if not rows:
        raise LookupError
    last_ids = frozenset(id_ for id_, _, is_last in rows if is_last)
    arrivals = [arrived_at for _, arrived_at, _ in rows]
    return (
        Archive(
            folder=str(file.parent),
            name=file.name,
            first_activity_id=min(id_ for id_, _, _ in rows),
            last_activity_id=max(id_ for id_, _, _ in rows),
            activities=len(rows) - len(last_ids),
            oldest_at=min(arrivals),
            newest_at=max(arrivals),
        ),
        last_ids,
    )
