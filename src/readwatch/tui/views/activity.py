"""Activity: the activities of all readers, newest on top."""

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from readwatch.domain.activities import RecordedActivity
from readwatch.monitor.snapshots import View
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.tui.format.cells import Row
from readwatch.tui.format.columns import Column
from readwatch.tui.format.preview import facts, hint, progress, title
from readwatch.tui.format.text import (
    activity_length,
    day_and_time,
    progress_bar,
    time_in_feed,
    type_in_words,
)
from readwatch.tui.views.spec import ViewSpec


def row(activity: RecordedActivity, now: datetime) -> Row:
    """Return the row of an activity."""
    return Row(
        activity.id,
        (
            time_in_feed(activity.created_at, now),
            activity.full_name,
            type_in_words(activity.activity_type),
            activity.content_title,
            progress_bar(activity.progress_percentage),
            activity_length(activity.duration_seconds),
        ),
        activity.user_id,
    )


def preview(activity: RecordedActivity, _now: datetime) -> Iterator[Content]:
    """Yield the lines about an activity, without its metadata."""
    length = activity_length(activity.duration_seconds)
    yield title(activity.full_name)
    yield facts(type_in_words(activity.activity_type), f"lasted {length}" if length else "")
    yield facts(f"at {day_and_time(activity.occurred_at)}")
    yield facts(f"arrived at {day_and_time(activity.created_at)}")
    yield Content("")
    yield facts(activity.content_title)
    yield progress(activity.progress_percentage)
    yield Content("")
    yield hint("enter opens the reader's page, which is logged")


SPEC: ViewSpec[RecordedActivity] = ViewSpec(
    options=VIEW_OPTIONS[View.ACTIVITY],
    columns=(
        Column("created_at", "Time", width=9),
        Column("full_name", "Reader", width=14, flex=2),
        Column("activity_type", "Activity", width=16),
        Column("content_title", "Title", width=8, flex=3),
        Column("progress_percentage", "Progress", width=11),
        Column("duration_seconds", "Length", width=6, align="right", from_width=100),
    ),
    row=row,
    empty="no activities yet",
    past_empty="nothing had arrived yet",
    preview=preview,
)
