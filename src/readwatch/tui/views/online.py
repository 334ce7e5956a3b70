"""Online: one row a reader who is here."""

from datetime import datetime

from readwatch.domain.clock import ago
from readwatch.domain.sessions import OnlineReader
from readwatch.tui.columns import Column
from readwatch.tui.marks import activity_words, minutes_of, presence_cell, progress_bar
from readwatch.tui.rows import Row
from readwatch.tui.views.listing import Listing, Order, newest_first


def row(reader: OnlineReader, now: datetime) -> Row:
    """Return a reader's row."""
    return Row(
        reader.user_id,
        (
            presence_cell(reader.presence(now)),
            reader.full_name,
            reader.content_title,
            progress_bar(reader.progress_percentage),
            activity_words(reader.activity_type),
            ago(reader.last_activity_at, now),
            minutes_of(now - reader.started_at),
            reader.reading_level,
            reader.device_type,
        ),
    )


LISTING: Listing[OnlineReader] = Listing(
    columns=(
        Column("presence", "State", width=9),
        Column("name", "Reader", width=14, flex=2),
        Column("title", "Reading", width=10, flex=3),
        Column("progress", "Progress", width=11),
        Column("activity", "Last activity", width=16, from_width=110),
        Column("ago", "Ago", width=6, align="right"),
        Column("minutes", "Min", width=4, align="right", from_width=90),
        Column("level", "Level", width=5, from_width=120),
        Column("device", "Device", width=8, from_width=120),
    ),
    row=row,
    reader_id=lambda reader: reader.user_id,
    texts=lambda reader: (reader.full_name, reader.content_title, reader.reading_level),
    empty="nobody is online",
    orders=(
        Order("name", False, lambda reader: (reader.full_name.casefold(), reader.user_id)),
        newest_first("ago", lambda reader: reader.last_activity_at),
        newest_first("presence", lambda reader: reader.last_heartbeat),
        Order("progress", True, lambda reader: reader.progress_percentage or 0),
    ),
)
