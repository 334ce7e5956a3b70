"""Online: one row for each reader who is online."""

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from readwatch.domain.clock import ago
from readwatch.domain.plural import counted
from readwatch.monitor.online import OnlineItem
from readwatch.monitor.snapshots import View, ViewSnapshot
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.store.lists.online import TRACE_STEPS
from readwatch.tui.format.cells import Row, TonedText
from readwatch.tui.format.columns import Column
from readwatch.tui.format.preview import bars, facts, hint, progress, title
from readwatch.tui.format.text import (
    how_long_ago,
    presence_cell,
    progress_bar,
    recent_activity_line,
    type_in_words,
    whole_minutes,
)
from readwatch.tui.views.spec import ViewSpec, past_note


def row(reader: OnlineItem, now: datetime) -> Row:
    """Return the row of a reader."""
    return Row(
        reader.user_id,
        (
            TonedText("▲", "warn", plain=reader.need) if reader.need else "",
            presence_cell(reader.presence_at(now)),
            reader.full_name,
            reader.group,
            reader.content_title,
            progress_bar(reader.progress_percentage),
            type_in_words(reader.activity_type),
            recent_activity_line(reader.trace),
            ago(reader.idle_since, now),
            whole_minutes(now - reader.started_at),
            reader.reading_level,
            reader.device_type,
        ),
        reader.user_id,
    )


def preview(reader: OnlineItem, now: datetime) -> Iterator[Content]:
    """Yield the lines about a reader."""
    yield title(reader.full_name, reader.group)
    session = f"logged in for {whole_minutes(now - reader.started_at)} min"
    level = f"level {reader.reading_level}" if reader.reading_level else ""
    yield facts(presence_cell(reader.presence_at(now)), reader.device_type, level)
    yield facts(session)
    if reader.need:
        yield facts(TonedText(reader.need, "warn"))
    yield Content("")
    yield facts(reader.content_title or "nothing read yet")
    yield progress(reader.progress_percentage)
    yield facts(type_in_words(reader.activity_type), how_long_ago(reader.idle_since, now))
    yield Content("")
    yield hint("activities in 5 minutes")
    yield from bars(reader.trace, "30 min before", f"{now.astimezone():%H:%M}")
    yield Content("")
    yield hint("enter opens the page, which is logged")


def note(snapshot: ViewSnapshot) -> str:
    """Return of which time of the past the list is, or empty text."""
    words, readers = past_note(snapshot), counted(len(snapshot.order.ids), "reader")
    return f"{words}: {readers}, by their sessions" if words else ""


SPEC: ViewSpec[OnlineItem] = ViewSpec(
    options=VIEW_OPTIONS[View.ONLINE],
    columns=(
        Column("need", "!", width=3, about="who may need you"),
        Column("presence", "State", width=9),
        Column("full_name", "Reader", width=12, flex=2),
        Column("group", "Group", width=8, from_width=113),
        Column("content_title", "Reading", width=10, flex=3),
        Column("progress_percentage", "Progress", width=11),
        Column("activity_type", "Last activity", width=16, from_width=130),
        Column("trace", "30 min", width=TRACE_STEPS, drawn=True, about="what was done, by 5 min"),
        Column("idle_since", "Ago", width=6, align="right", about="since activity or login"),
        Column("started_at", "Min", width=5, align="right", from_width=88, about="since the login"),
        Column("reading_level", "Level", width=7, from_width=140),
        Column("device_type", "Device", width=8, from_width=96),
    ),
    row=row,
    empty="nobody is online",
    preview=preview,
    note=note,
    past_empty="nobody was online then",
)
