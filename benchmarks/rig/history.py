"""A history of any length, added to a database in bulk with its rollups.

Each reader has an activity every 20 minutes, day and night, and every minute in the last half hour:
the recent part does not depend on the length. The number of an activity determines all its values,
so that the rollups are computed without reading the activities.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import system_clock
from readwatch.domain.health import RollupMismatches
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.connections import Database, driver_connection, is_sqlite
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.statements import Statement
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token, new_token
from readwatch.store.identity.users import get_user
from readwatch.store.recording.rebuild import HOUR_POSTGRESQL, HOUR_SQLITE, ReaderRollups
from rig.readers import consultant, opened, populate
from rig.report import progress

READERS = 1000
STEP = 20_000
"""The length of a history is a multiple of this, so that all readers have equal activities."""

_RECENT = 30 * READERS  # one each minute
_ONCE_IN = timedelta(milliseconds=1200)  # before that: one of 50 readers a minute
_ONCE_LATELY = timedelta(milliseconds=60)
_IN_A_GROUP = 30
_FAILING = 50  # the readers who fail their quizzes
_AT_ONCE = 500_000
_ENTRIES_AT_ONCE = 1000
_EPOCH = datetime.fromtimestamp(0, UTC)

_NAMES = {
    "sqlite": {
        "moment": "strftime('%Y-%m-%d %H:%M:%f', ({ms}) / 1000.0, 'unixepoch')",
        "json": "TEXT",
    },
    "postgresql": {"moment": "to_timestamp(({ms}) / 1000.0)", "json": "JSONB"},
}
_MS = "CASE WHEN {i} < :recent THEN :begun + {i} * 1200 ELSE :lately + ({i} - :recent) * 60 END"
_NUMBERS = """
    WITH RECURSIVE numbers (i) AS (
        SELECT CAST(:first AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :until
    )
"""


def _made(sql: str) -> Statement:
    """Return a statement over `numbers`, in which `at[…]` is the time of an activity's number."""
    spelled = {}
    for engine, names in _NAMES.items():
        text = sql.replace("JSON_TYPE", names["json"])
        moment = names["moment"].format(ms=_MS.format(i=r"(\1)"))
        spelled[engine] = re.sub(r"at\[(.*?)\]", moment, text)
    return Statement(spelled["sqlite"], postgresql=spelled["postgresql"])


_ADD_SESSIONS = _made(
    f"""
    INSERT INTO reader_sessions (
        id, user_id, session_token, device_type, started_at, last_heartbeat, ended_at, is_active
    )
    {_NUMBERS}, numbered AS (
        SELECT i, i / 1000 * 50000 + i % 1000 AS began, i >= :until - 1000 AS is_open FROM numbers
    )
    SELECT
        i + 1, i % 1000 + 1, 'token ' || i, 'tablet', at[began],
        CASE WHEN is_open THEN at[:length - 1] ELSE at[began + 49000] END,
        CASE WHEN NOT is_open THEN at[began + 49000] END, is_open
    FROM numbered
    """
)
_ADD_ACTIVITIES = _made(
    f"""
    INSERT INTO reader_activities (
        id, user_id, session_id, activity_type, content_id, content_title, progress_percentage,
        duration_seconds, metadata_json, occurred_at, created_at
    )
    {_NUMBERS}, placed AS (
        SELECT i, i / 1000 AS place, (i + i / 1000) % 10 AS type FROM numbers
    )
    SELECT
        i + 1, i % 1000 + 1, place / 50 * 1000 + i % 1000 + 1,
        CASE type WHEN 8 THEN 'bookmark_added' WHEN 9 THEN 'quiz_completed' ELSE 'page_read' END,
        'book-' || (place % 20), 'Book ' || (place % 20), 100000 * place / :length,
        10, CAST(CASE
            WHEN type < 9 THEN '{{"page": 1}}' WHEN i % 1000 < {_FAILING} THEN '{{"score": 40}}'
            ELSE '{{"score": 80}}' END AS JSON_TYPE),
        at[i], at[i]
    FROM placed
    """
)
_ADD_CONTENTS = _made(
    f"""
    INSERT INTO reader_content_progress (
        user_id, content_id, content_title, title_at, progress_percentage, progress_at,
        total_seconds, first_at, last_at
    )
    {_NUMBERS}, ended AS (SELECT i, :length - 20000 + i AS last FROM numbers)
    SELECT
        i % 1000 + 1, 'book-' || (i / 1000), 'Book ' || (i / 1000), at[last],
        100000 * (last / 1000) / :length, at[last], :length / 2000, at[i], at[last]
    FROM ended
    """
)
_ADD_QUIZZES = _made(
    f"""
    INSERT INTO reader_quizzes (user_id, content_id, score, occurred_at)
    {_NUMBERS}, ended AS (SELECT i, :length - 20000 + i AS last FROM numbers)
    SELECT
        i % 1000 + 1, 'book-' || (i / 1000), CASE WHEN i % 1000 < {_FAILING} THEN 40 ELSE 80 END,
        at[last]
    FROM ended WHERE (last + last / 1000) % 10 = 9
    """
)


def _add_hours(hour: str) -> str:
    return f"""
    INSERT INTO reader_hours (user_id, hour, activities, seconds)
    SELECT user_id, {hour}, count(*), sum(duration_seconds) FROM reader_activities GROUP BY 1, 2
    """


_ADD_HOURS = Statement(_add_hours(HOUR_SQLITE), postgresql=_add_hours(HOUR_POSTGRESQL))
_MOVE_PROFILES = _made(
    """
    UPDATE reader_profiles SET
        total_reading_seconds = :length / 100,
        total_reading_time_minutes = :length / 6000,
        unique_content_read = 20,
        last_activity_id = :length - 1000 + user_id,
        last_activity_at = at[:length - 1001 + user_id],
        total_sessions = :sessions / 1000,
        last_login = at[(:sessions / 1000 - 1) * 50000 + user_id - 1]
    """
)
_ADD_COUNTS = _made(
    f"""
    INSERT INTO activity_counts (minute, activity_type, activities)
    {_NUMBERS}, types (activity_type, tenths) AS (
        VALUES ('page_read', 8), ('bookmark_added', 1), ('quiz_completed', 1)
    )
    SELECT at[:start + i * :width], activity_type, tenths * :width / 10 FROM numbers, types
    """
)
_ADD_ONLINE_COUNTS = _made(
    f"""
    INSERT INTO online_counts (minute, readers)
    {_NUMBERS} SELECT at[i * 50], 900 + i % 100 FROM numbers
    """
)
_ADD_GROUPS = _made(
    f"""
    INSERT INTO reader_groups (id, name, created_at)
    {_NUMBERS} SELECT i + 1, 'class ' || i, at[0] FROM numbers
    """
)
_ADD_MEMBERS = _made(
    f"""
    INSERT INTO reader_group_members (group_id, user_id, added_at)
    {_NUMBERS} SELECT i / {_IN_A_GROUP} + 1, i + 1, at[0] FROM numbers
    """
)
_SEND_AWAY = Statement("DELETE FROM reader_sessions")
_INDEXES = Statement(
    """
    SELECT name, sql FROM sqlite_master
    WHERE tbl_name = 'reader_activities' AND type = 'index' AND sql IS NOT NULL
    """,
    postgresql="""
    SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename = 'reader_activities' AND indexdef NOT LIKE 'CREATE UNIQUE%'
    """,
)


def make_history(url: str, length: int, now: datetime) -> int:
    """Create a database with `length` activities until the minute of `now`; return the consultant.

    A thousand readers are online, the users 1 to 1000.
    """
    length = max(2 * _RECENT, -(-length // STEP) * STEP)
    populate(url, READERS)
    looking = consultant(url)
    with opened(url, Role.OWNER) as db:
        _make_haste(db)
        _SEND_AWAY(db)
        _fill(db, length, now)
        wrong = ReaderRollups(0, 10).compare(db)
    if wrong != RollupMismatches():
        sys.exit(f"wrong: the rollups of a made history differ from its activities: {wrong}")
    return looking


def logged_in(url: str) -> list[str]:
    """Open a session for each reader of a made history; return the tokens."""
    with opened(url, Role.OWNER) as db:
        if not is_sqlite(db):  # a made history has ids that PostgreSQL has not given
            for table in ("reader_sessions", "reader_activities"):
                db.execute_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
                )
    tokens = [new_token() for _ in range(READERS)]
    with opened(url, Role.INGEST) as db, db.atomic():
        for user_id, token in enumerate(tokens, 1):
            open_session(db, get_user(db, user_id), hash_token(token), system_clock())
    return tokens


def _fill(db: Database, length: int, now: datetime) -> None:
    end = now.replace(second=0, microsecond=0)
    lately = end - _RECENT * _ONCE_LATELY
    before = length - _RECENT
    known = {
        "recent": before,
        "begun": _ms(lately - before * _ONCE_IN),
        "lately": _ms(lately),
        "length": length,
    }

    def add(statement: Statement, number: int, **values: object) -> None:
        statement(db, first=0, until=number, **known, **values)

    sessions = -(-length // 50_000) * READERS
    add(_ADD_SESSIONS, sessions)
    with _without_indexes(db):
        for first in range(0, length, _AT_ONCE):
            until = min(first + _AT_ONCE, length)
            _ADD_ACTIVITIES(db, first=first, until=until, **known)
            progress(f"{until:>12,} of {length:,} activities")
    add(_ADD_CONTENTS, 20 * READERS)
    add(_ADD_QUIZZES, 20 * READERS)
    _ADD_HOURS(db)
    add(_ADD_GROUPS, -(-READERS // _IN_A_GROUP))
    add(_ADD_MEMBERS, READERS)
    _MOVE_PROFILES(db, sessions=sessions, **known)
    add(_ADD_COUNTS, before // 50, start=0, width=50)
    add(_ADD_COUNTS, 30, start=before, width=1000)
    minutes = before // 50
    _ADD_ONLINE_COUNTS(db, first=max(0, minutes - 2880), until=minutes, **known)
    _add_entries(db, length // 100, **known)
    if not is_sqlite(db):
        db.execute_sql("VACUUM ANALYZE")


def _add_entries(
    db: Database, number: int, *, recent: int, begun: int, lately: int, length: int
) -> None:
    """Add an entry of the access log for each hundredth activity, at its time."""
    if not is_sqlite(db):
        db.execute_sql("SET session_replication_role = origin")  # a trigger numbers them
    for first in range(0, number, _ENTRIES_AT_ONCE):
        with db.atomic():
            for entry in range(first, min(first + _ENTRIES_AT_ONCE, number)):
                at = entry * 100
                event = AuditEvent(
                    actor_id=READERS + 1,
                    action_type=AuditAction.VIEWED_READER_PROFILE,
                    subject_id=entry * 7 % READERS + 1,
                    details="console, from online",
                    ip_address="local",
                )
                ms = begun + at * 1200 if at < recent else lately + (at - recent) * 60
                append_in_transaction(db, event, _EPOCH + timedelta(milliseconds=ms))
    progress(f"{number:>12,} entries of the access log")


@contextmanager
def _without_indexes(db: Database) -> Iterator[None]:
    """Drop the indexes of a table during a bulk insert, and create them again at the end."""
    indexes = list(_INDEXES(db))
    for name, _ in indexes:
        db.execute_sql(f"DROP INDEX {name}")
    yield
    for name, sql in indexes:
        db.execute_sql(sql)
        progress(f"{name}")


def _make_haste(db: Database) -> None:
    """Switch off durability and foreign keys, for a database that is deleted afterwards."""
    if is_sqlite(db):
        for name, value in {
            "foreign_keys": "OFF",
            "synchronous": "OFF",
            "cache_size": -256 * 1024,
            "threads": 2,
        }.items():
            driver_connection(db).pragma(name, value)
    else:
        db.execute_sql("SET statement_timeout = 0")
        db.execute_sql("SET session_replication_role = replica")
        db.execute_sql("SET maintenance_work_mem = '512MB'")


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
