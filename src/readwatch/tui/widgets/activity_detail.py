"""The details of one activity, with its metadata as indented, wrapped JSON."""

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
from readwatch.tui.format.columns import cut, with_stable_width
from readwatch.tui.format.text import activity_length, day_and_time, progress_bar, type_in_words


class ActivityDetail(VerticalScroll):
    """Shows one activity as text."""

    DEFAULT_CSS = """
    ActivityDetail {
        display: none; height: 1fr; padding: 0 1 0 2; background: $panel;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        &:focus { background-tint: $foreground 5%; }
    }
    """

    def __init__(self) -> None:
        super().__init__(id="activity-detail")
        self._text = Static(markup=False)
        self._activity: RecordedActivity | None = None

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield self._text

    def show(self, activity: RecordedActivity | None) -> None:
        """Show another activity, scrolled to its beginning."""
        if activity != self._activity:
            self._activity = activity
            self.scroll_home(animate=False)
            self._update_text()

    def on_resize(self) -> None:
        """Wrap the lines to the new width."""
        self._update_text()

    def _update_text(self) -> None:
        width = self.scrollable_content_region.width
        if self._activity is not None and width > 0:
            self._text.update(_detail_text(self._activity, max(4, width)))


def _detail_text(activity: RecordedActivity, width: int) -> Content:
    """Return the details of an activity in lines of at most `width` cells."""
    facts = (
        type_in_words(activity.activity_type),
        day_and_time(activity.occurred_at),
        activity_length(activity.duration_seconds),
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
        body = Content.styled("no metadata", "dim")
    return Content("\n").join([Content.styled(head[0], "bold"), *map(Content, head[1:]), body])


def metadata_lines(metadata: SafeText, width: int) -> Iterator[str]:
    """Yield metadata in lines of at most `width` (4 or more) cells; invalid JSON unchanged."""
    try:
        text = json.dumps(json.loads(metadata), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = metadata
    for line in text.split("\n"):
        # Cleaned again, because JSON escapes can contain characters that `clean` removes.
        yield from _wrapped(with_stable_width(clean(line, limit=MAX_METADATA_BYTES)), width)


def _wrapped(line: str, width: int) -> Iterator[str]:
    """Yield the parts of a line; all except the first have a deeper indent."""
    indent = len(line) - len(line.lstrip())
    hanging = " " * min(indent + 4, width // 2)
    start, before = min(indent, width // 2), " " * min(indent, width // 2)
    while start < len(line):
        end = _break_index(line, start, width - len(before))
        yield before + line[start:end]
        start, before = end + (line[end : end + 1] == " "), hanging


def _break_index(line: str, start: int, room: int) -> int:
    """Return the end of a part of at most `room` cells, after a space if possible."""
    end, used = start, 0
    while end < len(line) and used + cell_len(line[end]) <= room:
        used += cell_len(line[end])
        end += 1
    if end == len(line):
        return end
    space = line.rfind(" ", start + 1, end + 1)
    return space if space > 0 else max(end, start + 1)
