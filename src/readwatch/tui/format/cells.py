"""The rows and lines of a live table, and the text and style of their segments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from readwatch.tui.format.columns import Column, PlacedColumn, cut, fit

Tone = Literal["good", "warn", "bad", "accent", "muted"]
TONES: tuple[Tone, ...] = get_args(Tone)
TONE_STYLES: Mapping[Tone | None, str] = {
    None: "",
    "good": "$text-success",
    "warn": "$text-warning",
    "bad": "$text-error",
    "accent": "$text-accent",
    "muted": "dim",
}
"""The style of a tone in Textual's markup."""

LineKind = Literal["row", "cursor", "departed"]
SortedBy = tuple[str, bool]  # the key of a column, and whether the order is descending

SIGNS: Mapping[LineKind, str] = {"row": " ", "cursor": "▌", "departed": "\N{MULTIPLICATION SIGN}"}

MARK = "•"


@dataclass(frozen=True, slots=True)
class TonedText:
    """Text with a tone, which the theme colours; `plain` is the text without symbols and bars."""

    text: str
    tone: Tone | None
    plain: str | None = None


Cell = str | TonedText  # shown as text, never parsed as markup


def cell_text(cell: Cell) -> str:
    """Return the plain text of a cell, for copies and exports."""
    if isinstance(cell, str):
        return cell
    return cell.text if cell.plain is None else cell.plain


@dataclass(frozen=True, slots=True)
class Row:
    """One cell for each column of the table, visible or not, and the key of the row.

    `reader_id` is the reader whose page the row opens. A row without cells is not loaded.
    """

    key: int
    cells: tuple[Cell, ...] = ()
    reader_id: int | None = None


LOADING = TonedText("…", "muted")


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """The line with the titles of the columns."""

    sorted_by: SortedBy | None


@dataclass(frozen=True, slots=True)
class RowLine:
    """A line with one row, whose reader may be marked."""

    row: Row
    kind: LineKind
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A line with a note about the table, or an empty line."""

    text: str


# The content of one line of the table: equal lines of the same width are painted the same.
Line = HeaderLine | RowLine | NoteLine


def heading(column: Column, width: int, sorted_by: SortedBy | None) -> str:
    """Return the title of a column, with an arrow if the rows are sorted by it."""
    if sorted_by is None or sorted_by[0] != column.key:
        return column.title
    return f"{cut(column.title, width - 2)} {'▼' if sorted_by[1] else '▲'}"


def segments_of(
    line: Line, placed: Sequence[PlacedColumn], width: int
) -> Iterator[tuple[str, str]]:
    """Yield the segments of a line from left to right, each with text and the style's name."""
    match line:
        case NoteLine(text):
            yield fit(text, width, "center"), "note"
            return
        case HeaderLine(sorted_by):
            sign, base = " ", "heading"
            cells: list[Cell] = [
                heading(placed_column.column, placed_column.width, sorted_by)
                for placed_column in placed
            ]
        case RowLine(row, kind, is_marked):
            sign, base = f"{SIGNS[kind]}{MARK if is_marked else ''}", kind
            cells = [
                row.cells[placed_column.index] if row.cells else LOADING for placed_column in placed
            ]
    yield fit(sign, placed[0].x if placed else width), base
    ends = (*(placed_column.x for placed_column in placed[1:]), width)
    for placed_column, cell, end in zip(placed, cells, ends, strict=False):
        text, style = (cell, base) if isinstance(cell, str) else (cell.text, cell.tone or base)
        spaces = " " * (end - placed_column.x - placed_column.width)
        yield (
            fit(text, placed_column.width, placed_column.column.align) + spaces,
            style if base == "row" else base,
        )
