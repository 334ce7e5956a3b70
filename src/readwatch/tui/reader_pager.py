"""From one reader's page to the next, in the order of the view that they were opened from."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ReaderPager:
    """The readers of a view from top to bottom, and the index of the one whose page is open.

    `seen_in` names the view.
    """

    seen_in: str
    reader_ids: tuple[int, ...]
    index: int

    @property
    def reader_id(self) -> int:
        """The reader whose page is open."""
        return self.reader_ids[self.index]

    def step(self, places: int) -> "ReaderPager | None":
        """Return the walk so many places further down; None beyond its ends."""
        index = self.index + places
        return replace(self, index=index) if 0 <= index < len(self.reader_ids) else None

    def __str__(self) -> str:
        """Return the position as people count: `3 of 117`."""
        return f"{self.index + 1} of {len(self.reader_ids)}"
