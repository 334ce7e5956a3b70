"""An activity's metadata as lines that can be read: indented, and broken where a line is full."""

import json
from collections.abc import Iterator

from rich.cells import cell_len

from readwatch.domain.activities import MAX_METADATA_BYTES
from readwatch.domain.text import SafeText, clean
from readwatch.tui.columns import steady


def metadata_lines(metadata: SafeText, width: int) -> Iterator[str]:
    """Yield metadata in lines of at most `width` cells, 4 or more; what is no JSON as it is."""
    try:
        text = json.dumps(json.loads(metadata), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = metadata
    for line in text.split("\n"):
        # Once more: JSON can say by its escapes what was taken out before.
        yield from _broken(steady(clean(line, limit=MAX_METADATA_BYTES)), width)


def _broken(line: str, width: int) -> Iterator[str]:
    """Yield the parts of a line, all but the first one indented further than it."""
    indent = len(line) - len(line.lstrip())
    hanging = " " * min(indent + 4, width // 2)
    start, before = min(indent, width // 2), " " * min(indent, width // 2)
    while start < len(line):
        end = _end(line, start, width - len(before))
        yield before + line[start:end]
        start, before = end + (line[end : end + 1] == " "), hanging


def _end(line: str, start: int, room: int) -> int:
    """Return where a part has to end to be at most `room` cells wide, at a space if there is."""
    end, used = start, 0
    while end < len(line) and used + cell_len(line[end]) <= room:
        used += cell_len(line[end])
        end += 1
    if end == len(line):
        return end
    space = line.rfind(" ", start + 1, end + 1)
    return space if space > 0 else max(end, start + 1)
