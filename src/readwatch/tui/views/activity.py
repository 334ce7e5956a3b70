"""Activity: what readers do, newest on top."""

from datetime import datetime

from readwatch.domain.activities import RecordedActivity
from readwatch.store.lists.feed import FIELDS, activity_ids, activity_rows
from readwatch.tui.format.cells import Row
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import activity_words, progress_bar, seconds_shown, time_in_feed
from readwatch.tui.views.spec import Sort, ViewSpec, fields_of


def row(activity: RecordedActivity, now: datetime) -> Row:
    """Return an activity's row."""
    return Row(
        activity.id,
        (
            time_in_feed(activity.created_at, now),
            activity.full_name,
            activity_words(activity.activity_type),
            activity.content_title,
            progress_bar(activity.progress_percentage),
            seconds_shown(activity.duration_seconds),
        ),
        activity.user_id,
    )


def record(activity: RecordedActivity, now: datetime) -> dict[str, object]:
    """Return what a program is told of an activity; metadata is on its reader's own page."""
    told = fields_of(activity, now)
    del told["metadata_json"]
    return told


LISTING: ViewSpec[RecordedActivity] = ViewSpec(
    columns=(
        Column("created_at", "Time", width=9),
        Column("full_name", "Reader", width=14, flex=2),
        Column("activity_type", "Activity", width=16),
        Column("content_title", "Title", width=8, flex=3),
        Column("progress_percentage", "Progress", width=11),
        Column("duration_seconds", "Length", width=6, align="right", from_width=100),
    ),
    row=row,
    sorts=(
        Sort("created_at", descending=True, newest_first=True),
        Sort("full_name"),
        Sort("activity_type"),
        Sort("content_title"),
        Sort("progress_percentage", descending=True),
        Sort("duration_seconds", descending=True),
    ),
    fields=FIELDS,
    empty="no activities yet",
    order=activity_ids,
    items=activity_rows,
    pages="activities",
    record=record,
)
