"""Where a table's columns stand, and how a text is made exactly as wide as its column."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, takewhile
from typing import Literal
from unicodedata import category

from rich.cells import cell_len

Align = Literal["left", "right", "center"]

GUTTER = 2  # the sign of the line, and a space
GAP = 2  # between two columns
MARGIN = 2  # a space, and the scrollbar

# Terminals do not agree how wide an emoji is with these after it, only how wide it is without.
_MODIFIERS = frozenset("\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
_FLAG_LETTERS = {chr(0x1F1E6 + n): chr(ord("A") + n) for n in range(26)}


@dataclass(frozen=True, slots=True)
class Column:
    """`width` cells, plus a `flex` share of what is left; shown in tables of `from_width` or more.

    Widths of tables count the scrollbar: a table that fills an 80-cell terminal is 80 wide. What is
    `drawn` in a column takes more room in words. `about` says what a short title leaves open.
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


def chosen(columns: Sequence[Column], keys: Container[str]) -> tuple[Column, ...]:
    """The columns, of which those with these keys are shown at every width, the others at none."""
    return tuple(
        replace(column, from_width=0 if column.key in keys else _NEVER) for column in columns
    )


@dataclass(frozen=True, slots=True)
class Placed:
    """A column that is shown: the cell of a row that it takes, its first cell and its width."""

    index: int
    column: Column
    x: int
    width: int


@lru_cache
def place(columns: tuple[Column, ...], width: int) -> tuple[Placed, ...]:
    """The columns that a table of `width` cells shows; if they do not fit, the last are cut."""
    shown = [(i, column) for i, column in enumerate(columns) if column.from_width <= width]
    gaps = GAP * (len(shown) - 1)
    spare = width - GUTTER - MARGIN - gaps - sum(column.width for _, column in shown)
    shares = _shares(max(0, spare), [column.flex for _, column in shown])
    placed: list[Placed] = []
    x = GUTTER
    for (index, column), share in zip(shown, shares, strict=True):
        cells = min(column.width + share, width - MARGIN - x)
        if cells <= 0:
            break
        placed.append(Placed(index, column, x, cells))
        x += cells + GAP
    return tuple(placed)


def _shares(total: int, weights: Sequence[int]) -> Iterator[int]:
    """`total` whole cells divided by weight, none of them lost to rounding."""
    whole = sum(weights) or 1
    weight_so_far = 0
    for weight in weights:
        start = total * weight_so_far // whole
        weight_so_far += weight
        yield total * weight_so_far // whole - start


def fit(text: str, width: int, align: Align = "left") -> str:
    """The text in exactly `width` cells of a terminal: filled with spaces, or cut."""
    shown = cut(text, width)
    spaces = width - cell_len(shown)
    if align == "left":
        return shown + " " * spaces
    left = spaces if align == "right" else spaces // 2
    return " " * left + shown + " " * (spaces - left)


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells, with an ellipsis where something is missing."""
    text = steady(text)
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    ends = accumulate(map(cell_len, text))
    kept = sum(1 for _ in takewhile(lambda end: end < width, ends))
    return text[:kept].rstrip() + "…"


def steady(text: str) -> str:
    """The text in characters that are as wide in every terminal as we think they are."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_steady_char, text))


@lru_cache(4096)
def _steady_char(char: str) -> str:
    if char in _MODIFIERS:
        return ""
    if char.isprintable():
        return _FLAG_LETTERS.get(char, char)
    kind = category(char)
    if kind == "Cf":  # joiners, bidi marks: of no width, or of one that terminals disagree on
        return ""
    return " " if kind == "Cc" or kind.startswith("Z") else "\ufffd"
