"""What a vacuum of a SQLite file needs, before it begins: time and room on the disks."""

from dataclasses import dataclass
from pathlib import Path

from readwatch.domain.health import format_bytes

FAST_BYTES, SLOW_BYTES = 100 << 20, 15 << 20
"""How many bytes of the new file a fast and a slow disk write in a second."""

SPARE_BYTES = 64 << 20
"""What has to stay free for the other programs, in bytes."""

WAL_OVERHEAD = 64
"""One part in so many of a WAL is not data."""


@dataclass(frozen=True, slots=True)
class Room:
    """The bytes that are needed in a folder, and those that are free on its disk."""

    folder: Path
    needed: int
    free: int

    @property
    def shortage(self) -> str | None:
        """The sentence about a disk without enough room; None if there is enough."""
        if self.free >= self.needed:
            return None
        return (
            f"a vacuum needs {format_bytes(self.needed)} in {self.folder}, where "
            f"{format_bytes(self.free)} is free"
        )


@dataclass(frozen=True, slots=True)
class VacuumNeeds:
    """What a vacuum needs: `size` and `size_after` are the bytes of the file now and afterwards."""

    size: int
    size_after: int
    rooms: tuple[Room, ...]

    @property
    def seconds(self) -> tuple[int, int]:
        """The time in which nobody can write: on a fast disk, and on a slow one."""
        return 1 + self.size_after // FAST_BYTES, 1 + self.size_after // SLOW_BYTES
