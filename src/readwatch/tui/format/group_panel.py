"""The charts of a group: when its readers read, how much, how far, and what."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import chain, islice, repeat

from textual.content import Content

from readwatch.domain.group_figures import HOURS, WEEKS, GroupDetail, TitleOfGroup
from readwatch.domain.reading import DayOfReading
from readwatch.tui.format.charts import CHART_LINES, PLOT_MIN_WIDTH, WEEKDAYS, plot
from readwatch.tui.format.columns import cut, fit
from readwatch.tui.format.text import SHADES

_INDENT, _GAP = 2, 3
_LABEL = 4  # cells for a weekday
_LABELLED_HOURS = 3  # hours from one label to the next
_PLOT_WIDTH = 37
_PROGRESS_WIDTH = 26
_PROGRESS_BAR = 10
_TITLES_WIDTHS = 24, 60
_TWO_ROWS_FROM = _LABEL + 2 * HOURS + _GAP + _PLOT_WIDTH

Block = tuple[Content, ...]
"""Lines of one width."""


def panel_lines(detail: GroupDetail, width: int, height: int) -> list[Content]:
    """Return the charts in lines of at most `width` cells: side by side, or in two rows if
    `height` has room for them."""
    width -= 2 * _INDENT
    height_below = height - CHART_LINES - 1
    if width < _TWO_ROWS_FROM or height_below < CHART_LINES:
        return _side_by_side(_one_row(detail, width))
    hours = _LABEL + 2 * HOURS
    days = width - hours - _GAP
    upper = (
        _block(_hours(detail, 2), hours, CHART_LINES),
        _block(_days(detail, days), days, CHART_LINES),
    )
    titles = min(width - _PROGRESS_WIDTH - _GAP, max(_TITLES_WIDTHS))
    lower = (
        _block(_titles(detail.titles, titles), titles, height_below),
        _block(_progress(detail), _PROGRESS_WIDTH, height_below),
    )
    return [*_side_by_side(upper), Content(""), *_side_by_side(lower)]


def _one_row(detail: GroupDetail, width: int) -> Iterator[Block]:
    """Yield the blocks that fit side by side."""
    hours = _LABEL + HOURS
    yield _block(_hours(detail, 1), hours, CHART_LINES)
    left = width - hours - _GAP
    if left < PLOT_MIN_WIDTH:
        return
    days = min(left, _PLOT_WIDTH)
    yield _block(_days(detail, days), days, CHART_LINES)
    left -= days + _GAP
    if left < _PROGRESS_WIDTH:
        return
    yield _block(_progress(detail), _PROGRESS_WIDTH, CHART_LINES)
    left -= _PROGRESS_WIDTH + _GAP
    if left >= min(_TITLES_WIDTHS):
        titles = min(left, max(_TITLES_WIDTHS))
        yield _block(_titles(detail.titles, titles), titles, CHART_LINES)


def _block(lines: Iterable[Content], width: int, height: int) -> Block:
    """Return `height` lines of exactly `width` cells."""
    padded = islice(chain(lines, repeat(Content(""))), height)
    return tuple(line + " " * (width - line.cell_length) for line in padded)


def _side_by_side(blocks: Iterable[Block]) -> list[Content]:
    gap = Content(" " * _GAP)
    return [
        (Content(" " * _INDENT) + gap.join(cells)).rstrip() for cells in zip(*blocks, strict=True)
    ]


def _hours(detail: GroupDetail, cell: int) -> Iterator[Content]:
    """Yield a map of the hours of a week, `cell` cells each, and what the shades mean."""
    busiest = max(seconds for day in detail.seconds_by_hour for seconds in day)
    hours = range(0, HOURS, _LABELLED_HOURS)
    labels = "".join(f"{hour:<{cell * _LABELLED_HOURS}}" for hour in hours)
    yield Content.styled(" " * _LABEL + labels.rstrip(), "bold")
    shades = _shades_from(busiest)
    for name, day in zip(WEEKDAYS, detail.seconds_by_hour, strict=True):
        cells = (_shade(seconds, shades, cell) for seconds in day)
        yield Content.assemble((f"{name:<{_LABEL}}", "dim"), *cells)
    minutes = [seconds // 60 for seconds in shades[2:]]
    words = [f"{shade}<{most}" for shade, most in zip(SHADES[1:], minutes, strict=False)]
    legend = " ".join([*words, f"{SHADES[-1]}{minutes[-1]}+ min"])
    yield Content.styled(" " * _LABEL + legend, "dim")


def _shades_from(busiest: int) -> list[int]:
    """Return the least seconds of each shade: the steps grow, because most hours are quiet."""
    steps = len(SHADES) - 1
    return [0, 1, *(max(60 * step, busiest * step**2 // steps**2) for step in range(1, steps))]


def _shade(seconds: int, shades: Sequence[int], cell: int) -> tuple[str, str]:
    shade = sum(seconds >= least for least in shades) - 1
    if not shade:
        return SHADES[0] + " " * (cell - 1), "dim"
    return SHADES[shade] * cell, "$text-success"


def _days(detail: GroupDetail, width: int) -> Block:
    days = zip(detail.days, detail.seconds_by_day, strict=True)
    return plot([DayOfReading(day, timedelta(seconds=seconds)) for day, seconds in days], width)


def _progress(detail: GroupDetail) -> Iterator[Content]:
    """Yield a bar for each step of progress, with its number of readers."""
    readers = detail.readers_by_progress
    yield Content.styled("how far, by readers", "bold")
    most, step = max((1, *readers)), 100 // len(readers)
    for index, number in enumerate(readers):
        last = 100 if index == len(readers) - 1 else (index + 1) * step - 1
        bar = "━" * -(-number * _PROGRESS_BAR // most)
        label, after = f"{index * step:>2} to {last:>3} %  ", f" {number}" if number else ""
        yield Content.assemble((label, "dim"), (bar, "$text-accent"), after)


def _titles(titles: Sequence[TitleOfGroup], width: int) -> Iterator[Content]:
    """Yield the titles with their numbers of readers."""
    yield Content.styled(fit("what, by readers", width), "bold")
    for title in titles:
        number = str(title.readers)
        yield Content(f"{fit(title.title, width - len(number) - 1)} {number}")
    if not titles:
        yield Content.styled(cut(f"nothing in {WEEKS} weeks", width), "dim")
