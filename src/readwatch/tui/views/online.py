"""Online: one row a reader who is here."""

from datetime import datetime

from readwatch.domain.clock import ago
from readwatch.store.lists.online import (
    FIELDS,
    TRACE_STEPS,
    TracedReader,
    online_ids,
    online_rows,
)
from readwatch.tui.format.cells import Row
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import (
    activity_words,
    minutes_of,
    presence_cell,
    progress_bar,
    trace_line,
)
from readwatch.tui.views.spec import Sort, ViewSpec, fields_of


def row(reader: TracedReader, now: datetime) -> Row:
    """Return a reader's row."""
    return Row(
        reader.user_id,
        (
            presence_cell(reader.presence_at(now)),
            reader.full_name,
            reader.content_title,
            progress_bar(reader.progress_percentage),
            activity_words(reader.activity_type),
            trace_line(reader.trace),
            ago(reader.idle_since, now),
            minutes_of(now - reader.started_at),
            reader.reading_level,
            reader.device_type,
        ),
        reader.user_id,
    )


def record(reader: TracedReader, now: datetime) -> dict[str, object]:
    """Return what a program is told of a reader."""
    return {**fields_of(reader, now), "presence": reader.presence_at(now)}


LISTING: ViewSpec[TracedReader] = ViewSpec(
    columns=(
        Column("presence", "State", width=9),
        Column("full_name", "Reader", width=12, flex=2),
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
    sorts=(
        Sort("full_name"),
        Sort("content_title"),
        Sort("progress_percentage", descending=True),
        Sort("activity_type"),
        Sort("idle_since", newest_first=True),
        Sort("started_at", descending=True),
        Sort("reading_level"),
        Sort("device_type"),
        Sort("presence"),
    ),
    fields=FIELDS,
    empty="nobody is online",
    order=online_ids,
    items=online_rows,
    record=record,
)
