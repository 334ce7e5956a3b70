"""The charts of a report as SVG: no script, no font and no image from elsewhere.

Each chart has its values as text for those who do not see it. Colours come from the page's CSS.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise

from readwatch.cli.markup import Markup, fill, joined
from readwatch.domain.plural import counted

_WIDTH, _HEIGHT = 340, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 2, 16, 22
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600)
_BUCKETS = (0, 15, 30, 60, 120, 240, 480)
"""The lower limits of the groups of readers, in minutes."""


def duration(minutes: int) -> str:
    """Return minutes as text: `45 min`, `3 h 5 min`, from a day on in whole hours."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    if hours >= 24:
        return f"{round(minutes / 60):,} h"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def weekday(day: date) -> str:
    """Return the short name of a day, in English as the whole page: `Mon 23`."""
    return f"{('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[day.weekday()]} {day.day}"


def chart_of_days(days: Sequence[date], minutes: Sequence[int], before: Sequence[int]) -> Markup:
    """Return the minutes of each day as bars, in front of those of the week before."""
    top, step = _scale(max(*minutes, *before))
    slot = (_WIDTH - _LEFT - _RIGHT) / len(days)
    bars = []
    for index, (day, now, earlier) in enumerate(zip(days, minutes, before, strict=True)):
        left = _LEFT + index * slot
        bars += [
            _bar(left + slot * 0.08, slot * 0.84, earlier / top, "before"),
            _bar(left + slot * 0.27, slot * 0.46, now / top, "now"),
            _label(
                left + slot / 2,
                _y(max(now, earlier) / top) - 4,
                _short(now) if now else "",
                "value",
            ),
            _label(left + slot / 2, _HEIGHT - 7, weekday(day), "axis"),
        ]
    values = "; ".join(
        f"{weekday(day)} {duration(now)}, the week before {duration(earlier)}"
        for day, now, earlier in zip(days, minutes, before, strict=True)
    )
    return _chart("Reading time by day", values, joined([_grid(top, step, _short), *bars]))


def chart_of_readers(minutes: Sequence[int], median: int) -> Markup:
    """Return how many readers read for how long, as bars; `minutes` are in ascending order."""
    edges = [bisect_right(minutes, limit - 1) for limit in _BUCKETS] + [len(minutes)]
    numbers = [end - start for start, end in pairwise(edges)]
    top, step = _scale(max(numbers))
    slot = (_WIDTH - _LEFT - _RIGHT) / len(numbers)
    middle = bisect_right(_BUCKETS, median) - 1
    bars = []
    for index, (number, name) in enumerate(zip(numbers, _bucket_names(), strict=True)):
        left = _LEFT + index * slot
        kind = "now" if index == middle and minutes else "before"
        bars += [
            _bar(left + slot * 0.12, slot * 0.76, number / top, kind),
            _label(left + slot / 2, _y(number / top) - 4, f"{number:,}", "value")
            if number
            else Markup(),
            _label(left + slot / 2, _HEIGHT - 7, name, "axis"),
        ]
    values = "; ".join(
        f"{name}: {counted(number, 'reader')}"
        for name, number in zip(_bucket_names(), numbers, strict=True)
    )
    grid = _grid(top, step, lambda number: f"{number:,}")
    return _chart("Readers by reading time", values, joined([grid, *bars]))


def small_days(days: Sequence[date], minutes: Sequence[int], top: int) -> Markup:
    """Return the minutes of each day as seven small bars, up to `top` minutes."""
    values = ", ".join(
        f"{weekday(day)} {value}" for day, value in zip(days, minutes, strict=True) if value
    )
    bars = joined(
        fill(
            '<rect class="{kind}" x="{x}" y="{y:.1f}" width="7" height="{height:.1f}"/>',
            kind="now" if value else "none",
            x=index * 9,
            y=18 - height,
            height=height,
        )
        for index, value in enumerate(minutes)
        for height in (max(2.0, 18 * value / top) if value else 1.0,)
    )
    return fill(
        '<svg class="small" viewBox="0 0 61 18" width="61" height="18" role="img"'
        ' aria-label="minutes: {values}">{bars}</svg>',
        values=values or "none",
        bars=bars,
    )


def bar_with_median(minutes: int, median: int, top: int) -> Markup:
    """Return a reader's minutes as a bar, with a line at the median of all readers."""
    return fill(
        '<svg class="small" viewBox="0 0 72 14" width="72" height="14" aria-hidden="true">'
        '<rect class="track" x="0" y="4" width="70" height="6" rx="1"/>'
        '<rect class="now" x="0" y="4" width="{width:.1f}" height="6" rx="1"/>'
        '<rect class="median" x="{median:.1f}" y="0" width="1.5" height="14"/></svg>',
        width=70 * minutes / top,
        median=70 * min(median, top) / top,
    )


def bar_of_progress(start: int | None, end: int | None) -> Markup:
    """Return a title's progress as a bar, in which the progress of the week is dark."""
    if start is None or end is None:
        return Markup()
    return fill(
        '<svg class="small" viewBox="0 0 50 8" width="50" height="8" aria-hidden="true">'
        '<rect class="track" width="50" height="8" rx="1"/>'
        '<rect class="before" width="{start:.1f}" height="8" rx="1"/>'
        '<rect class="now" x="{start:.1f}" width="{width:.1f}" height="8" rx="1"/></svg>',
        start=start / 2,
        width=max(1.0, (end - start) / 2),
    )


# Parts of a chart -------------------------------------------------------------------------------


def _scale(most: int) -> tuple[int, int]:
    """Return the end of an axis and the step of its lines, of which there are two to five."""
    step = next((step for step in _STEPS if most <= 4 * step), _STEPS[-1])
    while most > 4 * step:
        step *= 2
    return max(step, -(-most // step) * step), step


def _short(minutes: int) -> str:
    """Return minutes as a label: `45 m`, `3.5 h`, `120 h`."""
    if minutes < 60:
        return f"{minutes} m"
    hours = minutes / 60
    return f"{round(hours):,} h" if hours >= 100 else f"{hours:.1f}".removesuffix(".0") + " h"


def _bucket_names() -> tuple[str, ...]:
    return ("< 15 m", "< 30 m", "< 1 h", "< 2 h", "< 4 h", "< 8 h", "8 h +")


def _y(share: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)


def _bar(x: float, width: float, share: float, kind: str) -> Markup:
    return fill(
        '<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>',
        kind=kind,
        x=x,
        y=_y(share),
        width=width,
        height=_y(0) - _y(share),
    )


def _label(x: float, y: float, text: str, kind: str) -> Markup:
    return fill(
        '<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{text}</text>',
        kind=kind,
        x=x,
        y=y,
        text=text,
    )


def _grid(top: int, step: int, text: Callable[[int], str]) -> Markup:
    return joined(
        fill(
            '<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            '<text class="axis" x="{x}" y="{text_y:.1f}" text-anchor="end">{text}</text>',
            left=_LEFT,
            right=_WIDTH - _RIGHT,
            y=_y(value / top),
            x=_LEFT - 6,
            text_y=_y(value / top) + 3.5,
            text=text(value) if value else "0",
        )
        for value in range(0, top + 1, step)
    )


def _chart(title: str, values: str, content: Markup) -> Markup:
    return fill(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img">'
        "<title>{title}</title><desc>{values}</desc>{content}</svg>",
        width=_WIDTH,
        height=_HEIGHT,
        title=title,
        values=values,
        content=content,
    )
