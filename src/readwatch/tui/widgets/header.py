"""The two lines on top of every screen: where one is, how live the picture is, what goes on."""

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
from readwatch.tui.format.text import sparkline
from readwatch.tui.keys import Keymap, first_key

STALE_AFTER = timedelta(seconds=12)
"""The watcher sends a picture every 5 s at least, but for its rest: by then two are missing."""

_SHORTEST_LINE = 20
"""The bars of the last minutes that the day's peak may not take away."""


class Liveness(StrEnum):
    """How far the picture can be trusted to be the present."""

    WAITING = "WAITING"
    LIVE = "LIVE"
    FROZEN = "FROZEN"
    STALE = "STALE"
    OFFLINE = "OFFLINE"


_TONES = {
    Liveness.WAITING: "dim",
    Liveness.LIVE: "$text-success",
    Liveness.FROZEN: "$text-accent",
    Liveness.STALE: "$text-warning",
    Liveness.OFFLINE: "$text-error",
}


@dataclass(frozen=True, slots=True)
class Status:
    """All that the header shows."""

    view: View | None = None
    person: str = ""
    pulse: LiveStats | None = None
    frozen: bool = False
    held: str = ""
    lost_since: datetime | None = None
    reason: str = ""
    now: datetime | None = None
    keymap: Keymap = field(default_factory=dict)

    def liveness(self) -> Liveness:
        """Tell how far the picture can be trusted, the worst news first."""
        if self.lost_since is not None:
            return Liveness.OFFLINE
        if self.pulse is None or self.now is None:
            return Liveness.WAITING
        if self.frozen:
            return Liveness.FROZEN
        if self.now - self.pulse.taken_at > STALE_AFTER + self.pulse.refresh_pause:
            return Liveness.STALE
        return Liveness.LIVE


class Header(Widget):
    """Shows a `Status`; painted anew only when a word of it changes."""

    DEFAULT_CSS = """
    Header { height: 2; background: $panel; color: $foreground; padding: 0 1; }
    """

    class Clicked(Message):
        """Somebody clicked on the name of a view."""

        def __init__(self, view: View) -> None:
            super().__init__()
            self.view = view

    status: reactive[Status] = reactive(Status(), repaint=False)
    _lines: reactive[tuple[Content, Content]] = reactive((Content(""), Content("")))

    def watch_status(self) -> None:
        """Work out the words; equal ones cost no repaint."""
        self._lines = lines(self.status, self.size.width)

    def on_resize(self) -> None:
        """Fill the new width."""
        self._lines = lines(self.status, self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Tell which view's name is painted there."""
        if (view := event.style.meta.get("view")) is not None:
            self.post_message(self.Clicked(View(view)))

    def render(self) -> Content:
        """Return both lines."""
        return Content("\n").join(self._lines)


def lines(status: Status, width: int) -> tuple[Content, Content]:
    """Return the two lines of the header in `width` cells."""
    return _first(status, width), _second(status, width)


def _first(status: Status, width: int) -> Content:
    """Return the views with their keys and how fresh the picture is.

    Where room is short the name of the program goes, then a word, then the names of the views
    that are not in front.
    """
    views, freshness = _tabs(status, tuple(View)), _freshness(status)
    named = Content.styled("readwatch  ", "bold $text-accent") + views
    short = _tabs(status, (status.view,))
    choices = (named, freshness), (views, freshness), (views, _freshness(status, old=""))
    fitting = (pair for pair in choices if sum(part.cell_length for part in pair) < width)
    return _across(*next(fitting, (short, freshness)), width)


def _tabs(status: Status, named: tuple[View | None, ...]) -> Content:
    return Content.assemble(*(_tab(status, view, named=view in named) for view in View))


def _tab(status: Status, view: View, *, named: bool) -> Content:
    """Return what a click goes to a view by; the one of Attention counts whom nobody has seen."""
    words = [first_key(view, status.keymap), *([view.label.capitalize()] if named else [])]
    is_in_front, tab = view is status.view, Content(f" {' '.join(words)} ")
    tab = tab.stylize("bold" if is_in_front else "dim")
    if view is View.ATTENTION and status.pulse is not None and status.pulse.unseen:
        tab += Content.styled(f"{len(status.pulse.unseen)} ", "bold $text-warning")
    if is_in_front:
        tab = Content.styled(tab.plain, "bold reverse")
    return tab.stylize(Style.from_meta({"view": view.value}))


def _freshness(status: Status, *, old: str = " old") -> Content:
    liveness = status.liveness()
    parts: list[Content | tuple[str, str]] = [(f"● {liveness}", f"bold {_TONES[liveness]}")]
    if status.pulse is not None and status.now is not None:
        age = length_of(status.now - status.pulse.taken_at)
        parts.append(("" if age == "now" else f", {age}{old}", "dim"))
    if status.held:
        parts.append((f", {status.held} new", "$text-accent"))
    return Content.assemble(*parts)


def _second(status: Status, width: int) -> Content:
    if status.lost_since is not None:
        since = f"{status.lost_since.astimezone():%H:%M:%S}"
        return Content.styled(cut(f"since {since}: {status.reason}", width), "$text-error")
    if status.pulse is None:
        return Content("")
    counts = [minute.activities for minute in status.pulse.per_minute[:-1]]
    pace = f"   {status.pulse.activity_rate} "
    words = f"{status.pulse.online} online{pace}"
    room = width - len(words) - 1
    person = cut(status.person, room) if room > 10 else ""
    room -= cell_len(person) + 3
    peak = _peak(status.pulse)
    if room - len(peak) < _SHORTEST_LINE:
        peak = ""
    room -= len(peak)
    return _across(
        Content.assemble(
            (f"{status.pulse.online} online", "bold"),
            (peak, "dim"),
            pace,
            (sparkline(counts, min(60, room)), "$text-accent"),
        ),
        Content.styled(person, "dim"),
        width,
    )


def _peak(pulse: LiveStats) -> str:
    """Return the most readers of the day, where that was not now."""
    peak = pulse.peak
    return "" if peak is None else f"   peak {peak.readers} at {peak.minute.astimezone():%H:%M}"


def _across(left: Content, right: Content, width: int) -> Content:
    right = right.truncate(max(0, width), ellipsis=True)
    left = left.truncate(max(0, width - right.cell_length - 1), ellipsis=True)
    return Content.assemble(left, " " * (width - left.cell_length - right.cell_length), right)
