"""The way from one reader's page to the next, in the order that was on the screen."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ReaderPager:
    """The readers of a list from top to bottom, and the place of the one whose page is open.

    `seen_in` names the list.
    """

    seen_in: str
    reader_ids: tuple[int, ...]
    place: int

    @property
    def reader_id(self) -> int:
        """The reader whose page is open."""
        return self.reader_ids[self.place]

    def step(self, places: int) -> "ReaderPager | None":
        """Return the walk so many places further down; None beyond its ends."""
        place = self.place + places
        return replace(self, place=place) if 0 <= place < len(self.reader_ids) else None

    def __str__(self) -> str:
        """Say where on the way one is: `3 of 117`."""
        return f"{self.place + 1} of {len(self.reader_ids)}"
