"""What a list knows of the row under the cursor, as the lines of a pane beside it."""

from collections.abc import Iterator, Sequence

from textual.content import Content

from readwatch.tui.format.cells import TONE_STYLES, TonedText
from readwatch.tui.format.columns import with_stable_width
from readwatch.tui.format.text import bar_block

PREVIEW_WIDTH = 40
"""Cells for text."""

_BAR = 5
_BAR_LINES = 4
_LEAST_TOP = 8
"""A chart is scaled to at least so many activities, so that a few do not look like many."""


def title(name: str, group: str = "") -> Content:
    """Return the first line: a name, and the groups of a reader."""
    after = f" · {with_stable_width(group)}" if group else ""
    return Content.assemble((with_stable_width(name), "bold"), (after, "dim"))


def facts(*texts: str | TonedText) -> Content:
    """Return texts in a line, without empty ones."""
    parts = (text if isinstance(text, TonedText) else TonedText(text, None) for text in texts)
    return Content(", ").join(
        Content.styled(with_stable_width(part.text), TONE_STYLES[part.tone])
        for part in parts
        if part.text
    )


def hint(words: str) -> Content:
    """Return a line that says what a key does."""
    return Content.styled(words, "dim")


def progress(percentage: int | None) -> Content:
    """Return a bar over the width of the pane; empty if the progress is not known."""
    if percentage is None:
        return Content("")
    width = PREVIEW_WIDTH - 5
    filled = round(width * percentage / 100)
    rest = "┄" * (width - filled)
    return Content.assemble(("━" * filled, "$text-accent"), (rest, "dim"), f" {percentage:>3}%")


def bars(counts: Sequence[int], begin: str, end: str) -> Iterator[Content]:
    """Yield a chart of counts, `_BAR` cells each, and below it the names of its begin and end."""
    top = max(_LEAST_TOP, *counts)
    for line in range(_BAR_LINES):
        blocks = (bar_block(count, top, line, _BAR_LINES) * _BAR + " " for count in counts)
        yield Content.styled("".join(blocks), "$text-accent")
    width = len(counts) * (_BAR + 1) - 1
    yield Content.styled(f"{begin:<{width - len(end)}}{end}", "dim")
