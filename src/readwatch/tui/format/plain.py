"""A view as lines of text, for pipes and for those who would rather read than look."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len

from readwatch.monitor.snapshots import LiveStats, ViewSnapshot
from readwatch.tui.format.cells import Cell, Toned, cell_text
from readwatch.tui.format.columns import GAP, GUTTER, MARGIN, Column, cut, fit, place
from readwatch.tui.views import VIEW_SPECS


def pulse_line(pulse: LiveStats) -> str:
    """Return what the header says."""
    return f"{pulse.taken_at.astimezone():%H:%M:%S}  {pulse.online} online, {pulse.activity_rate}"


def overview_lines(
    overview: ViewSnapshot, *, width: int = 80, height: int = 10, in_words: bool = False
) -> Iterator[str]:
    """Yield the titles and the first rows of a view, each `width` cells wide at the most.

    With `in_words` there is nothing drawn in them.
    """
    listing = VIEW_SPECS[overview.view]
    rows = {row.key: row for row in listing.rows(overview.items, overview.stats.taken_at)}
    told = cell_text if in_words else _as_drawn
    shown = [tuple(map(told, rows[id].cells)) for id in overview.order.ids[:height] if id in rows]
    columns = _with_room(listing.columns, shown) if in_words else listing.columns
    placed = [
        spot
        for spot in place(columns, width + GUTTER + MARGIN)
        if not (in_words and spot.column.drawn)
    ]

    def line(texts: tuple[str, ...]) -> str:
        cells = (fit(texts[at.index], at.width, at.column.align) for at in placed)
        return (" " * GAP).join(cells).rstrip()

    yield line(tuple(column.title for column in columns))
    yield from map(line, shown)
    if not overview.order.ids:
        yield cut(listing.empty_text(overview.query), width)
    elif len(overview.order.ids) > len(shown):
        number = "" if overview.has_older else f"{len(overview.order.ids) - len(shown)} "
        yield cut(f"… and {number}more", width)


def _with_room(columns: tuple[Column, ...], rows: Sequence[tuple[str, ...]]) -> tuple[Column, ...]:
    """Return the columns with room for what is said, which is longer than what is drawn."""
    return tuple(
        column
        if column.flex or column.drawn
        else replace(column, width=max([column.width, *(cell_len(row[place]) for row in rows)]))
        for place, column in enumerate(columns)
    )


def _as_drawn(cell: Cell) -> str:
    return cell.text if isinstance(cell, Toned) else cell
