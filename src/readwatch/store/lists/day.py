"""The readers of a day: when each was logged in, how long, and what was read.

A day is one of the calendar of this machine. The time comes from sessions, as on a reader's page.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from readwatch.domain.clock import in_utc, start_of_local_day
from readwatch.domain.presence import SILENT_AFTER
from readwatch.domain.reading import Span, minutes_by_hour, spans_within, time_of
from readwatch.domain.sessions import span_of
from readwatch.domain.text import SafeText, clean
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.audit.scope import readers_inside
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, from_db_time_or_none, to_db_time
from readwatch.store.identity.groups import names_of_groups
from readwatch.store.identity.users import ACTIVE_READER
from readwatch.store.lists.feed import TITLE, last_activity_id
from readwatch.store.lists.filter_sql import FilterableFields, GroupField, TextField, WordField
from readwatch.store.lists.past_online import LONGEST_SESSION
from readwatch.store.lists.query import (
    ListQuery,
    ResultIds,
    SortKey,
    order_by,
    reader_ids_of,
    where_clause,
)

_SORTS = {
    "full_name": SortKey("lower(u.full_name)", has_nulls=False),
    "reading_level": SortKey("nullif(lower(p.reading_level), '')"),
}
FILTERABLE_FIELDS = FilterableFields(
    {
        "full_name": TextField("u.full_name"),
        "group": GroupField("u.id"),
        "reading_level": WordField("p.reading_level"),
    },
    ("u.full_name", "p.reading_level"),
)

_OF_DAY = "s.started_at > :earliest AND s.started_at < :until AND s.last_heartbeat > :alive_since"
_FIRST_SESSION = Statement(
    """
    SELECT id FROM reader_sessions WHERE started_at > :earliest ORDER BY started_at, id LIMIT 1
    """
)
# Ids follow the logins, give or take the difference of two clocks, so an index has the sessions of
# the day for each reader.
_SPANS_OF_READERS = BulkStatement(
    {"id": "bigint"},
    f"""
    SELECT s.user_id, s.started_at, s.last_heartbeat, s.ended_at
    FROM given CROSS JOIN reader_sessions s
    WHERE s.user_id = given.id AND s.id >= :first_id AND {_OF_DAY}
    """,  # noqa: S608 - our own text
)
_ROWS = BulkStatement(
    {"id": "bigint"},
    f"""
    SELECT
        u.id AS user_id, u.full_name, p.reading_level, {TITLE} AS content_title,
        (
            SELECT CAST(coalesce(sum(h.activities), 0) AS BIGINT) FROM reader_hours h
            WHERE h.user_id = u.id AND h.hour >= :since AND h.hour < :until
        ) AS activities
    FROM given CROSS JOIN users u LEFT JOIN reader_profiles p ON p.user_id = u.id
    LEFT JOIN reader_activities a ON a.created_at >= :since AND a.id = (
        SELECT last.id FROM reader_activities last
        WHERE last.user_id = u.id AND last.id <= :last_id ORDER BY last.id DESC LIMIT 1
    )
    WHERE u.id = given.id AND {ACTIVE_READER}
    """,  # noqa: S608 - our own text
)


@dataclass(frozen=True, slots=True)
class ReaderOfDay:
    """A reader who was logged in on a day, with the times of that day, in order and apart.

    `activities` is the number of those that occurred on the day. `content_title` is the title of
    the last one that had arrived when the day ended.
    """

    user_id: int
    full_name: SafeText
    group: SafeText
    reading_level: SafeText
    content_title: SafeText
    activities: int
    spans: tuple[Span, ...]

    @property
    def began_at(self) -> datetime:
        """When the reader was first logged in on the day."""
        return self.spans[0][0]

    @property
    def ended_at(self) -> datetime:
        """When the last session of the day ended, or its last heartbeat."""
        return self.spans[-1][1]

    @property
    def read(self) -> timedelta:
        """The time logged in."""
        return time_of(self.spans)

    @property
    def minutes_by_hour(self) -> tuple[int, ...]:
        """The minutes of the day in each of its hours."""
        return minutes_by_hour(self.spans)


_FIGURES = {
    "began_at": lambda spans: spans[0][0],
    "ended_at": lambda spans: spans[-1][1],
    "read": time_of,
}


def day_ids(db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
    """Return the ids of the matching readers who were logged in on the day of `now`, in order."""
    where = where_clause(db, access, query, FILTERABLE_FIELDS, now)
    is_of_figure = query.sort in _FIGURES
    order = "lower(u.full_name)" if is_of_figure else order_by(_SORTS, query)
    statement = Statement(
        f"""
        SELECT s.user_id, s.started_at, s.last_heartbeat, s.ended_at
        FROM reader_sessions s CROSS JOIN users u LEFT JOIN reader_profiles p ON p.user_id = u.id
        WHERE u.id = s.user_id AND {_OF_DAY} AND {ACTIVE_READER} AND ({where.sql})
        ORDER BY {order}, lower(u.full_name), u.id
        """  # noqa: S608 - our own text
    )
    day = _Day.of(now)
    spans = _spans_within(statement.all(db, **day.times, **where.values), day)
    ids = list(spans)
    if is_of_figure:
        figure = _FIGURES[query.sort]
        ids.sort(key=lambda id: figure(spans[id]), reverse=query.descending)
    return reader_ids_of((id,) for id in ids)


def day_rows(
    db: Database, access: RowAccess, ids: Sequence[int], now: datetime
) -> tuple[ReaderOfDay, ...]:
    """Return the readers with these ids who were logged in on the day of `now`."""
    day, inside = _Day.of(now), readers_inside(db, access.scope, ids)
    first = _FIRST_SESSION.one_or_none(db, earliest=day.times["earliest"])
    if first is None:
        return ()
    group_names, id_rows = names_of_groups(db, access.scope, inside), [(id,) for id in inside]
    of_readers = _SPANS_OF_READERS.all(db, id_rows, first_id=first.id, **day.times)
    spans = _spans_within(of_readers, day)
    rows = _ROWS.all(
        db,
        id_rows,
        since=to_db_time(day.since),
        until=to_db_time(day.until),
        last_id=last_activity_id(db, day.until),
    )
    return tuple(
        ReaderOfDay(
            user_id=row.user_id,
            full_name=clean(row.full_name),
            group=group_names[row.user_id],
            reading_level=clean(row.reading_level),
            content_title=clean(row.content_title),
            activities=row.activities,
            spans=spans[row.user_id],
        )
        for row in rows
        if row.user_id in spans
    )


@dataclass(frozen=True, slots=True)
class _Day:
    """A day: when it begins and ends."""

    since: datetime
    until: datetime

    @classmethod
    def of(cls, now: datetime) -> "_Day":
        """Return the day of a time."""
        today = now.astimezone().date()
        tomorrow = today + timedelta(days=1)
        return cls(in_utc(start_of_local_day(today)), in_utc(start_of_local_day(tomorrow)))

    @property
    def times(self) -> dict[str, object]:
        """The parameters of `_OF_DAY`."""
        return {
            "earliest": to_db_time(self.since - LONGEST_SESSION),
            "alive_since": to_db_time(self.since - SILENT_AFTER),
            "until": to_db_time(self.until),
        }


def _spans_within(rows: Sequence[Any], day: _Day) -> Mapping[int, tuple[Span, ...]]:
    """Return the spans of each reader on a day, in the order of the rows; who has only just logged
    in has one without length."""
    spans: dict[int, list[Span]] = defaultdict(list)
    for row in rows:
        ended_at = from_db_time_or_none(row.ended_at)
        span = span_of(from_db_time(row.started_at), from_db_time(row.last_heartbeat), ended_at)
        spans[row.user_id].append(span)
    within = {id: _within(of_reader, day) for id, of_reader in spans.items()}
    return {id: of_reader for id, of_reader in within.items() if of_reader}


def _within(spans: Sequence[Span], day: _Day) -> tuple[Span, ...]:
    just_begun = [begun for begun, _ in spans if begun >= day.since]
    instant = ((just_begun[0], just_begun[0]),) if just_begun else ()
    return spans_within(spans, day.since, day.until) or instant
