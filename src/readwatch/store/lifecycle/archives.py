"""The archives of a database: files that activities were moved to, and the table that lists them.

The table has the checksum of each file. The manifest in each folder repeats it, for other programs
and for a restored older backup.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

from readwatch.domain.archive_files import (
    COLUMNS,
    Archive,
    ArchivedValue,
    Manifest,
    Written,
    as_in_manifest,
    database_of,
    delete_drafts,
    exists,
    intact,
    is_archive_name,
    lines_of,
    names_in,
    parsed_line,
    read_manifest,
    rewrite,
    user_of,
    write_manifest,
)
from readwatch.domain.errors import ReadwatchError, conflict
from readwatch.domain.text import SafeText, clean
from readwatch.store.audit.log import Permit
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, from_db_time_or_none, to_db_time

_ALL = Statement(
    """
    SELECT
        folder, name, first_activity_id, last_activity_id, activities, oldest_at, newest_at,
        sha256, moved_at
    FROM activity_archives ORDER BY folder, name
    """
)
_ADD = Statement(
    """
    INSERT INTO activity_archives (
        folder, name, first_activity_id, last_activity_id, activities, oldest_at, newest_at,
        sha256, created_at
    ) VALUES (
        :folder, :name, :first_activity_id, :last_activity_id, :activities, :oldest_at, :newest_at,
        :sha256, :now
    )
    """
)
_UPDATE = Statement(
    """
    UPDATE activity_archives SET folder = :new_folder, activities = :activities, sha256 = :sha256
    WHERE folder = :folder AND name = :name
    """
)
_END_MOVE = Statement(
    "UPDATE activity_archives SET moved_at = :now WHERE folder = :folder AND name = :name"
)
_REMOVE = Statement("DELETE FROM activity_archives WHERE folder = :folder AND name = :name")
_NEWEST_ARRIVAL = Statement(
    "SELECT max(newest_at) AS newest_at FROM activity_archives WHERE sha256 IS NOT NULL"
)
_CREATED_AT = Statement("SELECT min(applied_at) AS created_at FROM schema_history")
_IDS_OF_USER = Statement(
    """
    SELECT id FROM reader_activities
    WHERE user_id = :user_id AND id >= :first_activity_id AND id <= :last_activity_id
    """
)

ROWS_AT_ONCE = 5_000
_LONGEST = 2**20

# The table --------------------------------------------------------------------------------------


def archives(db: Database) -> tuple[Archive, ...]:
    """Return all archives, also those whose file is not complete."""
    return tuple(
        Archive(
            folder=row.folder,
            name=row.name,
            first_activity_id=row.first_activity_id,
            last_activity_id=row.last_activity_id,
            activities=row.activities,
            oldest_at=from_db_time(row.oldest_at),
            newest_at=from_db_time(row.newest_at),
            sha256=row.sha256,
            is_moved=row.moved_at is not None,
        )
        for row in _ALL.all(db)
    )


def add(db: Database, archive: Archive, now: datetime) -> None:
    """List an archive."""
    _ADD(
        db,
        folder=archive.folder,
        name=archive.name,
        first_activity_id=archive.first_activity_id,
        last_activity_id=archive.last_activity_id,
        activities=archive.activities,
        oldest_at=to_db_time(archive.oldest_at),
        newest_at=to_db_time(archive.newest_at),
        sha256=archive.sha256,
        now=to_db_time(now),
    )


def update(db: Database, before: Archive, after: Archive) -> None:
    """Change the folder, the number of activities and the checksum of an archive."""
    _UPDATE(
        db,
        folder=before.folder,
        name=before.name,
        new_folder=after.folder,
        activities=after.activities,
        sha256=after.sha256,
    )


def end_move(db: Database, archive: Archive, now: datetime) -> None:
    """Say that all activities of an archive have left the database."""
    _END_MOVE(db, folder=archive.folder, name=archive.name, now=to_db_time(now))


def remove(db: Database, archive: Archive) -> None:
    """Remove an archive from the list: its file was never completed, or is gone."""
    _REMOVE(db, folder=archive.folder, name=archive.name)


def newest_arrival(db: Database) -> datetime | None:
    """Return the arrival of the newest archived activity, None without archives."""
    return from_db_time_or_none(_NEWEST_ARRIVAL.scalar(db))


# Files ------------------------------------------------------------------------------------------


def unlisted_files(listed: Iterable[Archive], folder: Path) -> tuple[Path, ...]:
    """Return the files of a folder that have the name of an archive and are none of the complete
    archives."""
    complete = {it.path for it in listed if it.sha256 is not None}
    names = names_in(folder) if exists(folder) else []
    files = (folder / name for name in names if is_archive_name(name))
    return tuple(file for file in files if file not in complete)


def as_its_file(db: Database, archive: Archive, manifest: Manifest | None) -> Archive:
    """Return a complete archive as its file is, and tell the database if the manifest knew better.

    A missing or damaged file is an error.
    """
    current = intact(archive, manifest)
    if current != archive:
        update(db, archive, current)
    return current


def save_manifest(db: Database, folder: str, changed: Collection[str] = ()) -> None:
    """Write the manifest of a folder again; entries of files that are not listed stay if the files
    are there and not among the `changed` ones."""
    path = Path(folder)
    manifest = read_manifest(path) or {}
    in_folder = [
        _for_manifest(db, it, manifest)
        for it in archives(db)
        if it.folder == folder and it.sha256 is not None
    ]
    listed = {it.name for it in in_folder}
    others = {
        name: entry
        for name, entry in manifest.items()
        if name not in listed and name not in changed and exists(path / name)
    }
    write_manifest(path, identity(db), in_folder, others)


def _for_manifest(db: Database, archive: Archive, manifest: Manifest) -> Archive:
    """Return a complete archive for the manifest, which has said something else if people were
    erased since a restored backup: as the file is or, if it is neither, as before."""
    before = as_in_manifest(archive, manifest)
    if before == archive:
        return archive
    try:
        return as_its_file(db, archive, manifest)
    except ReadwatchError:  # which `verify` reports
        return before


def identity(db: Database) -> str:
    """Return what tells a database from others, also after a restore: the time of its creation."""
    return f"created {from_db_time(_CREATED_AT.scalar(db)).isoformat(timespec='milliseconds')}"


def refuse_folder_of_another(db: Database, folder: Path) -> None:
    """Refuse a folder with the archives of another database: erasing a user there would remove the
    activities of somebody else."""
    if any(archive.folder == str(folder) for archive in archives(db)):
        return
    if database_of(folder) not in (None, identity(db)):
        raise conflict(f"{folder} has the archives of another database; name another folder")


def without_manifest(listed: Iterable[Archive]) -> tuple[Path, ...]:
    """Return the folders of complete archives whose manifest is lost or damaged."""
    folders = sorted({Path(it.folder) for it in listed if it.sha256 is not None})
    return tuple(it for it in folders if os.path.isdir(it) and read_manifest(it) is None)


def moved_to(listed: Sequence[Archive], folders: Sequence[Path]) -> tuple[Archive, ...]:
    """Return the archives, each where its file is: in its folder or in one of these."""
    return tuple(
        next(
            (
                replace(archive, folder=str(folder))
                for folder in (Path(archive.folder), *folders)
                if exists(folder / archive.name)
            ),
            archive,
        )
        for archive in listed
    )


def missing(listed: Iterable[Archive]) -> tuple[Archive, ...]:
    """Return the archives whose file is not there; if it is not complete, those whose folder is not
    there."""
    return tuple(
        it
        for it in listed
        if not (exists(it.path) or (it.sha256 is None and os.path.isdir(it.folder)))
    )


def relocate(db: Database, folders: Sequence[Path]) -> None:
    """Note in which of these folders archives are now, and write the manifests there."""
    before = archives(db)
    after = moved_to(before, folders)
    for old, new in zip(before, after, strict=True):
        if old.folder != new.folder:
            update(db, old, new)
    for folder in sorted({it.folder for it in after} - {it.folder for it in before}):
        save_manifest(db, folder)


def refuse_missing(listed: Iterable[Archive]) -> None:
    """Refuse if a file is not there, and name its folder."""
    for archive in missing(listed):
        raise conflict(
            f"the archive {archive.name} is not in {archive.folder}; make the folder available, "
            "name the folder where it is now with --archives FOLDER, or say --archives-gone if it "
            "exists no more"
        )


def refuse_empty(db: Database, folder: Path) -> None:
    """Refuse a folder in which no archive is left of those that the database lists there: its disk
    may not be mounted."""
    in_folder = [it for it in archives(db) if it.folder == str(folder) and it.sha256 is not None]
    if len(missing(in_folder)) == len(in_folder):
        refuse_missing(in_folder)


def verify(listed: Sequence[Archive]) -> Iterator[tuple[Archive, str | None]]:
    """Check each complete archive: yield it with what is wrong, None if nothing is."""
    for archive in listed:
        if archive.sha256 is not None:
            yield archive, _defect(archive)


def _defect(archive: Archive) -> str | None:
    if not exists(archive.path):
        return f"{archive.path} is not there"
    try:
        as_recorded = intact(archive, read_manifest(Path(archive.folder)))
        activities = sum(1 for _ in lines_of(archive.path))
    except ReadwatchError as error:
        return error.message
    if activities != as_recorded.activities:
        return f"{archive.path} has {activities:,} activities instead of {as_recorded.activities:,}"
    return None


# One user ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArchivedOfUser:
    """A file with the number of activities of one user in it; `archive` is None for a file that the
    database does not list."""

    file: Path
    archive: Archive | None
    activities: int


def files_to_search(
    listed: Sequence[Archive], folders: Iterable[str] = ()
) -> tuple[tuple[Path, Archive | None], ...]:
    """Return the files that may have activities of a user: all files of all folders of the
    archives, and of other folders."""
    files: dict[Path, Archive | None] = {
        it.path: it for it in listed if it.sha256 is not None and exists(it.path)
    }
    for folder in sorted({*(it.folder for it in listed), *folders}):
        for file in unlisted_files(listed, Path(folder)):
            files.setdefault(file, None)
    return tuple(files.items())


def search(
    files: Iterable[tuple[Path, Archive | None]], user_id: int
) -> Iterator[ArchivedOfUser | None]:
    """Search files for the activities of a user; yield after each file, None if it has none.

    A damaged archive is an error. A file that is not listed and that readwatch has not written is
    left alone.
    """
    for file, archive in files:
        if archive is not None:
            intact(archive, read_manifest(file.parent))
        try:
            activities = activities_of(user_id, file)
        except ReadwatchError:
            if archive is not None:
                raise
            activities = 0
        yield ArchivedOfUser(file, archive, activities) if activities else None


def activities_of(user_id: int, file: Path) -> int:
    """Return the number of activities of a user in a file."""
    return sum(user_of(line) == user_id for line in lines_of(file))


def erase_user(db: Database, of_user: ArchivedOfUser, user_id: int) -> None:
    """Replace a file by one without the activities of a user; a kill leaves the old or the new one.

    The database gets the new checksum before the new file takes the place: until the manifest is
    written again, the file is as one of both says.
    """
    rewrite(
        of_user.file,
        keeps=lambda line: user_of(line) != user_id,
        before=partial(_update_contents, db, of_user.archive),
    )
    save_manifest(db, str(of_user.file.parent), changed={of_user.file.name})


def _update_contents(db: Database, archive: Archive | None, written: Written) -> None:
    if archive is not None:
        after = replace(archive, activities=written.activities, sha256=written.sha256)
        update(db, archive, after)


def delete_drafts_beside(listed: Iterable[Archive]) -> None:
    """Delete what an interrupted command has left in the folders of the archives."""
    for folder in sorted({it.folder for it in listed}):
        if os.path.isdir(folder):
            delete_drafts(Path(folder))


# The personal data export -----------------------------------------------------------------------

Value = int | SafeText | None


@dataclass(frozen=True, slots=True)
class ArchivedPart:
    """The archived activities of one user, as a part of a personal data export."""

    length: int
    _lines: IO[bytes]
    name: str = "archived_activities"
    columns: tuple[str, ...] = COLUMNS

    def chunks(self, _db: Database) -> Iterator[list[tuple[Value, ...]]]:
        """Yield the rows in the order of the files."""
        self._lines.seek(0)
        rows: list[tuple[Value, ...]] = []
        for line in self._lines:
            values: dict[str, Any] = parsed_line(line)
            rows.append(tuple(_value(values.get(name)) for name in COLUMNS))
            if len(rows) == ROWS_AT_ONCE:
                yield rows
                rows = []
        if rows:
            yield rows


def _value(value: ArchivedValue) -> Value:
    return clean(value, limit=_LONGEST) if isinstance(value, str) else value


def collect(
    db: Database, permit: Permit, listed: Sequence[Archive], lines: IO[bytes]
) -> Iterator[int]:
    """Copy the archived activities of the user of a permit to a temporary file; yield the number of
    each archive's.

    Activities that are still in the database are left out.
    """
    user_id = permit.subject_id
    for archive in listed:
        if archive.sha256 is None or not exists(archive.path):
            continue
        intact(archive, read_manifest(archive.path.parent))
        in_database = set() if archive.is_moved else _ids_in_database(db, archive, user_id)
        own = (line for line in lines_of(archive.path) if user_of(line) == user_id)
        copied = 0
        for line in own:
            if not in_database or parsed_line(line)["id"] not in in_database:
                lines.write(line)
                copied += 1
        yield copied


def _ids_in_database(db: Database, archive: Archive, user_id: int) -> set[int]:
    ids = _IDS_OF_USER(
        db,
        user_id=user_id,
        first_activity_id=archive.first_activity_id,
        last_activity_id=archive.last_activity_id,
    )
    return {id_ for (id_,) in ids}
