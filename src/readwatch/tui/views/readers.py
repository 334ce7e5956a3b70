"""Readers: the progress of all readers, online or offline."""

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from readwatch.domain.clock import ago
from readwatch.domain.plural import counted
from readwatch.monitor.snapshots import View
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.store.lists.readers import ReaderSummary
from readwatch.tui.format.cells import Row
from readwatch.tui.format.columns import Column
from readwatch.tui.format.preview import facts, hint, title
from readwatch.tui.format.text import hours_and_minutes, how_long_ago
from readwatch.tui.views.spec import ViewSpec


def row(reader: ReaderSummary, now: datetime) -> Row:
    """Return the row of a reader."""
    return Row(
        reader.user_id,
        (
            reader.full_name,
            reader.group,
            reader.reading_level,
            hours_and_minutes(reader.total_reading_time_minutes),
            str(reader.total_sessions),
            str(reader.unique_content_read),
            ago(reader.last_login, now),
            ago(reader.last_activity_at, now),
        ),
        reader.user_id,
    )


def preview(reader: ReaderSummary, now: datetime) -> Iterator[Content]:
    """Yield the lines about a reader."""
    yield title(reader.full_name, reader.group)
    if reader.reading_level:
        yield facts(f"level {reader.reading_level}")
    yield Content("")
    yield facts(f"{hours_and_minutes(reader.total_reading_time_minutes)} of reading")
    yield facts(
        counted(reader.total_sessions, "session"), counted(reader.unique_content_read, "title")
    )
    yield facts(f"last login {how_long_ago(reader.last_login, now)}")
    yield facts(f"last activity {how_long_ago(reader.last_activity_at, now)}")
    yield Content("")
    yield hint("enter opens the page, which is logged")


SPEC: ViewSpec[ReaderSummary] = ViewSpec(
    options=VIEW_OPTIONS[View.READERS],
    columns=(
        Column("full_name", "Reader", width=16, flex=7),
        Column("group", "Group", width=10, from_width=97),
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
    preview=preview,
)
