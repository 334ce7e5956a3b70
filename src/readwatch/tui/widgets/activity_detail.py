"""All about one activity: its metadata indented, and broken where a line is full."""

import json
from collections.abc import Iterator

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from readwatch.domain.activities import MAX_METADATA_BYTES, RecordedActivity
from readwatch.domain.text import SafeText, clean
from readwatch.tui.format.cells import cell_text
from readwatch.tui.format.columns import cut, steady
from readwatch.tui.format.text import activity_words, day_and_time, progress_bar, seconds_shown


class ActivityDetail(VerticalScroll):
    """All about one activity, as text."""

    DEFAULT_CSS = """
    ActivityDetail {
        display: none; height: 1fr; padding: 0 1 0 2; background: $panel;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        &:focus { background-tint: $foreground 5%; }
    }
    """

    def __init__(self) -> None:
        super().__init__(id="unfolded")
        self._text = Static(markup=False)
        self._activity: RecordedActivity | None = None

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield self._text

    def show(self, activity: RecordedActivity | None) -> None:
        """Show another activity, from its beginning."""
        if activity != self._activity:
            self._activity = activity
            self.scroll_home(animate=False)
            self._lay()

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._lay()

    def _lay(self) -> None:
        width = self.scrollable_content_region.width
        if self._activity is not None and width > 0:
            self._text.update(_unfolded(self._activity, max(4, width)))


def _unfolded(activity: RecordedActivity, width: int) -> Content:
    """Return all about an activity, in lines of `width` cells."""
    facts = (
        activity_words(activity.activity_type),
        day_and_time(activity.occurred_at),
        seconds_shown(activity.duration_seconds),
        cell_text(progress_bar(activity.progress_percentage)),
    )
    head = (
        cut("   ".join(filter(None, facts)), width),
        cut(activity.content_title or "no title", width),
        cut(f"content {activity.content_id}" if activity.content_id else "no content", width),
    )
    if activity.metadata_json:
        body = Content("\n".join(metadata_lines(activity.metadata_json, width)))
    else:
        body = Content.styled("the app told no more", "dim")
    return Content("\n").join([Content.styled(head[0], "bold"), *map(Content, head[1:]), body])


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
