"""The disk of a SQLite file: its file system, its room, and what interrupted commands have left."""

import re
import shlex
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from readwatch.domain.disk_room import Room
from readwatch.domain.errors import conflict
from readwatch.domain.files import delete_left_drafts, left_drafts
from readwatch.domain.findings import Finding, error, ok, warning
from readwatch.domain.health import MIN_FREE_BYTES, format_bytes
from readwatch.domain.plural import counted
from readwatch.domain.vacuum import SPARE_BYTES

MOUNTS = Path("/proc/self/mountinfo")

_NETWORK = frozenset(
    {"9p", "afs", "cifs", "fuse.glusterfs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf"}
)
_OCTAL = re.compile(r"\\([0-7]{3})")  # how the kernel writes a space in a name
_MEMORY = frozenset({"ramfs", "tmpfs"})

MAX_COPY_AGE = timedelta(days=30)
"""How long a copy of the database is worth its personal data."""


def file_system_findings(path: Path, mounts: str) -> Iterator[Finding]:
    """Check the type of the file system of a database; `mounts` is the text of `MOUNTS`.

    https://www.sqlite.org/wal.html: all programs that use the file need memory in common.
    """
    kind = file_system(path, mounts)
    if kind in _NETWORK:
        yield error(
            "file system",
            f"the database is on a network ({kind}), where SQLite can lose it",
            "move it to a disk of this machine, or use PostgreSQL",
        )
    elif kind == "overlay":
        yield warning(
            "file system",
            "the database is in the layer of a container (overlay), and is gone with the container",
            "mount a volume for the folder of the database",
        )
    elif kind in _MEMORY:
        yield warning(
            "file system",
            f"the database is in memory ({kind}), and is gone when the machine restarts",
            "move it to a disk",
        )
    elif kind is not None:
        yield ok("file system", f"{kind}, a disk of this machine")


def file_system(path: Path, mounts: str) -> str | None:
    """Return the type of the file system on which a path is; None if it is not known."""
    kinds: dict[Path, str] = {}
    for line in mounts.splitlines():
        where, separator, what = line.partition(" - ")
        if separator:
            mounted = _OCTAL.sub(lambda code: chr(int(code[1], 8)), where.split()[4])
            kinds[Path(mounted)] = what.split()[0]
    path = path.resolve()
    return next((kinds[above] for above in (path, *path.parents) if above in kinds), None)


def room_findings(folder: Path, size: int, vacuum_rooms: Iterable[Room]) -> Iterator[Finding]:
    """Check whether a database of this size fits a second time on its disk, and has room to grow;
    `vacuum_rooms` are what a vacuum needs."""
    free = shutil.disk_usage(folder).free
    left = f"{format_bytes(free)} is free on the disk of {folder}"
    shortages = [room.shortage for room in vacuum_rooms if room.shortage is not None]
    if free < MIN_FREE_BYTES:
        yield error("disk", f"only {left}", "free some space, before nothing can be written")
    elif free < size + SPARE_BYTES:
        yield warning(
            "disk",
            f"{left}, too little for a backup of {format_bytes(size)} beside the database",
            "back up to another disk: readwatch db backup --to FOLDER",
        )
    elif shortages:
        yield warning("disk", shortages[0], "free some space before: readwatch db vacuum")
    else:
        yield ok("disk", f"{format_bytes(free)} free, room for a backup and a vacuum")


def copies_in(folder: Path) -> tuple[Path, ...]:
    """Return the copies of databases in a folder, by their names: backups, and replaced ones."""
    return (*sorted(folder.glob("readwatch-*.db")), *sorted(folder.glob("*.db.replaced-*")))


def draft_findings(folder: Path) -> Iterator[Finding]:
    """Check for parts of copies that a killed command has left in a folder."""
    drafts = left_drafts(folder)
    if drafts:
        size = sum(draft.stat().st_size for draft in drafts)
        noun = counted(len(drafts), "part of a copy", "parts of copies")
        yield warning(
            "left files",
            f"an interrupted command has left {noun} ({format_bytes(size)}) in {folder}",
            f"rm {shlex.quote(str(folder))}/.readwatch-copy-*",
            partial(_delete_drafts, folder),
        )


def old_copy_findings(path: Path, now: datetime) -> Iterator[Finding]:
    """Check for copies beside a database that no command deletes: the backup of an upgrade, and the
    database that a restore has replaced."""
    oldest = (now - MAX_COPY_AGE).timestamp()
    for pattern in (f"{path.name}.replaced-*", "readwatch-schema-*.db"):
        for file in sorted(path.parent.glob(pattern)):
            if file.stat().st_mtime < oldest:
                yield warning(
                    "left files",
                    f"{file.name} is a copy of more than {MAX_COPY_AGE.days} days ago, also with "
                    "the data of people who were erased since",
                    f"if you no longer need it: rm {shlex.quote(str(file))}",
                )


def _delete_drafts(folder: Path) -> str:
    try:
        number = delete_left_drafts(folder)
    except BlockingIOError:
        raise conflict(f"another copy is being written to {folder}") from None
    except OSError as failure:
        raise conflict(f"{folder} cannot be changed: {failure.strerror}") from None
    return f"deleted {counted(number, 'file')} of interrupted copies in {folder}"
