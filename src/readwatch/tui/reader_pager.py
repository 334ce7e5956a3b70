"""Paging from reader to reader, in the order of the list."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ReaderPager:
    """The readers of a list from top to bottom, and the index of the open reader."""

    list_name: str
    reader_ids: tuple[int, ...]
    index: int

    @property
    def reader_id(self) -> int:
        """The reader whose page is open."""
        return self.reader_ids[self.index]

    def step(self, offset: int) -> "ReaderPager | None":
        """Return the pager `offset` readers further down; None beyond the ends of the list."""
        index = self.index + offset
        return replace(self, index=index) if 0 <= index < len(self.reader_ids) else None

    def __str__(self) -> str:
        """Return the position in the list: `3 of 117`."""
        return f"{self.index + 1} of {len(self.reader_ids)}"
