"""The columns of a table: their positions, and text in exactly their width."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, takewhile
from typing import Literal
from unicodedata import category

from rich.cells import cell_len

Align = Literal["left", "right", "center"]

GUTTER = 2  # the sign of the line and a space
GAP = 2  # between two columns
MARGIN = 2  # a space, and the scrollbar

# Terminals disagree about the width of an emoji that is followed by one of these characters.
_MODIFIERS = frozenset("\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
_FLAG_LETTERS = {chr(0x1F1E6 + n): chr(ord("A") + n) for n in range(26)}


@dataclass(frozen=True, slots=True)
class Column:
    """`width` cells plus a `flex` share of the rest; shown in tables of `from_width` or more.

    The width of a table includes the scrollbar: a table that fills an 80-cell terminal has width
    80. A `drawn` column has charts, whose plain text is wider. `about` explains a short title.
    """

    key: str
    title: str
    width: int = 0
    flex: int = 0
    align: Align = "left"
    from_width: int = 0
    drawn: bool = False
    about: str = ""


_NEVER = 1_000_000  # cells; no terminal is as wide


def only_columns(columns: Sequence[Column], keys: Container[str]) -> tuple[Column, ...]:
    """Return the columns, changed so that only those with these keys are shown, at any width."""
    return tuple(
        replace(column, from_width=0 if column.key in keys else _NEVER) for column in columns
    )


@dataclass(frozen=True, slots=True)
class PlacedColumn:
    """A visible column: the index of its cell in a row, its first screen cell and its width."""

    index: int
    column: Column
    x: int
    width: int


@lru_cache
def place_columns(columns: tuple[Column, ...], width: int) -> tuple[PlacedColumn, ...]:
    """Return the columns that a table of `width` cells shows; the last may be cut."""
    visible = [(i, column) for i, column in enumerate(columns) if column.from_width <= width]
    gaps = GAP * (len(visible) - 1)
    spare = width - GUTTER - MARGIN - gaps - sum(column.width for _, column in visible)
    shares = _shares(max(0, spare), [column.flex for _, column in visible])
    placed: list[PlacedColumn] = []
    x = GUTTER
    for (index, column), share in zip(visible, shares, strict=True):
        cells = min(column.width + share, width - MARGIN - x)
        if cells <= 0:
            break
        placed.append(PlacedColumn(index, column, x, cells))
        x += cells + GAP
    return tuple(placed)


def _shares(total: int, weights: Sequence[int]) -> Iterator[int]:
    """Yield `total` cells divided by weight; the sum of the parts is `total`."""
    whole = sum(weights) or 1
    weight_so_far = 0
    for weight in weights:
        start = total * weight_so_far // whole
        weight_so_far += weight
        yield total * weight_so_far // whole - start


def fit(text: str, width: int, align: Align = "left") -> str:
    """Return text padded with spaces or cut to exactly `width` cells."""
    fitting = cut(text, width)
    spaces = width - cell_len(fitting)
    if align == "left":
        return fitting + " " * spaces
    left = spaces if align == "right" else spaces // 2
    return " " * left + fitting + " " * (spaces - left)


def cut(text: str, width: int) -> str:
    """Return text in at most `width` cells, with an ellipsis if the text is cut."""
    text = with_stable_width(text)
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    ends = accumulate(map(cell_len, text))
    length = sum(1 for _ in takewhile(lambda end: end < width, ends))
    return text[:length].rstrip() + "…"


def with_stable_width(text: str) -> str:
    """Return text without characters whose width differs between terminals."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_stable_char, text))


@lru_cache(4096)
def _stable_char(char: str) -> str:
    if char in _MODIFIERS:
        return ""
    if char.isprintable():
        return _FLAG_LETTERS.get(char, char)
    kind = category(char)
    if kind == "Cf":  # joiners, bidi marks: terminals disagree about their width
        return ""
    return " " if kind == "Cc" or kind.startswith("Z") else "\ufffd"
