"""The folder of the tests' files: in memory if there is room, to avoid waits for a disk."""

import os
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - each user of it makes a folder of its own
ENOUGH_BYTES = 1 << 30


def folder() -> Path | None:
    """Return a folder in memory for files of any kind, also programs; None where there is none."""
    try:
        filesystem = os.statvfs(MEMORY)
    except OSError:
        return None
    has_room = filesystem.f_bavail * filesystem.f_frsize >= ENOUGH_BYTES
    runs_programs = not filesystem.f_flag & getattr(os, "ST_NOEXEC", 0)
    return MEMORY if has_room and runs_programs and os.access(MEMORY, os.W_OK) else None


def use_for_temporary_files() -> None:
    """Use the folder for all temporary files of this process and its children.

    If TMPDIR is set, it stays.
    """
    if "TMPDIR" not in os.environ and (quick := folder()) is not None:
        os.environ["TMPDIR"] = str(quick)
        tempfile.tempdir = None
