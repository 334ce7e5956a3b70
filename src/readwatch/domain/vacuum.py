"""What a vacuum of a SQLite file needs, before it begins: time and room on the disks."""

from dataclasses import dataclass

from readwatch.domain.disk_room import Room

FAST_BYTES, SLOW_BYTES = 100 << 20, 15 << 20
"""How many bytes of the new file a fast and a slow disk write in a second."""

SPARE_BYTES = 64 << 20
"""What has to stay free for the other programs, in bytes."""

WAL_OVERHEAD = 64
"""One part in so many of a WAL is not data."""


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
