"""Readers: the progress of all, also of the absent."""

from datetime import datetime

from readwatch.domain.clock import ago
from readwatch.store.lists.readers import FIELDS, ReaderSummary, reader_ids, reader_rows
from readwatch.tui.format.cells import Row
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import hours_and_minutes
from readwatch.tui.views.spec import Sort, ViewSpec


def row(reader: ReaderSummary, now: datetime) -> Row:
    """Return a reader's row."""
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


LISTING: ViewSpec[ReaderSummary] = ViewSpec(
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
    sorts=(
        Sort("last_login", newest_first=True),
        Sort("last_activity_at", newest_first=True),
        Sort("full_name"),
        Sort("reading_level"),
        Sort("total_reading_time_minutes", descending=True),
        Sort("total_sessions", descending=True),
        Sort("unique_content_read", descending=True),
    ),
    fields=FIELDS,
    empty="there are no readers yet: readwatch user add EMAIL --role reader --name NAME",
    order=reader_ids,
    items=reader_rows,
)
