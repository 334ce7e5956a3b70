"""The rows of a live table: what becomes of them in the next snapshot, and how a line looks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from readwatch.tui.format.columns import Column, Placed, cut, fit

Tone = Literal["good", "warn", "bad", "accent", "muted"]
LineKind = Literal["row", "cursor", "ghost"]
SortedBy = tuple[str, bool]  # the key of a column, and whether it is descending

SIGNS: Mapping[LineKind, str] = {"row": " ", "cursor": "▌", "ghost": "\N{MULTIPLICATION SIGN}"}


@dataclass(frozen=True, slots=True)
class Toned:
    """A text with a meaning that the theme gives a colour; `said` is it without what is drawn."""

    text: str
    tone: Tone | None
    said: str | None = None


Cell = str | Toned  # always text, never markup


def cell_text(cell: Cell) -> str:
    """A cell in words, as it is copied and exported."""
    if isinstance(cell, str):
        return cell
    return cell.text if cell.said is None else cell.said


@dataclass(frozen=True, slots=True)
class Row:
    """One cell for each column of the table, shown or not, and the id they are about.

    `reader_id` is whose page is behind it. Without cells it has not arrived yet.
    """

    key: int
    cells: tuple[Cell, ...] = ()
    reader_id: int | None = None


NOT_HERE_YET = Toned("…", "muted")


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """The line with the titles."""

    sorted_by: SortedBy | None


@dataclass(frozen=True, slots=True)
class RowLine:
    """A line with a row."""

    row: Row
    look: LineKind


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A line with a word about the table, or with nothing."""

    text: str


# What one line of the table shows: two equal ones of the same width have the same picture.
Line = HeaderLine | RowLine | NoteLine


def heading(column: Column, width: int, sorted_by: SortedBy | None) -> str:
    """The title, with a mark behind it where the rows are sorted by this column."""
    if sorted_by is None or sorted_by[0] != column.key:
        return column.title
    return f"{cut(column.title, width - 2)} {'▼' if sorted_by[1] else '▲'}"


def parts_of(line: Line, placed: Sequence[Placed], width: int) -> Iterator[tuple[str, str]]:
    """What the line shows from left to right: texts, and the name of the style of each."""
    match line:
        case NoteLine(text):
            yield fit(text, width, "center"), "note"
            return
        case HeaderLine(sorted_by):
            sign, base = " ", "heading"
            cells: list[Cell] = [heading(spot.column, spot.width, sorted_by) for spot in placed]
        case RowLine(row, look):
            sign, base = SIGNS[look], look
            cells = [row.cells[spot.index] if row.cells else NOT_HERE_YET for spot in placed]
    yield fit(sign, placed[0].x if placed else width), base
    ends = (*(spot.x for spot in placed[1:]), width)
    for spot, cell, end in zip(placed, cells, ends, strict=False):
        text, style = (cell, base) if isinstance(cell, str) else (cell.text, cell.tone or base)
        spaces = " " * (end - spot.x - spot.width)
        yield fit(text, spot.width, spot.column.align) + spaces, style if base == "row" else base
