"""Files of archived activities: JSON Lines, compressed with gzip, and the manifest beside them.

A file has its name when it is complete: until then it is a draft. The same lines make the same
bytes.
"""

import gzip
import json
import os
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import file_digest
from itertools import chain, count
from pathlib import Path
from typing import Any

from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.files import (
    delete_left_drafts,
    keep_draft,
    left_drafts,
    make_private_folders,
    named_draft,
    replace_with_draft,
    sync,
)

COLUMNS = (
    *("id", "user_id", "session_id", "activity_type", "content_id", "content_title"),
    *("progress_percentage", "duration_seconds", "metadata_json", "event_id"),
    *("occurred_at", "created_at"),
)
"""The fields of a line, named as the columns of `reader_activities`. Times are RFC 3339."""

MANIFEST = "manifest.json"

ArchivedValue = str | int | None

_NAME = re.compile(r"activities-\d{4}-\d{2}-\d{12,19}(-\d+)?\.jsonl\.gz", re.ASCII)
_OF_USER = re.compile(rb'\{"id":\d+,"user_id":(\d+),')
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Archive:
    """A file of archived activities, with the first and the last arrival and id of what was
    archived; activities of erased people are no longer in it.

    `sha256` is None until the file is complete. `is_moved` says that all its activities have left
    the database.
    """

    folder: str
    name: str
    first_activity_id: int
    last_activity_id: int
    activities: int
    oldest_at: datetime
    newest_at: datetime
    sha256: str | None = None
    is_moved: bool = False

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.folder) / self.name

    @property
    def entry(self) -> dict[str, ArchivedValue]:
        """What the manifest says about it."""
        values = asdict(self)
        for name in ("folder", "is_moved"):
            del values[name]
        for name in ("oldest_at", "newest_at"):
            values[name] = values[name].isoformat(timespec="milliseconds")
        return values


@dataclass(frozen=True, slots=True)
class Written:
    """What a file contains, after all of it was read back."""

    activities: int
    sha256: str


# Lines ------------------------------------------------------------------------------------------


def line_of(values: Sequence[ArchivedValue]) -> bytes:
    """Return the line of one activity, in ASCII; the values are in the order of the columns."""
    return f"{_encode(dict(zip(COLUMNS, values, strict=True)))}\n".encode("ascii")


def parsed_line(line: bytes) -> dict[str, Any]:
    """Return the values of a line by column."""
    values: dict[str, Any] = json.loads(line)
    return values


def without_session(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without the session, which may be deleted before its activities."""
    return {**values, "session_id": None}


def user_of(line: bytes) -> int | None:
    """Return the user of a line, None for a line that readwatch has not written."""
    match = _OF_USER.match(line)
    return int(match[1]) if match else None


def lines_of(file: Path) -> Iterator[bytes]:
    """Yield the lines of a file; a damaged one is an error, at its end at the latest."""
    try:
        with gzip.open(file) as lines:
            yield from lines
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise damaged(file) from None
    except OSError as error:
        raise conflict(f"{file} cannot be read: {error.strerror}") from None


def damaged(file: Path) -> ReadwatchError:
    """Return the error for a file that is not as it was written."""
    return conflict(f"{file} is damaged; replace it by a copy")


# Files ------------------------------------------------------------------------------------------


def is_archive_name(name: str) -> bool:
    """Tell whether a file has the name of an archive."""
    return _NAME.fullmatch(name) is not None


def exists(path: Path) -> bool:
    """Tell whether a file is there and can be reached."""
    return os.path.exists(path)  # Path.exists fails in a folder that cannot be opened


def names_in(folder: Path) -> list[str]:
    """Return the names of all files in a folder, sorted; an error if it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise conflict(f"{folder} cannot be read: {error.strerror}") from None


def make_folder(folder: Path) -> None:
    """Create a folder that only its owner can open, unless it exists."""
    with _write_errors(folder):
        make_private_folders(folder)


def free_name(taken: Collection[str], oldest_at: datetime, first_id: int) -> str:
    """Return a name that is not taken: it has the month of the first arrival, and its id."""
    stem = f"activities-{oldest_at:%Y-%m}-{first_id:012}"
    stems = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(name for stem in stems if (name := f"{stem}.jsonl.gz") not in taken)


def write_new(file: Path, lines: Iterable[bytes]) -> Written:
    """Write a new file, read it back, and give it its name; a failure leaves no file."""
    with _write_errors(file), named_draft(file) as draft:
        written = _write(draft, lines)
        keep_draft(draft, file)
    return written


def rewrite(
    file: Path, keeps: Callable[[bytes], bool], before: Callable[[Written], None]
) -> Written:
    """Replace a file by one with only the lines that `keeps` accepts.

    `before` gets what the new file contains, before it takes the place.
    """
    with _write_errors(file), named_draft(file) as draft:
        written = _write(draft, (line for line in lines_of(file) if keeps(line)))
        before(written)
        replace_with_draft(draft, file)
    return written


def has_drafts(folder: Path) -> bool:
    """Tell whether an interrupted program has left something in a folder, which may not exist."""
    return folder.is_dir() and bool(left_drafts(folder))


def delete_drafts(folder: Path) -> None:
    """Delete what an interrupted program has left in a folder."""
    with _write_errors(folder):
        delete_left_drafts(folder)


@contextmanager
def _write_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise conflict(f"{file} already exists; use another folder") from None
    except BlockingIOError:
        raise conflict(f"another copy is being written beside {file}; try again") from None
    except OSError as error:
        raise invalid(f"{file} cannot be written: {error.strerror}") from None


def _write(draft: Path, lines: Iterable[bytes]) -> Written:
    checksum = activities = 0
    with open(draft, "wb") as binary:
        with gzip.GzipFile("", "wb", fileobj=binary, mtime=0) as compressed:
            for line in lines:
                compressed.write(line)
                checksum = zlib.crc32(line, checksum)
                activities += 1
        sync(binary)
    if (activities, checksum) != _read_back(draft):
        raise conflict(f"the disk of {draft.parent} does not return what was written to it")
    return Written(activities, sha256_of(draft))


def _read_back(file: Path) -> tuple[int, int]:
    checksum = activities = 0
    for line in lines_of(file):
        checksum = zlib.crc32(line, checksum)
        activities += 1
    return activities, checksum


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file as hex; an error if it cannot be read."""
    try:
        with open(file, "rb") as binary:
            return file_digest(binary, "sha256").hexdigest()
    except OSError as error:
        raise conflict(f"{file} cannot be read: {error.strerror}") from None


# The manifest -----------------------------------------------------------------------------------

Manifest = Mapping[str, Mapping[str, Any]]
"""What the manifest says about each file, by name."""


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a folder; None if there is none, or if it is damaged."""
    try:
        files = json.loads((folder / MANIFEST).read_bytes())["files"]
        return {str(file["name"]): dict(file) for file in files}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def database_of(folder: Path) -> str | None:
    """Return the database that the manifest of a folder names, None if it names none."""
    try:
        return str(json.loads((folder / MANIFEST).read_bytes())["database"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_manifest(
    folder: Path, database: str, archives: Iterable[Archive], others: Manifest
) -> None:
    """Replace the manifest: `others` are entries of files that are none of these archives."""
    entries = {**others, **{archive.name: archive.entry for archive in archives}}
    text = json.dumps(
        {
            "what": "activities archived by readwatch, JSON Lines compressed with gzip",
            "database": database,
            "columns": COLUMNS,
            "files": [entries[name] for name in sorted(entries)],
        },
        indent=1,
    )
    path = folder / MANIFEST
    with _write_errors(path), named_draft(path) as draft:
        with open(draft, "w", encoding="ascii") as file:
            file.write(f"{text}\n")
            sync(file)
        replace_with_draft(draft, path)


def as_in_manifest(archive: Archive, manifest: Manifest | None) -> Archive:
    """Return an archive with the size and the checksum that the manifest has for it.

    After a restore of an older backup the manifest may be newer than the database, because people
    were erased since.
    """
    entry = (manifest or {}).get(archive.name, {})
    sha256, activities = entry.get("sha256"), entry.get("activities")
    if not isinstance(sha256, str) or not isinstance(activities, int):
        return archive
    return replace(archive, sha256=sha256, activities=activities)


def intact(archive: Archive, manifest: Manifest | None) -> Archive:
    """Return a complete archive as its file is: as the database or as the manifest has it.

    A file that is neither is damaged, which is an error.
    """
    actual = sha256_of(archive.path)
    for as_recorded in (archive, as_in_manifest(archive, manifest)):
        if as_recorded.sha256 == actual:
            return as_recorded
    raise damaged(archive.path)
