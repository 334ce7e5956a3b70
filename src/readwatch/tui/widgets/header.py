"""The header of every screen: the views, how current the data is, and live statistics."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from readwatch.domain.clock import length_of
from readwatch.monitor.snapshots import LiveStats, View
from readwatch.tui.format.columns import cut
from readwatch.tui.format.text import short_day, short_time, sparkline
from readwatch.tui.keys import Keymap, first_key

STALE_AFTER = timedelta(seconds=12)
"""The worker sends a snapshot at least every 5 s plus its pause: after this time two are due."""

_UNUSUAL_SILENCE = timedelta(minutes=1)
"""While readers are online, a post arrives more often than this."""

_SHORTEST_LINE = 20
"""The minimum number of bars; with fewer, the peak of the day is left out."""


class Liveness(StrEnum):
    """How current the data is."""

    WAITING = "WAITING"
    LIVE = "LIVE"
    PAST = "PAST"
    FROZEN = "FROZEN"
    STALE = "STALE"
    NO_POSTS = "NO POSTS"
    DISCONNECTED = "OFFLINE"


_TONES = {
    Liveness.WAITING: "dim",
    Liveness.LIVE: "$text-success",
    Liveness.PAST: "$text-warning",
    Liveness.FROZEN: "$text-accent",
    Liveness.STALE: "$text-warning",
    Liveness.NO_POSTS: "$text-warning",
    Liveness.DISCONNECTED: "$text-error",
}


@dataclass(frozen=True, slots=True)
class Status:
    """The content of the header."""

    view: View | None = None
    user: str = ""
    stats: LiveStats | None = None
    at: datetime | None = None
    """The time of the past that the list shows."""
    frozen: bool = False
    new_rows: str = ""
    lost_since: datetime | None = None
    reason: str = ""
    now: datetime | None = None
    keymap: Keymap = field(default_factory=dict)

    def liveness(self) -> Liveness:
        """Return how current the data is: the worst state that applies."""
        if self.lost_since is not None:
            return Liveness.DISCONNECTED
        if self.stats is None or self.now is None:
            return Liveness.WAITING
        if self.at is not None:
            return Liveness.PAST
        if self.frozen:
            return Liveness.FROZEN
        if self.now - self.stats.taken_at > STALE_AFTER + self.stats.refresh_pause:
            return Liveness.STALE
        return Liveness.LIVE if self.stats.silence is None else Liveness.NO_POSTS

    @property
    def is_old(self) -> bool:
        """Whether the rows below may not be current."""
        return self.liveness() in {Liveness.FROZEN, Liveness.STALE, Liveness.DISCONNECTED}


class Header(Widget):
    """Shows a `Status`; repainted only when its text changes."""

    DEFAULT_CSS = """
    Header { height: 2; background: $panel; color: $foreground; padding: 0 1; }
    """

    class Clicked(Message):
        """The user clicked on the name of a view."""

        def __init__(self, view: View) -> None:
            super().__init__()
            self.view = view

    status: reactive[Status] = reactive(Status(), repaint=False)
    _lines: reactive[tuple[Content, Content]] = reactive((Content(""), Content("")))

    def watch_status(self) -> None:
        """Compute the text, and repaint only if the text changes."""
        self._lines = lines(self.status, self.size.width)

    def on_resize(self) -> None:
        """Compute the text for the new width."""
        self._lines = lines(self.status, self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Post the view whose name is at the position of the click."""
        if (view := event.style.meta.get("view")) is not None:
            self.post_message(self.Clicked(View(view)))

    def render(self) -> Content:
        """Return both lines."""
        return Content("\n").join(self._lines)


def lines(status: Status, width: int) -> tuple[Content, Content]:
    """Return the two lines of the header in `width` cells."""
    return _first(status, width), _second(status, width)


def _first(status: Status, width: int) -> Content:
    """Return the views with their keys, and how current the data is.

    If there is little room, the line omits the name of the program, then space and long names, then
    words of how current the data is, then the names of the other views.
    """
    views, narrow = _tabs(status, tuple(View)), _tabs(status, tuple(View), pad="")
    named = Content.styled("readwatch  ", "bold $text-accent") + views
    freshness = _freshness(status)
    choices = (
        (named, freshness[0]),
        (views, freshness[0]),
        *((narrow, words) for words in freshness),
    )
    fitting = (pair for pair in choices if sum(part.cell_length for part in pair) < width)
    return _across(*next(fitting, (_tabs(status, (status.view,)), freshness[0])), width)


def _tabs(status: Status, named: tuple[View | None, ...], *, pad: str = " ") -> Content:
    """Return the tabs, those of `named` views with the name; `pad` is on both sides of each.
    Without it names are one word."""
    tabs = (_tab(status, view, pad, is_named=view in named) for view in View)
    return Content("" if pad else " ").join(tabs)


def _tab(status: Status, view: View, pad: str, *, is_named: bool) -> Content:
    """Return the tab of a view; for Attention it includes the number of unseen readers."""
    name = (view.label if pad else view.label.split()[-1]).capitalize()
    words = [first_key(view, status.keymap), *([name] if is_named else [])]
    is_current, tab = view is status.view, Content(f"{pad}{' '.join(words)}{pad}")
    tab = tab.stylize("bold" if is_current else "dim")
    if view is View.ATTENTION and status.stats is not None and status.stats.unseen:
        number = f"{len(status.stats.unseen)}{pad}"
        tab += Content.styled(number if pad else f" {number}", "bold $text-warning")
    if is_current:
        tab = Content.styled(tab.plain, "bold reverse")
    return tab.stylize(Style.from_meta({"view": view.value}))


def _freshness(status: Status) -> list[Content]:
    """Return how current the data is, in words, from the most to the fewest."""
    liveness = status.liveness()
    word = Content.styled(f"● {liveness}", f"bold {_TONES[liveness]}")
    if not status.new_rows:
        return [*(word + age for age in _ages(status)), word]
    new = Content.styled(f", {status.new_rows} new", "$text-accent")
    short = Content.styled(f" +{status.new_rows}", "$text-accent")
    return [*(word + age + new for age in _ages(status)), word + new, word + short]


def _ages(status: Status) -> Iterator[Content]:
    """Yield the age of the data or of the last post, in words, from the most to the fewest."""
    stats, now = status.stats, status.now
    if stats is None or now is None:
        return
    if status.at is not None and status.liveness() is Liveness.PAST:
        is_of_day = status.view is View.DAY
        time = short_day(status.at, now) if is_of_day else short_time(status.at, now)
        yield from (Content(f", {time}"), Content(f" {time}"))
        return
    if status.liveness() is Liveness.NO_POSTS and stats.silence is not None:
        silence = length_of(stats.silence)
        yield from (Content(f" for {silence}"), Content(f" {silence}"))
        return
    age = length_of(now - stats.taken_at)
    if age != "now":
        yield from (Content.styled(f", {age}{old}", "dim") for old in (" old", ""))
    elif (last := stats.arrivals.last_post_at) and now - last >= _UNUSUAL_SILENCE:
        yield Content.styled(f", last post {length_of(now - last)} ago", "dim")


def _second(status: Status, width: int) -> Content:
    if status.lost_since is not None:
        since = f"{status.lost_since.astimezone():%H:%M:%S}"
        return Content.styled(cut(f"since {since}: {status.reason}", width), "$text-error")
    if status.stats is None:
        return Content("")
    counts = [minute.activities for minute in status.stats.per_minute[:-1]]
    rate = f"   {status.stats.activity_rate} "
    words = f"{status.stats.online} online{rate}"
    room = width - len(words) - 1
    user = cut(status.user, room) if room > 10 else ""
    room -= cell_len(user) + 3
    peak = _peak(status.stats)
    if room - len(peak) < _SHORTEST_LINE:
        peak = ""
    room -= len(peak)
    return _across(
        Content.assemble(
            (f"{status.stats.online} online", "bold"),
            (peak, "dim"),
            rate,
            (sparkline(counts, min(60, room)), "$text-accent"),
        ),
        Content.styled(user, "dim"),
        width,
    )


def _peak(stats: LiveStats) -> str:
    """Return the peak of readers online today, or empty text if the peak is now."""
    peak = stats.peak
    return "" if peak is None else f"   peak {peak.readers} at {peak.minute.astimezone():%H:%M}"


def _across(left: Content, right: Content, width: int) -> Content:
    right = right.truncate(max(0, width), ellipsis=True)
    left = left.truncate(max(0, width - right.cell_length - 1), ellipsis=True)
    return Content.assemble(left, " " * (width - left.cell_length - right.cell_length), right)
