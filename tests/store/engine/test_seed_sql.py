"""The seed's own SQL, verbatim, in an ordinary SQLite shell on our file."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import apsw
import pytest
from permits import LIST_ACCESS, ROW_ACCESS, permit_for

from readwatch.domain.activities import Activity
from readwatch.domain.clock import system_clock
from readwatch.store import reader_data
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database, close_all, connection
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.store.lists import online
from readwatch.store.lists.query import ListQuery
from readwatch.store.lists.readers import reader_ids, reader_rows

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

ACTIVE_READERS = """
SELECT COUNT(DISTINCT s.user_id) as active_readers
FROM reader_sessions s
WHERE s.is_active = 1 
AND s.last_heartbeat > datetime('now', '-5 minutes');
"""  # noqa: W291 - verbatim

RECENT_ACTIVITY = """
SELECT 
    u.full_name,
    a.activity_type,
    a.content_title,
    a.created_at
FROM reader_activities a
JOIN users u ON a.user_id = u.id
WHERE a.created_at > datetime('now', '-30 minutes')
ORDER BY a.created_at DESC
LIMIT 100;
"""  # noqa: W291 - verbatim

PROGRESS = """
SELECT 
    u.id,
    u.full_name,
    rp.total_reading_time_minutes,
    rp.total_sessions,
    rp.last_login,
    COUNT(DISTINCT a.content_id) as unique_content_read
FROM users u
JOIN reader_profiles rp ON u.id = rp.user_id
LEFT JOIN reader_activities a ON u.id = a.user_id
WHERE u.user_role = 'reader' AND u.is_active = 1
GROUP BY u.id
ORDER BY rp.last_login DESC;
"""  # noqa: W291 - verbatim

CLEAN_UP = """
UPDATE reader_sessions 
SET is_active = 0, ended_at = CURRENT_TIMESTAMP
WHERE is_active = 1 
AND last_heartbeat < datetime('now', '-1 hour');
"""  # noqa: W291 - verbatim

DATABASE_SIZE = """
SELECT page_count * page_size as size FROM pragma_page_count(), pragma_page_size();
"""

TABLE_SIZES = """
SELECT name, SUM("pgsize") as size 
FROM "dbstat" 
GROUP BY name 
ORDER BY size DESC;
"""  # noqa: W291 - verbatim

ACTIVE_CONNECTIONS = """
SELECT COUNT(*) FROM reader_sessions WHERE is_active = 1;
"""


@pytest.fixture
def ago(clock) -> Callable[..., datetime]:
    """`ago(minutes=6)` turns the clock to that long before the real present, which SQLite asks."""
    now = system_clock()

    def ago(**duration: float) -> datetime:
        clock.moment = now - timedelta(**duration)
        return clock.moment

    return ago


@pytest.fixture
def shell(db: Database, url) -> Iterator[Callable[[], sqlite3.Connection]]:
    """`shell()` closes our database, because two libraries must not share one, and opens theirs."""
    opened: list[sqlite3.Connection] = []

    def shell() -> sqlite3.Connection:
        close_all(db)
        opened.append(sqlite3.connect(sqlite_path(url), isolation_level=None))
        return opened[-1]

    yield shell
    for client in opened:
        client.close()


def test_the_count_of_active_readers_is_right(shell, cast, enter, ago, db, join):
    eve = join("Eve Early")
    ago(minutes=4, seconds=40)
    enter(cast.ann)
    enter(cast.ann, device_type="mobile")
    enter(cast.cara)
    ago(minutes=5, seconds=20)
    enter(cast.ben)
    ago(hours=3)
    enter(eve)
    assert online.count_online(db, ALL_READERS, system_clock()) == 1
    assert shell().execute(ACTIVE_READERS).fetchall() == [(1,)]


def test_the_stream_of_recent_activities_is_right(shell, cast, enter, post, ago):
    ago(minutes=50)
    ann, ben = enter(cast.ann), enter(cast.ben)
    post(ann, Activity("page_read", content_title="too long ago"))
    ago(minutes=29)
    post(ann, Activity("page_read", content_title="The Hobbit"))
    ago(minutes=2)
    post(ben, Activity("bookmark_added", content_title="Momo"))
    rows = shell().execute(RECENT_ACTIVITY).fetchall()
    assert [row[:3] for row in rows] == [
        ("Ben Baker", "bookmark_added", "Momo"),
        ("Ann Archer", "page_read", "The Hobbit"),
    ]


def test_the_progress_summary_is_right_and_agrees_with_ours(
    shell, cast, enter, post, ago, db, join
):
    eve = join("Eve Early")
    join("Sam Sender")
    db.execute_sql("UPDATE users SET is_active = 0 WHERE full_name = 'Sam Sender'")
    ago(hours=30)
    ann = enter(cast.ann)
    ben_enters = ago(hours=2)
    ben = enter(cast.ben)
    ago(hours=1)
    for content in ("hobbit", "momo", "hobbit", None):
        post(ann, Activity("page_read", content_id=content, duration_seconds=50))
    post(ben, Activity("page_read", content_id="hobbit", duration_seconds=59))
    ann_enters = ago(minutes=30)
    enter(cast.ann)
    ids = reader_ids(db, LIST_ACCESS, ListQuery("full_name"), system_clock()).ids
    ours = {
        summary.user_id: summary for summary in reader_rows(db, ROW_ACCESS, ids, system_clock())
    }

    rows = shell().execute(PROGRESS).fetchall()
    kept = "%Y-%m-%d %H:%M:%S"
    assert [(*row[:4], row[4] and row[4][:19], row[5]) for row in rows] == [
        (cast.ann.id, "Ann Archer", 3, 2, f"{ann_enters:{kept}}", 2),
        (cast.ben.id, "Ben Baker", 0, 1, f"{ben_enters:{kept}}", 1),
        (eve.id, "Eve Early", 0, 0, None, 0),
    ]
    assert {
        user_id: (s.total_reading_time_minutes, s.total_sessions, s.unique_content_read)
        for user_id, s in ours.items()
    } == {row[0]: (row[2], row[3], row[5]) for row in rows}


def test_the_clean_up_job_ends_stale_sessions_and_we_read_what_it_wrote(
    shell, cast, enter, ago, opened, url
):
    ago(minutes=61)
    enter(cast.ann)
    ago(minutes=59)
    enter(cast.ben)
    with closing(shell()) as client:
        assert client.execute(CLEAN_UP).rowcount == 1
    with connection(opened(url, Role.CONSOLE)) as db:
        (ended,) = reader_data.sessions(db, permit_for(cast.ann.id))
        (going_on,) = reader_data.sessions(db, permit_for(cast.ben.id))
    assert not ended.is_active
    assert ended.ended_at is not None
    assert timedelta(0) <= system_clock() - ended.ended_at < timedelta(minutes=1)
    assert (going_on.is_active, going_on.ended_at) == (True, None)


def test_the_health_queries_are_right(shell, cast, enter, url):
    enter(cast.ann)
    enter(cast.ben)
    with closing(shell()) as client:
        (size,) = client.execute(DATABASE_SIZE).fetchone()
        assert client.execute(ACTIVE_CONNECTIONS).fetchone() == (2,)
    assert size == sqlite_path(url).stat().st_size
    # Python's own SQLite is built without dbstat; ours has it.
    with closing(apsw.Connection(str(sqlite_path(url)))) as client:
        rows: list[Any] = client.execute(TABLE_SIZES).fetchall()
    sizes = dict(rows)
    assert sum(sizes.values()) == size
    assert {"users", "reader_activities", "idx_activities_user_type_created"} <= set(sizes)


def test_the_weekly_vacuum_keeps_everything(shell, cast, enter, post):
    post(enter(cast.ann), Activity("page_read", content_id="hobbit"))
    client = shell()
    client.execute("VACUUM")
    client.execute("ANALYZE")
    assert client.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert client.execute("SELECT count(*) FROM reader_activities").fetchone() == (1,)
    assert client.execute("PRAGMA journal_mode").fetchone() == ("wal",)
