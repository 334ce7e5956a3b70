"""The purge of old sessions: what is old, and what stays although it is."""

from datetime import timedelta

import pytest

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import User
from readwatch.store.engine.connections import Database
from readwatch.store.engine.plans import query_plan
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.times import to_db_time
from readwatch.store.identity.sessions import end_session
from readwatch.store.lifecycle import purge
from readwatch.store.lifecycle.purge import old_sessions, purge_sessions, require_right_clock

DAY = timedelta(days=1)


@pytest.fixture
def purging(connected):
    """All of it is done with the privileges of a purge."""
    return connected(Role.PURGE)


@pytest.fixture
def read_daily(db, clock, enter):
    """`read_daily(user, days)` opens and ends a session each day."""

    def read_daily(user, days):
        for _ in range(days):
            session = enter(user)
            with db.atomic():
                end_session(db, session, clock.advance(hours=1))
            clock.advance(hours=23)

    return read_daily


def left(db: Database, user: User) -> list[int]:
    rows = db.execute_sql(f"SELECT id FROM reader_sessions WHERE user_id = {user.id} ORDER BY id")
    return [id_ for (id_,) in rows.fetchall()]


def archived(db: Database) -> list[tuple[int, int]]:
    rows = db.execute_sql("SELECT user_id, total_sessions FROM archived_totals ORDER BY user_id")
    return list(rows.fetchall())


def test_each_reader_keeps_the_last_session_of_that_time(purging, db, cast, clock, read_daily):
    read_daily(cast.ann, 4)
    read_daily(cast.ben, 1)
    before = clock()
    read_daily(cast.ann, 2)
    assert old_sessions(purging, before, clock()) == 3
    assert sum(purge_sessions(purging, before, clock())) == 3
    assert (left(db, cast.ann), left(db, cast.ben)) == ([4, 6, 7], [5])
    assert archived(db) == [(cast.ann.id, 3)]
    assert old_sessions(purging, before, clock()) == 0
    assert sum(purge_sessions(purging, before, clock())) == 0


def test_an_open_session_stays_however_old(purging, db, cast, clock, enter, read_daily):
    enter(cast.ann)
    read_daily(cast.ann, 2)
    clock.advance(days=1)
    assert sum(purge_sessions(purging, clock(), clock())) == 1
    assert left(db, cast.ann) == [1, 3]


def test_a_session_that_is_resumed_meanwhile_stays(
    purging, db, cast, clock, read_daily, monkeypatch
):
    monkeypatch.setattr(purge, "CHUNK_SESSIONS", 1)
    read_daily(cast.ann, 4)
    clock.advance(days=1)
    chunks = purge_sessions(purging, clock(), clock())
    assert next(chunks) == 1
    db.execute_sql(
        "INSERT INTO resume_tokens (family_hash, token_hash, user_id, session_id, expires_at)"
        f" VALUES ('f', 't', {cast.ann.id}, 2, '{to_db_time(clock() + DAY)}')"
    )
    assert list(chunks) == [0, 1]
    assert left(db, cast.ann) == [2, 4]
    assert archived(db) == [(cast.ann.id, 2)]


def test_the_last_login_stays_the_latest_one(purging, db, cast, clock, read_daily):
    read_daily(cast.ann, 3)
    db.execute_sql(
        "INSERT INTO archived_totals (user_id, total_sessions, last_login)"
        f" VALUES ({cast.ann.id}, 5, '2026-11-23 00:00:00.000')"
    )
    clock.advance(days=1)
    sum(purge_sessions(purging, clock(), clock()))
    assert archived(db) == [(cast.ann.id, 7)]
    last_login = db.execute_sql("SELECT last_login FROM archived_totals").fetchone()[0]
    assert str(last_login).startswith("2026-11-23 12:00:00")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_chunk_reads_its_own_sessions_alone(purging):
    plan = query_plan(purging, purge._STILL_OLD.text(purging))
    assert "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)" in plan
    plan = query_plan(purging, purge._OLD_IDS.text(purging))
    assert "SEARCH s USING INTEGER PRIMARY KEY (rowid>?)" in plan


def test_a_clock_a_month_after_everything_else_is_not_believed(purging, cast, clock, read_daily):
    require_right_clock(purging, clock())
    read_daily(cast.ann, 1)
    require_right_clock(purging, clock.advance(days=29))
    with pytest.raises(ReadwatchError, match="the database is of 2026-11-22") as refusal:
        require_right_clock(purging, clock.advance(days=3))
    assert refusal.value.kind is ErrorKind.CONFLICT


def test_a_purge_stops_at_a_schema_that_is_newer_than_the_program(
    purging, db, cast, clock, read_daily, monkeypatch
):
    monkeypatch.setattr(purge, "CHUNK_SESSIONS", 1)
    read_daily(cast.ann, 4)
    chunks = purge_sessions(purging, clock(), clock())
    assert next(chunks) == 1
    db.execute_sql("INSERT INTO schema_history (number, name, checksum) VALUES (999, 'x', 'x')")
    with pytest.raises(ReadwatchError, match="upgrade readwatch"):
        next(chunks)
    assert (left(db, cast.ann), archived(db)) == ([2, 3, 4], [(cast.ann.id, 1)])
