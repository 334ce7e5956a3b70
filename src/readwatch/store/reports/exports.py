"""Exports of all activities, sessions or readers, read in pages.

An export has the rows up to the last one at its start and needs no transaction. So it takes the
memory of one page and delays no other program. Secrets (hashes of passwords and tokens) are not
among its columns, and rows of deleted accounts are left out.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from readwatch.domain.activities import canonical_json
from readwatch.domain.audit import FEW_READERS
from readwatch.domain.text import SafeText, clean
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import MAX_ID
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import rfc3339_or_none, to_db_time

PAGE_LENGTH = 2_000
"""The rows of one page; each may have 16 KiB of metadata."""

Value = int | bool | str | None

_LONGEST_TEXT = 2**20
_ARRIVED_AT_MOST_EARLIER = timedelta(hours=1)
"""Ids follow the arrivals of activities, except for the difference of two servers' clocks and for
the time from an arrival to its commit, both of which are far shorter than this."""


class ExportKind(StrEnum):
    """What can be exported."""

    ACTIVITIES = "activities"
    SESSIONS = "sessions"
    READERS = "readers"


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of an export: of one reader, of the readers of one group or of all, from `since` up
    to but not at `until`.

    The times are compared with when an activity occurred, when a session started, and with a
    reader's last activity.
    """

    kind: ExportKind
    reader_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    group_id: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in _TABLES[self.kind].columns)


@dataclass(frozen=True, slots=True)
class ExportExtent:
    """The first and the last id of an export at its start, and the estimated number of pages."""

    first: int
    last: int
    pages: int


class _Column(NamedTuple):
    sql: str
    name: str
    value: Callable[[Any], Value] | None
    """Converts a stored value; None leaves it as it is."""


@dataclass(frozen=True, slots=True)
class _Table:
    """The table with the ids of an export, and the columns of its rows.

    `time` is compared with the times of a selection.
    """

    keys: str
    key: str
    reader: str
    rows: str
    time: str
    columns: tuple[_Column, ...]


@lru_cache(maxsize=16_384)  # texts repeat
def _text(value: str | None) -> SafeText:
    return clean(value, limit=_LONGEST_TEXT)


def _json(value: Any) -> SafeText:
    """Return JSON text; it is parsed already by PostgreSQL's driver."""
    return clean(canonical_json(value) if isinstance(value, dict) else value, limit=_LONGEST_TEXT)


def _columns(alias: str, **values: Callable[[Any], Value] | None) -> tuple[_Column, ...]:
    return tuple(_Column(f"{alias}.{name}", name, value) for name, value in values.items())


_NAME = _columns("u", full_name=_text)
_TABLES: Mapping[ExportKind, _Table] = {
    ExportKind.ACTIVITIES: _Table(
        keys="reader_activities a",
        key="a.id",
        reader="a.user_id",
        rows="reader_activities a JOIN users u ON u.id = a.user_id",
        time="a.occurred_at",
        columns=(
            *_columns("a", id=None, user_id=None),
            *_NAME,
            *_columns("a", session_id=None, activity_type=_text, content_id=_text),
            *_columns("a", content_title=_text, progress_percentage=None),
            *_columns("a", duration_seconds=None, metadata_json=_json, event_id=_text),
            *_columns("a", occurred_at=rfc3339_or_none, created_at=rfc3339_or_none),
        ),
    ),
    ExportKind.SESSIONS: _Table(
        keys="reader_sessions s",
        key="s.id",
        reader="s.user_id",
        rows="reader_sessions s JOIN users u ON u.id = s.user_id",
        time="s.started_at",
        columns=(
            *_columns("s", id=None, user_id=None),
            *_NAME,
            *_columns("s", device_type=_text, ip_address=_text, user_agent=_text),
            *_columns(
                "s",
                started_at=rfc3339_or_none,
                last_heartbeat=rfc3339_or_none,
                ended_at=rfc3339_or_none,
                is_active=bool,
            ),
        ),
    ),
    ExportKind.READERS: _Table(
        keys="users u",
        key="u.id",
        reader="u.id",
        rows="users u JOIN reader_profiles p ON p.user_id = u.id AND u.user_role = 'reader'",
        time="p.last_activity_at",
        columns=(
            _Column("u.id", "user_id", None),
            *_columns("u", email=_text),
            *_NAME,
            *_columns("u", is_active=bool, created_at=rfc3339_or_none),
            *_columns("p", reading_level=_text, preferred_language=_text, timezone=_text),
            *_columns("p", total_reading_time_minutes=None, total_sessions=None),
            *_columns(
                "p",
                unique_content_read=None,
                last_login=rfc3339_or_none,
                last_activity_at=rfc3339_or_none,
            ),
        ),
    ),
}

_FIRST_ARRIVED = Statement(
    """
    SELECT id FROM reader_activities WHERE created_at >= :since ORDER BY created_at, id LIMIT 1
    """
)
_READERS_OF_GROUP = "SELECT user_id FROM reader_group_members WHERE group_id = :group_id"


def extent(db: Database, _access: ListAccess, selection: Selection) -> ExportExtent:
    """Return the ids that an export may contain, without reading its rows."""
    table, reader_id = _TABLES[selection.kind], selection.reader_id
    of_reader = "" if reader_id is None else f"WHERE {table.reader} = :reader_id"
    keys, key = f"FROM {table.keys} {of_reader}", table.key
    row = Statement(  # each of both is found at an end of an index
        f"SELECT (SELECT min({key}) {keys}) AS first, (SELECT max({key}) {keys}) AS last"
    ).one_or_none(db, reader_id=reader_id)
    if row.first is None:
        return ExportExtent(first=0, last=-1, pages=0)
    first = row.first
    if selection.kind is ExportKind.ACTIVITIES and selection.since and reader_id is None:
        first = max(first, first_activity_since(db, selection.since))
    length = max(0, row.last - first + 1)  # ids have few gaps
    if reader_id is not None:
        length = Statement(f"SELECT count(*) {keys}").scalar(db, reader_id=reader_id)
    return ExportExtent(first, row.last, pages=-(-length // PAGE_LENGTH))


def first_activity_since(db: Database, since: datetime) -> int:
    """Return an id before which no activity occurred at or after `since`.

    An activity never occurs after its arrival, and arrivals have an index.
    """
    row = _FIRST_ARRIVED.one_or_none(db, since=to_db_time(since - _ARRIVED_AT_MOST_EARLIER))
    return row.id if row else MAX_ID


def reader_ids(
    db: Database, _access: ListAccess, selection: Selection, up_to: ExportExtent
) -> frozenset[int]:
    """Return the readers of the rows, or some of them once they are more than a few."""
    if selection.reader_id is not None:
        return frozenset({selection.reader_id})
    table = _TABLES[selection.kind]
    statement = _of_page(table, selection, f"DISTINCT {table.reader}")
    readers: set[int] = set()
    for page in _pages(db, table, selection, up_to):
        readers |= {id for (id,) in statement(db, **page, **_values(selection))}
        if len(readers) > FEW_READERS:
            break
    return frozenset(readers)


def pages(
    db: Database,
    _access: RowAccess,
    selection: Selection,
    up_to: ExportExtent,
    readers: frozenset[int],
) -> Iterator[list[list[Value]]]:
    """Yield the rows in the order of their ids, with values in the order of the columns.

    A page without matching rows is empty. `readers` are those of `reader_ids`. If they are few, the
    access log names each of them, so rows of others, who have read since, are left out.
    """
    table = _TABLES[selection.kind]
    reader = selection.columns.index("user_id")
    values = [(index, it.value) for index, it in enumerate(table.columns) if it.value]
    columns = ", ".join(f"{column.sql} AS {column.name}" for column in table.columns)
    statement = _of_page(table, selection, columns, f"ORDER BY {table.key}")
    for page in _pages(db, table, selection, up_to):
        rows = [list(row) for row in statement(db, **page, **_values(selection))]
        if len(readers) <= FEW_READERS:
            rows = [row for row in rows if row[reader] in readers]
        for row in rows:
            for index, value in values:
                row[index] = value(row[index])
        yield rows


def _pages(
    db: Database, table: _Table, selection: Selection, up_to: ExportExtent
) -> Iterator[dict[str, object]]:
    """Yield the ids after which a page begins and at which it ends, whether its rows match or not:
    so each statement reads a page at most."""
    of_reader = "" if selection.reader_id is None else f"{table.reader} = :reader_id AND"
    end_of_page = Statement(
        f"""
        SELECT max(id) FROM (
            SELECT {table.key} AS id FROM {table.keys}
            WHERE {of_reader} {table.key} > :after AND {table.key} <= :last
            ORDER BY {table.key} LIMIT {PAGE_LENGTH}
        ) AS ids
        """
    )
    after = up_to.first - 1
    while after < up_to.last:
        end = end_of_page.scalar(db, after=after, last=up_to.last, reader_id=selection.reader_id)
        if end is None:
            return
        yield {"after": after, "end": end}
        after = end


def _of_page(table: _Table, selection: Selection, columns: str, order: str = "") -> Statement:
    conditions = {
        f"{table.reader} = :reader_id": selection.reader_id,
        f"{table.reader} IN ({_READERS_OF_GROUP})": selection.group_id,
        f"{table.time} >= :since": selection.since,
        f"{table.time} < :until": selection.until,
    }
    selected = [condition for condition, value in conditions.items() if value is not None]
    of_page = (f"{table.key} > :after", f"{table.key} <= :end")
    return Statement(
        f"""
        SELECT {columns} FROM {table.rows}
        WHERE {" AND ".join(("u.deleted_at IS NULL", *of_page, *selected))} {order}
        """
    )


def _values(selection: Selection) -> dict[str, object]:
    return {
        "reader_id": selection.reader_id,
        "group_id": selection.group_id,
        "since": selection.since and to_db_time(selection.since),
        "until": selection.until and to_db_time(selection.until),
    }
