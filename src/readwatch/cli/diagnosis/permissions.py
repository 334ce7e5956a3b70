"""Who can read and write the files: the database, its folder, anchors and backups."""

import os
import pwd
import shlex
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from readwatch.domain.errors import invalid
from readwatch.domain.findings import Finding, error, ok, warning

OTHERS, GROUP_AND_OTHERS = 0o007, 0o077
WRITE_OF_OTHERS = 0o022


def database_file_findings(path: Path) -> Iterator[Finding]:
    """Check the modes and the owners of a SQLite file and of those beside it.

    A group may have access, if an admin wants that; others may not.
    """
    files = [
        file for suffix in ("", "-wal", "-shm") if (file := _with_suffix(path, suffix)).exists()
    ]
    owner = path.stat().st_uid
    open_files = [file for file in files if _mode(file) & OTHERS]
    for file in open_files:
        yield error(
            "permissions",
            f"everybody on this machine can open {file} (mode {_mode(file):03o})",
            f"chmod o= {shlex.quote(str(file))}",
            partial(_close, file, OTHERS),
        )
    for file in files[1:]:
        if file.stat().st_uid != owner:
            yield error(
                "owner",
                f"{file} belongs to {user_name(file.stat().st_uid)}, the database to "
                f"{user_name(owner)}",
                f"chown --reference={shlex.quote(str(path))} {shlex.quote(str(file))}",
            )
    if not open_files:
        by_group = "its owner and its group" if _mode(path) & 0o070 else "its owner only"
        yield ok("permissions", f"the database can be opened by {by_group} ({user_name(owner)})")


def user_findings(path: Path, user_id: int) -> Iterator[Finding]:
    """Check whether the user who runs this command is one who can use the database."""
    owner = path.stat().st_uid
    if user_id == owner:
        return
    switch = f"sudo -u {user_name(owner)} readwatch doctor"
    if user_id == 0:
        yield warning(
            "user",
            f"you are root, and the database belongs to {user_name(owner)}: files that you make, "
            "such as anchors, belong to root",
            switch,
        )
    elif not os.access(path, os.R_OK | os.W_OK):
        yield error("user", f"you may not write the database of {user_name(owner)}", switch)


def folder_findings(folder: Path) -> Iterator[Finding]:
    """Check who can put other files in the place of those in a folder."""
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        yield error(
            "permissions",
            f"everybody on this machine can replace the files in {folder}",
            f"chmod o-w {shlex.quote(str(folder))}",
            partial(_close, folder, stat.S_IWOTH),
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        yield error(
            "permissions",
            f"you cannot make files in {folder}, as SQLite has to beside the database",
            f"run this as the owner of {folder}, or give the user access to it",
        )


def private_file_findings(file: Path) -> Iterator[Finding]:
    """Check a file that only its owner may read; a missing or a hidden one is no finding."""
    if os.path.isfile(file) and _mode(file) & GROUP_AND_OTHERS:
        yield warning(
            "permissions",
            f"others than its owner can open {file} (mode {_mode(file):03o})",
            f"chmod 600 {shlex.quote(str(file))}",
            partial(_close, file, GROUP_AND_OTHERS),
        )


def anchor_file_findings(file: Path) -> Iterator[Finding]:
    """Check the file of the anchors, which only its owner may write; admins may read it, because
    `audit verify` of another user needs it, and it has no personal data."""
    if os.path.isfile(file) and _mode(file) & WRITE_OF_OTHERS:
        yield warning(
            "permissions",
            f"others than its owner can change the anchors in {file} (mode {_mode(file):03o})",
            f"chmod go-w {shlex.quote(str(file))}",
            partial(_close, file, WRITE_OF_OTHERS),
        )


def user_name(user_id: int) -> str:
    """Return the name of a user of this machine; the number of one without a name."""
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"user {user_id}"


def _with_suffix(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}{suffix}")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _close(path: Path, bits: int) -> str:
    """Take permissions away from a file."""
    mode = _mode(path) & ~bits
    try:
        path.chmod(mode)
    except OSError as failure:
        raise invalid(f"{path} cannot be changed: {failure.strerror}") from None
    return f"{path} has the mode {mode:03o}"
