"""`readwatch stats`: the seed's three queries and the totals of the day."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cli.shell import Shell, log
from conftest import Cast

from readwatch.domain.activities import Activity
from readwatch.domain.clock import rfc3339, system_clock
from readwatch.domain.users import User, UserRole
from readwatch.store.engine.connections import Database
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token, new_token
from readwatch.store.identity.users import NewUser, add_user
from readwatch.store.recording.activities import record_activities

Read = Callable[..., None]

SEED_ACTIVE = """
    SELECT COUNT(DISTINCT s.user_id) as active_readers
    FROM reader_sessions s
    WHERE s.is_active = 1
    AND s.last_heartbeat > datetime('now', '-5 minutes')
"""
SEED_RECENT = """
    SELECT u.full_name, a.activity_type, a.content_title, a.created_at
    FROM reader_activities a
    JOIN users u ON a.user_id = u.id
    WHERE a.created_at > datetime('now', '-30 minutes')
    ORDER BY a.created_at DESC
    LIMIT 100
"""
SEED_PROGRESS = """
    SELECT
        u.id, u.full_name, rp.total_reading_time_minutes, rp.total_sessions, rp.last_login,
        COUNT(DISTINCT a.content_id) as unique_content_read
    FROM users u
    JOIN reader_profiles rp ON u.id = rp.user_id
    LEFT JOIN reader_activities a ON u.id = a.user_id
    WHERE u.user_role = 'reader' AND u.is_active = 1
    GROUP BY u.id
    ORDER BY rp.last_login DESC
"""


@pytest.fixture
def read(db: Database) -> Read:
    """`read(reader, ago, title, …)` logs a reader in at a time and posts a page of each title."""

    def read(reader: User, ago: timedelta, *titles: str) -> None:
        at = system_clock() - ago
        with db.atomic():
            session = open_session(db, reader, hash_token(new_token()), at)
            pages = [Activity("page_read", it.lower(), it, 10, 90) for it in titles]
            record_activities(db, session, pages, at)

    return read


def add_readers(db: Database, names: str) -> list[User]:
    return [
        add_user(
            db,
            NewUser(
                email=f"{name}@example.org",
                full_name=f"Reader {name}",
                user_role=UserRole.READER,
                password_hash="x",
            ),
            system_clock(),
        )
        for name in names
    ]


def stats(shell: Shell, *options: str) -> dict[str, Any]:
    ended = shell("stats", "--json", *options)
    assert (ended.code, ended.err) == (0, "")
    printed: dict[str, Any] = json.loads(ended.out)
    return printed


def test_the_totals_are_of_today_and_the_rows_in_order(
    shell: Shell, cast: Cast, read: Read
) -> None:
    read(cast.ben, timedelta(days=2), "Dracula")
    read(cast.ann, timedelta(minutes=40), "Momo", "Emma")
    read(cast.ann, timedelta(minutes=2), "Momo")
    read(cast.ben, timedelta(seconds=0), "Emma")
    figures = stats(shell)
    assert figures["active_readers"] == 2
    assert [(it["full_name"], it["content_title"]) for it in figures["recent_activities"]] == [
        ("Ben Baker", "Emma"),
        ("Ann Archer", "Momo"),
    ]
    assert [
        (it["full_name"], it["unique_content_read"], it["total_sessions"])
        for it in figures["reader_progress"]
    ] == [("Ben Baker", 2, 2), ("Ann Archer", 2, 2)]
    assert figures["activities_a_minute"] >= 0
    # 40 minutes ago may be yesterday.
    assert figures["activities_today"] * 90 == figures["reading_seconds_today"]
    assert figures["activities_today"] <= 4
    assert figures["readers_today"] <= 2


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_rows_are_those_of_the_seed_s_own_queries(
    shell: Shell, cast: Cast, db: Database, read: Read
) -> None:
    readers = [cast.ann, cast.ben, *add_readers(db, "klm")]
    for minutes, reader in enumerate(readers * 3):
        read(reader, timedelta(minutes=3 * minutes + 1), "Momo", f"Book {minutes % 4}")
    figures = stats(shell, "--rows", "100")
    (active,) = db.execute_sql(SEED_ACTIVE).fetchone()
    assert figures["active_readers"] == active
    recent = [tuple(it.values()) for it in figures["recent_activities"]]
    expected = [(*row, at) for *row, at in db.execute_sql(SEED_RECENT)]
    assert len(recent) == len(expected) > 10
    assert [it[3] for it in recent] == [as_rfc3339(it[3]) for it in expected]
    assert {it[:3] for it in recent} == {it[:3] for it in expected}
    progress = [tuple(it.values()) for it in figures["reader_progress"]]
    assert progress == [
        (*row, as_rfc3339(last_login), content)
        for *row, last_login, content in db.execute_sql(SEED_PROGRESS)
    ]


def as_rfc3339(at: str) -> str:
    return rfc3339(datetime.fromisoformat(f"{at}+00:00"))


def test_each_list_is_logged_and_names_three_or_fewer_readers(
    shell: Shell, cast: Cast, db: Database, read: Read
) -> None:
    for reader in add_readers(db, "klm"):
        read(reader, timedelta(hours=1), "Dracula")
    read(cast.ann, timedelta(minutes=1), "Momo")
    shell("stats")
    assert log(db) == [
        (cast.dora.id, "viewed_stats", cast.ann.id, "cli, activities, rows 1"),
        (cast.dora.id, "viewed_stats", None, "cli, readers, rows 5"),
    ]
    shell("stats", "--rows", "0")
    assert [entry[2:] for entry in log(db)[2:]] == [
        (None, "cli, activities, rows 0"),
        (None, "cli, readers, rows 0"),
    ]


def test_the_text_has_the_figures_and_the_rows(shell: Shell, cast: Cast, read: Read) -> None:
    read(cast.ann, timedelta(seconds=0), "Momo")
    ended = shell("stats")
    assert (ended.code, ended.err) == (0, "")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert "readers online now 1" in lines
    assert "readers who read today 1" in lines
    assert "reading time today 1 min" in lines
    assert "activities today 1" in lines
    assert [line for line in lines if line.endswith("Ann Archer page_read Momo")]
    assert [line for line in lines if line.startswith("Ann Archer 1 1 1 2")]


def test_an_empty_database_has_figures_without_rows(shell: Shell, cast: Cast) -> None:
    figures = stats(shell, "--rows", "0")
    assert [value for value in figures.values() if value] == [figures["taken_at"]]
    assert "Activities of the last 30 minutes: 0\n" in shell("stats").out
