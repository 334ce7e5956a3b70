"""Room on a disk, which is looked at before something large is written."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from readwatch.domain.health import format_bytes


@dataclass(frozen=True, slots=True)
class Room:
    """The bytes that are needed in a folder, and those that are free on its disk."""

    folder: Path
    needed: int
    free: int

    @property
    def shortage(self) -> str | None:
        """Say that there is not enough room; None if there is."""
        if self.free >= self.needed:
            return None
        return (
            f"{format_bytes(self.needed)} is needed in {self.folder}, where "
            f"{format_bytes(self.free)} is free"
        )


def room(needed: int, folder: Path) -> Room:
    """Return the room for so many bytes in a folder; OSError if the folder cannot be used."""
    return Room(folder, needed, shutil.disk_usage(folder).free)
