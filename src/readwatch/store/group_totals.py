"""Totals of the readers of groups: sums and numbers, which name nobody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from readwatch.domain.group_figures import WEEKS, HourOfGroup, TitleOfGroup
from readwatch.domain.presence import ONLINE_WINDOW
from readwatch.domain.text import SafeText, clean
from readwatch.domain.week import Week
from readwatch.store.audit.scope import Scope, groups_inside
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, to_db_time
from readwatch.store.identity.groups import NUMBER_OF_READERS
from readwatch.store.identity.users import ACTIVE_READER
from readwatch.store.lists.last_read_sql import LAST_READ, PROGRESS

# The order of the joins is fixed: without statistics SQLite would begin with all readers.
_MEMBERS = f"""
    FROM given CROSS JOIN reader_group_members m CROSS JOIN users u
    {{joins}} WHERE u.id = m.user_id AND m.group_id = given.id AND {ACTIVE_READER}
"""
_ID = {"id": "bigint"}
_NAMES = BulkStatement(
    _ID,
    f"""
    SELECT g.id, g.name, {NUMBER_OF_READERS} AS readers
    FROM given JOIN reader_groups g ON g.id = given.id
    WHERE g.deleted_at IS NULL ORDER BY lower(g.name), g.id
    """,  # noqa: S608 - our own text
)
# With the plus SQLite does not look for each reader online in each group.
_ONLINE = BulkStatement(
    _ID,
    f"""
    SELECT m.group_id, count(*) AS readers {_MEMBERS.format(joins="")} AND +u.id IN (
        SELECT user_id FROM reader_sessions WHERE is_active = TRUE AND last_heartbeat > :since
    ) GROUP BY m.group_id
    """,  # noqa: S608 - our own text
)
_AMONG = BulkStatement(
    _ID,
    """
    SELECT m.group_id, count(*) AS readers
    FROM given JOIN reader_group_members m ON m.user_id = given.id GROUP BY m.group_id
    """,
)
_OF_HOURS = _MEMBERS.format(joins="CROSS JOIN reader_hours h") + " AND h.user_id = m.user_id"
_HOURS = BulkStatement(
    _ID,
    f"""
    SELECT m.group_id, h.hour, CAST(sum(h.seconds) AS BIGINT) AS seconds {_OF_HOURS}
    AND h.hour >= :since GROUP BY m.group_id, h.hour
    """,
)
_READ_SINCE = BulkStatement(
    _ID,
    f"""
    SELECT m.group_id, count(*) AS readers
    {_MEMBERS.format(joins="CROSS JOIN reader_profiles p")}
    AND p.user_id = m.user_id AND p.last_activity_at >= :since GROUP BY m.group_id
    """,
)
_WITH_TIME = BulkStatement(
    _ID,
    f"""
    SELECT m.group_id, count(*) AS readers {_MEMBERS.format(joins="")} AND EXISTS (
        SELECT 1 FROM reader_hours h
        WHERE h.user_id = m.user_id AND h.hour >= :since AND h.seconds > 0
    ) GROUP BY m.group_id
    """,  # noqa: S608 - our own text
)
_PROGRESS = BulkStatement(
    _ID,
    f"""
    SELECT m.group_id, {PROGRESS} AS progress {_MEMBERS.format(joins=LAST_READ)}
    AND {PROGRESS} IS NOT NULL
    """,
)
_WEEKS = ", ".join(
    f"""
    CAST(coalesce(sum(h.seconds) FILTER (
        WHERE h.hour >= :edge_{week} AND h.hour < :edge_{week + 1}
    ), 0) AS BIGINT) AS week_{week}
    """
    for week in range(WEEKS)
)
_BY_WEEK = Statement(
    f"""
    SELECT m.user_id, {_WEEKS} FROM reader_group_members m CROSS JOIN users u
    LEFT JOIN reader_hours h ON h.user_id = m.user_id AND h.hour >= :edge_0
    WHERE m.group_id = :group_id AND u.id = m.user_id AND {ACTIVE_READER} GROUP BY m.user_id
    """  # noqa: S608 - our own text
)
_TITLES = Statement(
    f"""
    SELECT
        coalesce(max(nullif(c.content_title, '')), c.content_id) AS title, count(*) AS readers
    FROM reader_group_members m CROSS JOIN users u CROSS JOIN reader_content_progress c
    WHERE m.group_id = :group_id AND u.id = m.user_id AND c.user_id = m.user_id
    AND {ACTIVE_READER} AND c.last_at >= :since
    GROUP BY c.content_id ORDER BY readers DESC, title, c.content_id LIMIT :length
    """  # noqa: S608 - our own text
)


@dataclass(frozen=True, slots=True)
class NamedGroup:
    """A group and the number of its active readers."""

    id: int
    name: SafeText
    readers: int


def named_groups(db: Database, scope: Scope, ids: Iterable[int]) -> tuple[NamedGroup, ...]:
    """Return those of some groups that a scope has and that are not deleted, by name."""
    rows = _NAMES.all(db, _rows(groups_inside(db, scope, ids)))
    return tuple(NamedGroup(row.id, clean(row.name), row.readers) for row in rows)


def online_readers(db: Database, ids: Sequence[int], now: datetime) -> Mapping[int, int]:
    """Return the number of readers online in each of the groups that has some."""
    return _counts(_ONLINE.all(db, _rows(ids), since=to_db_time(now - ONLINE_WINDOW)))


def readers_among(db: Database, ids: Sequence[int], reader_ids: Iterable[int]) -> Mapping[int, int]:
    """Return how many of some readers belong to each of the groups, if any."""
    counts = _counts(_AMONG.all(db, _rows(reader_ids)))
    return {id: counts[id] for id in ids if id in counts}


def hours(db: Database, ids: Sequence[int], since: datetime) -> Mapping[int, list[HourOfGroup]]:
    """Return the hours of reading of each of the groups, from the hour that begins at `since`."""
    by_group: dict[int, list[HourOfGroup]] = {id: [] for id in ids}
    for row in _HOURS.all(db, _rows(ids), since=to_db_time(since)):
        by_group[row.group_id].append(HourOfGroup(from_db_time(row.hour), row.seconds))
    return by_group


def readers_since(db: Database, ids: Sequence[int], since: datetime) -> Mapping[int, int]:
    """Return the number of readers of each of the groups who have done anything since a time."""
    return _counts(_READ_SINCE.all(db, _rows(ids), since=to_db_time(since)))


def readers_with_time(db: Database, ids: Sequence[int], since: datetime) -> Mapping[int, int]:
    """Return the number of readers of each of the groups who make up its hours from `since` on."""
    return _counts(_WITH_TIME.all(db, _rows(ids), since=to_db_time(since)))


def progress(db: Database, ids: Sequence[int]) -> Mapping[int, list[int]]:
    """Return the progress of each reader of the groups in the title read last, if it is known."""
    by_group: dict[int, list[int]] = {id: [] for id in ids}
    for row in _PROGRESS.all(db, _rows(ids)):
        by_group[row.group_id].append(row.progress)
    return by_group


def titles(db: Database, group_id: int, since: datetime, length: int) -> tuple[TitleOfGroup, ...]:
    """Return the titles that most readers of a group have read since a time."""
    rows = _TITLES.all(db, group_id=group_id, since=to_db_time(since), length=length)
    return tuple(TitleOfGroup(clean(row.title), row.readers) for row in rows)


def seconds_by_week(
    db: Database, group_id: int, weeks: Sequence[Week]
) -> Mapping[int, tuple[int, ...]]:
    """Return the seconds of each of `WEEKS` weeks that each reader of a group read."""
    edges = (*(week.starts[0] for week in weeks), weeks[-1].end)
    values = {f"edge_{index}": to_db_time(edge) for index, edge in enumerate(edges)}
    rows = _BY_WEEK.all(db, group_id=group_id, **values)
    return {row.user_id: tuple(row[1:]) for row in rows}


def _rows(ids: Iterable[int]) -> list[tuple[int]]:
    return [(id,) for id in ids]


def _counts(rows: Iterable[Any]) -> dict[int, int]:
    return {row.group_id: row.readers for row in rows}
