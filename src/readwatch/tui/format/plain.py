"""A view as lines of plain text, for pipes and screen readers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len

from readwatch.domain.clock import length_of
from readwatch.monitor.snapshots import LiveStats, ViewSnapshot
from readwatch.tui.format.cells import Cell, TonedText, cell_text
from readwatch.tui.format.columns import (
    GAP,
    GUTTER,
    MARGIN,
    Column,
    cut,
    fit,
    only_columns,
    place_columns,
)
from readwatch.tui.views import VIEW_SPECS

_SHORT = 20
"""Printed texts of up to so many cells are not cut for longer ones, such as a time or a name."""

_LEAST = 8
"""The cells that each longer text keeps then."""


def stats_line(stats: LiveStats) -> str:
    """Return the live statistics of the header."""
    silence = "" if stats.silence is None else f", no posts for {length_of(stats.silence)}"
    time = f"{stats.taken_at.astimezone():%H:%M:%S}"
    return f"{time}  {stats.online} online, {stats.activity_rate}{silence}"


def snapshot_lines(
    snapshot: ViewSnapshot, *, width: int = 80, height: int = 10, in_words: bool = False
) -> Iterator[str]:
    """Yield the titles and the first rows of a view in lines of at most `width` cells.

    With `in_words` cells are plain text, without symbols and bars.
    """
    spec = VIEW_SPECS[snapshot.view]
    rows = {row.key: row for row in spec.rows(snapshot.items, snapshot.shown_at)}
    text_of = cell_text if in_words else _as_drawn
    texts = [
        tuple(map(text_of, rows[id].cells)) for id in snapshot.order.ids[:height] if id in rows
    ]
    table_width = width + GUTTER + MARGIN
    columns = _for_words(spec.columns, texts, table_width) if in_words else spec.columns
    placed = place_columns(columns, table_width)

    def line(texts: tuple[str, ...]) -> str:
        cells = (
            fit(texts[placed_column.index], placed_column.width, placed_column.column.align)
            for placed_column in placed
        )
        return (" " * GAP).join(cells).rstrip()

    yield line(tuple(column.title for column in columns))
    yield from map(line, texts)
    if note := spec.note(snapshot):
        yield cut(note, width)
    if not snapshot.order.ids:
        yield cut(spec.empty_text(snapshot.query), width)
    elif height and len(snapshot.order.ids) > len(texts):
        number = "" if snapshot.has_older else f"{len(snapshot.order.ids) - len(texts)} "
        yield cut(f"… and {number}more", width)


def _for_words(
    columns: tuple[Column, ...], rows: Sequence[tuple[str, ...]], table_width: int
) -> tuple[Column, ...]:
    """Return the columns for plain text, which is longer than symbols: without charts, and as wide
    as their texts or, if there is too little room, as narrow as needed.
    """
    indexes = [
        index
        for index, column in enumerate(columns)
        if not column.drawn and column.from_width <= table_width
    ]
    text_widths = {
        index: max(cell_len(text) for text in (columns[index].title, *(row[index] for row in rows)))
        for index in indexes
    }
    room = table_width - GUTTER - MARGIN - GAP * (len(indexes) - 1)
    widths = dict(zip(text_widths, _fitting([*text_widths.values()], room), strict=True))
    hidden = only_columns(columns, ())
    return tuple(
        replace(column, width=widths[index], flex=0, from_width=0)
        if index in widths
        else hidden[index]
        for index, column in enumerate(columns)
    )


def _fitting(widths: Sequence[int], room: int) -> list[int]:
    """Return the widths, limited so that their sum fits: short texts stay whole if the others keep
    some room, and the longest are cut first."""
    long = [width for width in widths if width > _SHORT]
    rest = room - sum(width for width in widths if width <= _SHORT)
    if long and rest >= len(long) * _LEAST:
        limit = _limit(long, rest)
        return [width if width <= _SHORT else min(width, limit) for width in widths]
    limit = _limit(widths, room)
    return [min(width, limit) for width in widths]


def _limit(widths: Sequence[int], room: int) -> int:
    """Return the width to which the longest are cut so that the sum fits."""
    longest_last = sorted(widths)
    for index, width in enumerate(longest_last):
        share = room // (len(longest_last) - index)
        if width > share:
            return max(1, share)
        room -= width
    return max(longest_last, default=0)


def _as_drawn(cell: Cell) -> str:
    return cell.text if isinstance(cell, TonedText) else cell
