"""A view as lines of text, for pipes and for those who would rather read than look."""

from collections.abc import Iterator

from readwatch.tui.columns import GAP, GUTTER, MARGIN, cut, fit, place
from readwatch.tui.rows import Row, Toned
from readwatch.tui.snapshots import Overview, Pulse
from readwatch.tui.views import LISTINGS


def pulse_line(pulse: Pulse) -> str:
    """Return what the header says."""
    return f"{pulse.taken_at.astimezone():%H:%M:%S}  {pulse.online} online, {pulse.pace}"


def overview_lines(overview: Overview, *, width: int = 80, height: int = 10) -> Iterator[str]:
    """Yield the titles and the first rows of a view, each `width` cells wide at the most."""
    listing = LISTINGS[overview.view]
    placed = place(listing.columns, width + GUTTER + MARGIN)

    def line(texts: tuple[str, ...]) -> str:
        cells = (fit(texts[at.index], at.width, at.column.align) for at in placed)
        return (" " * GAP).join(cells).rstrip()

    yield line(tuple(column.title for column in listing.columns))
    rows = {row.key: row for row in listing.rows(overview.items, overview.pulse.taken_at)}
    shown = [rows[id] for id in overview.order.ids[:height] if id in rows]
    for row in shown:
        yield line(_texts(row))
    if not overview.order.ids:
        yield cut(listing.empty, width)
    elif len(overview.order.ids) > len(shown):
        yield cut(f"… and {len(overview.order.ids) - len(shown)} more", width)


def _texts(row: Row) -> tuple[str, ...]:
    return tuple(cell.text if isinstance(cell, Toned) else cell for cell in row.cells)
