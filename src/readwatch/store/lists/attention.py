"""What the rules of attention are asked about: who is here, what ended lately, who has paused.

No query grows with history: each looks at those who are here, at what is new since the last look,
or at the readers who logged in within some days. Whether their accounts are still active is asked
once, of all who were found.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.attention import SILENT_UNTIL, Case, Login, OpenReader, Pause
from readwatch.domain.presence import ONLINE_WINDOW, Presence, idle_since, presence_of
from readwatch.domain.text import SafeText, clean
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import (
    Database,
    Statement,
    from_db_time,
    from_db_time_or_none,
    to_db_time,
)
from readwatch.store.identity.users import ACTIVE_READER
from readwatch.store.lists.filter_sql import FilterableFields, Number, Since, Text, Word
from readwatch.store.lists.last_read_sql import LAST_READ, PROGRESS, TITLE
from readwatch.store.lists.presence_sql import IDLE_SINCE
from readwatch.store.lists.query import ListQuery, ResultIds, order_by, reader_ids_of, where_clause

_OPEN_READERS = Statement(
    f"""
    SELECT s.user_id, max(s.last_heartbeat), p.last_login, p.last_activity_at
    FROM reader_sessions s JOIN reader_profiles p ON p.user_id = s.user_id
    WHERE s.is_active = TRUE AND s.last_heartbeat > :since
    GROUP BY s.user_id, p.last_login, p.last_activity_at
    HAVING max(s.last_heartbeat) <= :silent_since OR {IDLE_SINCE} <= :idle_since
    """
)
# Found by the login before the last activity, as that one has an index.
_PAUSES = Statement(
    """
    SELECT p.user_id, p.last_activity_at
    FROM reader_profiles p
    WHERE p.last_login > :logged_in_since
    AND p.last_activity_at > :since AND p.last_activity_at <= :until
    AND EXISTS (
        SELECT 1 FROM reader_content_progress c
        WHERE c.user_id = p.user_id AND c.last_at > :since
        AND coalesce(c.progress_percentage, 0) < 100
    )
    """
)
_LAST_SESSION_ID = Statement("SELECT coalesce(max(id), 0) FROM reader_sessions")
# No index finds sessions by their beginning: this goes back through those that are later.
_LAST_SESSION_ID_BEFORE = Statement(
    "SELECT id FROM reader_sessions WHERE started_at < :since ORDER BY id DESC LIMIT 1"
)
_LOGINS = Statement(
    """
    SELECT user_id, started_at, heard_before FROM (
        SELECT
            s.id, s.user_id, s.started_at,
            (
                SELECT e.last_heartbeat FROM reader_sessions e
                WHERE e.user_id = s.user_id AND e.id < s.id ORDER BY e.id DESC LIMIT 1
            ) AS heard_before
        FROM reader_sessions s WHERE s.id > :after AND s.id <= :until
    ) AS lately WHERE heard_before <= :heard_until ORDER BY id
    """
)
# Cross joins, as SQLite would else go through the given rows for each user.
_ACTIVE_READERS = BulkStatement(
    {"user_id": "bigint"},
    f"""
    SELECT u.id FROM {{rows}} AS given CROSS JOIN users u
    WHERE u.id = given.user_id AND {ACTIVE_READER}
    """,
)

_CASE_COLUMNS = {
    "user_id": "bigint",
    "rank": "bigint",
    "is_seen": "bigint",
    "reasons": "text",
    "since": "timestamptz",
}
# Who was seen is at the end, whatever the order.
_IDS_SQL = f"""
    SELECT u.id FROM {{{{rows}}}} AS given CROSS JOIN users u {LAST_READ}
    WHERE u.id = given.user_id AND {ACTIVE_READER} AND ({{condition}})
    ORDER BY given.is_seen, {{key}}, given.rank
"""
_SORTS = {
    "reasons": "given.rank {up}",
    # Shown as how long ago it was: the latest is the smallest.
    "since": "given.since {down}",
    "full_name": "lower(u.full_name) {up}",
    "content_title": f"nullif(lower({TITLE}), '') {{up}} NULLS LAST",
    "progress_percentage": f"{PROGRESS} {{up}} NULLS LAST",
    "reading_level": "nullif(lower(p.reading_level), '') {up} NULLS LAST",
}
FILTERABLE_FIELDS = FilterableFields(
    {
        "reasons": Text("given.reasons"),
        "full_name": Text("u.full_name"),
        "content_title": Text(TITLE),
        "progress_percentage": Number(PROGRESS),
        "since": Since("given.since"),
        "reading_level": Word("p.reading_level"),
    },
    ("u.full_name", "given.reasons", TITLE),
)
_ROWS = BulkStatement(
    {"user_id": "bigint"},
    f"""
    SELECT
        u.id, u.full_name, p.reading_level, {TITLE}, {PROGRESS}, s.last_heartbeat,
        p.last_login, p.last_activity_at
    FROM {{rows}} AS given CROSS JOIN users u {LAST_READ}
    LEFT JOIN (
        SELECT user_id, max(last_heartbeat) AS last_heartbeat
        FROM reader_sessions WHERE is_active = TRUE AND last_heartbeat > :since GROUP BY user_id
    ) s ON s.user_id = u.id
    WHERE u.id = given.user_id AND {ACTIVE_READER}
    """,
)


@dataclass(frozen=True, slots=True)
class AttentionReader:
    """Who a reader is, what they read last, and what their presence follows from.

    `last_heartbeat` is None unless the reader is online.
    """

    user_id: int
    full_name: SafeText
    reading_level: SafeText
    content_title: SafeText
    progress_percentage: int | None
    last_heartbeat: datetime | None
    idle_since: datetime | None

    def presence_at(self, now: datetime) -> Presence:
        """Return what the reader seems to be doing at `now`."""
        return presence_of(self.last_heartbeat, self.idle_since, now)


def open_readers(
    db: Database, now: datetime, *, silent_until: datetime, idle_until: datetime
) -> list[OpenReader]:
    """Return the readers with an open session who are silent since `silent_until` or before, or
    idle since `idle_until` or before."""
    rows = _OPEN_READERS(
        db,
        since=to_db_time(now - SILENT_UNTIL),
        silent_since=to_db_time(silent_until),
        idle_since=to_db_time(idle_until),
    )
    return [
        OpenReader(
            reader_id=row[0],
            last_heartbeat=from_db_time(row[1]),
            idle_since=idle_since(from_db_time_or_none(row[2]), from_db_time_or_none(row[3])),
        )
        for row in rows
    ]


def pauses(db: Database, since: datetime, until: datetime) -> list[Pause]:
    """Return the readers who did something last between two moments, and left it unfinished."""
    # A session lasts for hours, so the login was not long before what was done last.
    logged_in_since = since - timedelta(days=1)
    rows = _PAUSES(
        db,
        logged_in_since=to_db_time(logged_in_since),
        since=to_db_time(since),
        until=to_db_time(until),
    )
    return [Pause(row[0], from_db_time(row[1])) for row in rows]


def last_session_id(db: Database) -> int:
    """Return the id of the session that began last; 0 where there is none."""
    last: int = _LAST_SESSION_ID(db).fetchone()[0]
    return last


def last_session_id_before(db: Database, since: datetime) -> int:
    """Return the id of the last that began before a moment: those since can then be asked for."""
    row = _LAST_SESSION_ID_BEFORE(db, since=to_db_time(since)).fetchone()
    return row[0] if row else 0


def logins(db: Database, after: int, until: int, heard_until: datetime) -> list[Login]:
    """Return the logins that opened the sessions after one and up to another, of readers whose
    session before was last heard of until a moment."""
    rows = _LOGINS(db, after=after, until=until, heard_until=to_db_time(heard_until))
    return [Login(row[0], from_db_time(row[1]), from_db_time(row[2])) for row in rows]


def active_readers(db: Database, reader_ids: Iterable[int]) -> frozenset[int]:
    """Return those of some readers whose accounts are still active."""
    return frozenset(row[0] for row in _ACTIVE_READERS(db, [(id,) for id in reader_ids]))


def attention_ids(
    db: Database, cases: Sequence[Case], seen: Set[int], query: ListQuery, now: datetime
) -> ResultIds:
    """Return the readers of the cases who are wanted, in order; those who were seen come last."""
    where = where_clause(db, query, FILTERABLE_FIELDS, now)
    ids_sql = _IDS_SQL.format(condition=where.sql, key=order_by(_SORTS, query))
    rows = [
        (case.reader_id, rank, int(case.reader_id in seen), str(case), to_db_time(case.since))
        for rank, case in enumerate(cases)
    ]
    return reader_ids_of(BulkStatement(_CASE_COLUMNS, ids_sql)(db, rows, **where.values))


def attention_readers(
    db: Database, reader_ids: Iterable[int], now: datetime
) -> tuple[AttentionReader, ...]:
    """Return what is shown of some readers besides their cases."""
    return tuple(
        AttentionReader(
            user_id=row[0],
            full_name=clean(row[1]),
            reading_level=clean(row[2]),
            content_title=clean(row[3]),
            progress_percentage=row[4],
            last_heartbeat=from_db_time_or_none(row[5]),
            idle_since=idle_since(from_db_time_or_none(row[6]), from_db_time_or_none(row[7])),
        )
        for row in _ROWS(db, [(id,) for id in reader_ids], since=to_db_time(now - ONLINE_WINDOW))
    )
