"""Readers: the progress of all readers, online or offline."""

from datetime import datetime

from readwatch.domain.clock import ago
from readwatch.monitor.snapshots import View
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.store.lists.readers import ReaderSummary
from readwatch.tui.format.cells import Row
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import hours_and_minutes
from readwatch.tui.views.spec import ViewSpec


def row(reader: ReaderSummary, now: datetime) -> Row:
    """Return the row of a reader."""
    return Row(
        reader.user_id,
        (
            reader.full_name,
            reader.reading_level,
            hours_and_minutes(reader.total_reading_time_minutes),
            str(reader.total_sessions),
            str(reader.unique_content_read),
            ago(reader.last_login, now),
            ago(reader.last_activity_at, now),
        ),
        reader.user_id,
    )


SPEC: ViewSpec[ReaderSummary] = ViewSpec(
    options=VIEW_OPTIONS[View.READERS],
    columns=(
        Column("full_name", "Reader", width=16, flex=7),
        Column("reading_level", "Level", width=7),
        Column("total_reading_time_minutes", "Reading time", width=14, flex=1, align="right"),
        Column("total_sessions", "Sessions", width=10, flex=1, align="right", from_width=96),
        Column("unique_content_read", "Titles", width=8, flex=1, align="right"),
        Column("last_login", "Last login", width=12, flex=1, align="right"),
        Column(
            "last_activity_at", "Last activity", width=15, flex=1, align="right", from_width=110
        ),
    ),
    row=row,
    empty="there are no readers yet",
)
