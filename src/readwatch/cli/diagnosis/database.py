"""A database as it is opened: what keeps it from being opened, and its general state."""

import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from readwatch.domain.findings import LOOK_UP, Finding, error, ok, warning
from readwatch.domain.health import format_bytes, status_results
from readwatch.domain.plural import counted
from readwatch.store.engine.connections import Database
from readwatch.store.identity.groups import consultants_who_see_nobody
from readwatch.store.lifecycle import archives
from readwatch.store.lifecycle.health import database_status

_RESTORE = "put a backup in its place: readwatch db restore FILE"
_HEADER = b"SQLite format 3\0"
_FIXES = {
    "not a SQLite database": f"correct READWATCH_DATABASE, or {_RESTORE}",
    "damaged": _RESTORE,
    "busy": "end the program that keeps the database locked; fuser or lsof names it",
    "check its path and permissions": "see the findings about files below",
    "check the permissions": "see the findings about files below",
    "cannot be reached": "start PostgreSQL, or correct READWATCH_DATABASE",
    "does not answer": "look at the log of PostgreSQL, or correct READWATCH_DATABASE",
    "connect to PostgreSQL directly": "put the address of PostgreSQL itself into the URL",
    "readwatch db grant": "run that as the owner of the database",
    "user or password": "correct READWATCH_DATABASE",
    "needs a driver": "pip install 'readwatch[postgresql]'",
    "make it with createdb": "createdb NAME, and then: readwatch init",
    "database URL": "correct READWATCH_DATABASE",
    "SQLite URL": "correct READWATCH_DATABASE",
}
"""The fix for a message that contains these words."""

_CHECKED_ELSEWHERE = "free on its disk"


def fix_of(message: str) -> str:
    """Return what to do if a database cannot be opened with this message."""
    return next((fix for words, fix in _FIXES.items() if words in message), LOOK_UP)


def file_findings(path: Path) -> Iterator[Finding]:
    """Check whether there is a SQLite file; without a finding there is one."""
    try:
        mode = path.stat().st_mode
    except PermissionError:
        yield error("database", f"you may not look into {path.parent}", "run this as its owner")
    except OSError:
        yield error(
            "database",
            f"there is no database at {path}",
            "readwatch init, or name another one: READWATCH_DATABASE",
        )
    else:
        if not stat.S_ISREG(mode):
            yield error("database", f"{path} is not a file", "correct READWATCH_DATABASE")


def is_sqlite_file(path: Path) -> bool:
    """Return whether a file begins as each SQLite file does, or is empty, as a new one is."""
    try:
        with path.open("rb") as file:
            return file.read(len(_HEADER)) in (b"", _HEADER)
    except OSError:
        return False


def state_findings(db: Database, now: datetime) -> Iterator[Finding]:
    """Check what `db health` finds without reading much; requires a current schema."""
    status = database_status(db)
    wrong = [
        warning("state", f"{result.name}: {result.text}", result.fix)
        for result in status_results(status, now)
        if result.fix is not None and result.name != _CHECKED_ELSEWHERE
    ]
    yield from wrong
    if not wrong:
        sessions = counted(status.active_sessions, "active session")
        yield ok("state", f"{status.engine}, {format_bytes(status.size)}, {sessions}")


def archive_findings(db: Database) -> Iterator[Finding]:
    """Check whether the files of archived activities are there, which an erasure needs."""
    missing = archives.missing(archives.archives(db))
    if missing:
        files = counted(len(missing), "file of an archive is", "files of archives are")
        yield warning(
            "archives",
            f"{files} not there, such as {missing[0].path}",
            "make the folder available, or name it when you erase or export somebody: --archives",
        )


def group_findings(db: Database) -> Iterator[Finding]:
    """Check whether each consultant sees somebody."""
    number = consultants_who_see_nobody(db)
    if number:
        yield warning(
            "groups",
            f"{counted(number, 'consultant sees', 'consultants see')} nobody, because all groups "
            "that were assigned are deleted",
            "readwatch group assign, or readwatch group unassign",
        )
