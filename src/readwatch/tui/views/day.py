"""Day: one row for each reader who was logged in on a day."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from textual.content import Content

from readwatch.domain.plural import counted
from readwatch.domain.reading import HOURS
from readwatch.monitor.snapshots import View, ViewSnapshot
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.store.lists.day import ReaderOfDay
from readwatch.tui.format.cells import Row, TonedText
from readwatch.tui.format.columns import Column
from readwatch.tui.format.preview import facts, hint, title
from readwatch.tui.format.text import LOW_BARS, day_in_words, hours_and_minutes
from readwatch.tui.views.spec import ViewSpec

_LABELLED_HOURS = 6
_SPANS_SHOWN = 10


def row(reader: ReaderOfDay, _now: datetime) -> Row:
    """Return the row of a reader."""
    minutes = reader.minutes_by_hour
    return Row(
        reader.user_id,
        (
            reader.full_name,
            reader.group,
            TonedText(_bars(minutes), "accent", plain=" ".join(map(str, minutes))),
            hours_and_minutes(_minutes(reader.read)),
            _clock(reader.began_at),
            _clock(reader.ended_at),
            str(reader.activities or ""),
            reader.content_title,
            reader.reading_level,
        ),
        reader.user_id,
    )


def _bars(minutes: tuple[int, ...]) -> str:
    """Return a bar for each hour, scaled to 60 minutes; blank without any."""
    highest = len(LOW_BARS) - 1
    return "".join(
        LOW_BARS[min(highest, time * len(LOW_BARS) // 60)] if time else " " for time in minutes
    )


def _minutes(time: timedelta) -> int:
    return time // timedelta(minutes=1)


def _clock(at: datetime) -> str:
    return f"{at.astimezone():%H:%M}"


def preview(reader: ReaderOfDay, _now: datetime) -> Iterator[Content]:
    """Yield the lines about a reader."""
    yield title(reader.full_name, reader.group)
    if reader.reading_level:
        yield facts(f"level {reader.reading_level}")
    yield Content("")
    times = counted(len(reader.spans), "time")
    yield facts(f"{hours_and_minutes(_minutes(reader.read))}, {times} logged in")
    for begun, ended in reader.spans[-_SPANS_SHOWN:]:
        minutes = hours_and_minutes(_minutes(ended - begun))
        yield Content.assemble(f"  {_clock(begun)} to {_clock(ended)}", (f"   {minutes:>9}", "dim"))
    yield Content("")
    yield facts(counted(reader.activities, "activity", "activities"))
    yield facts(reader.content_title)
    yield Content("")
    yield hint("enter opens the page, which is logged")


def note(snapshot: ViewSnapshot) -> str:
    """Return which day it is, and how many readers were logged in."""
    day = day_in_words(snapshot.shown_at)
    readers = counted(len(snapshot.order.ids), "reader")
    matching = " of the filter" if snapshot.query.terms else ""
    return f"{day}: {readers}{matching}, by their sessions"


_HOURS = "".join(f"{hour:<{_LABELLED_HOURS}}" for hour in range(0, HOURS, _LABELLED_HOURS))

SPEC: ViewSpec[ReaderOfDay] = ViewSpec(
    options=VIEW_OPTIONS[View.DAY],
    columns=(
        Column("full_name", "Reader", width=14, flex=3),
        Column("group", "Group", width=8, from_width=113),
        Column("minutes_by_hour", _HOURS.rstrip(), width=HOURS, drawn=True, about="by the hour"),
        Column("read", "Time", width=9, align="right", about="logged in"),
        Column("began_at", "First", width=7, align="right", about="when the first login was"),
        Column("ended_at", "Last", width=6, align="right", about="when the last session ended"),
        Column("activities", "Done", width=6, align="right", from_width=88, about="activities"),
        Column("content_title", "Read last", width=12, flex=4, from_width=104),
        Column("reading_level", "Level", width=7, from_width=150),
    ),
    row=row,
    empty="nobody was logged in on this day",
    preview=preview,
    note=note,
)
