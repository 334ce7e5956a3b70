"""The data of one reader is read with a permit for that reader, and with nothing else."""

import inspect
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from permits import permit_for

from readwatch.domain.activities import Activity, canonical_json
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store import reader_data
from readwatch.store.audit.log import Permit, permit_own_data
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.models import MAX_ID
from readwatch.store.engine.statements import Statement
from readwatch.store.identity.sessions import end_session
from readwatch.store.recording.heartbeats import record_heartbeat

SOURCES = Path(reader_data.__file__).parents[1]
HOSTILE = "Ev\x1b[2J\x9b\u202ee"


@pytest.fixture
def ann(cast, enter):
    return enter(cast.ann, device_type="tablet", ip_address="10.0.0.7")


# Permits ----------------------------------------------------------------------------------------


def test_every_query_of_a_readers_data_asks_for_a_permit():
    queries = {
        name: inspect.signature(query)
        for name, query in vars(reader_data).items()
        if inspect.isfunction(query) and query.__module__ == reader_data.__name__
    }
    del queries["require_reader"]  # tells no more than whether there is such a reader
    assert {"account", "profile", "sessions", "activities", "contents", "spans"} <= set(queries)
    for name, signature in queries.items():
        permit = signature.parameters["permit"]
        assert (name, permit.annotation, permit.default) == (name, Permit, permit.empty)


def test_a_permit_opens_the_data_of_its_reader_alone(db, cast, ann, enter, post):
    page = Activity("page_read", "hobbit", "The Hobbit", 40, 90)
    post(ann, page)
    post(enter(cast.ben), page)
    permit = permit_own_data(ann)
    assert reader_data.account(db, permit) == cast.ann
    assert reader_data.profile(db, permit).user_id == cast.ann.id
    assert {session.user_id for session in reader_data.sessions(db, permit)} == {cast.ann.id}
    assert {activity.user_id for activity in reader_data.activities(db, permit)} == {cast.ann.id}
    assert len(reader_data.contents(db, permit)) == 1


@pytest.mark.parametrize("who", ["cara", "dora"])
def test_the_account_of_a_consultant_or_an_admin_is_no_readers_data(db, cast, who):
    with pytest.raises(ReadwatchError) as refusal:
        reader_data.account(db, permit_for(getattr(cast, who).id))
    assert refusal.value.kind is ErrorKind.NOT_FOUND


def test_a_reader_who_is_not_there_has_nothing(db, cast):
    permit = permit_for(4711)
    for query in (reader_data.account, reader_data.profile):
        with pytest.raises(ReadwatchError) as refusal:
            query(db, permit)
        assert refusal.value.kind is ErrorKind.NOT_FOUND
    for page in (reader_data.sessions, reader_data.activities, reader_data.contents):
        assert page(db, permit) == ()


# Order and length -------------------------------------------------------------------------------


def test_a_page_shows_the_newest_first_and_no_more_than_asked(db, cast, clock, enter, post):
    for n in range(4):
        clock.advance(minutes=1)
        post(enter(cast.ann, device_type=f"device {n}"), Activity("page_read", f"book {n}"))
    permit = permit_for(cast.ann.id)
    assert [s.device_type for s in reader_data.sessions(db, permit, length=2)] == [
        "device 3",
        "device 2",
    ]
    assert [a.content_id for a in reader_data.activities(db, permit, length=2)] == [
        "book 3",
        "book 2",
    ]
    assert [c.content_id for c in reader_data.contents(db, permit, length=2)] == [
        "book 3",
        "book 2",
    ]


def test_the_book_that_was_read_last_comes_first_whenever_it_was_sent(db, clock, ann, post):
    post(ann, Activity("page_read", "momo"))
    post(ann, Activity("page_read", "hobbit", occurred_at=clock() - timedelta(hours=1)))
    assert [content.content_id for content in reader_data.contents(db, permit_own_data(ann))] == [
        "momo",
        "hobbit",
    ]


# Time -------------------------------------------------------------------------------------------


def test_spans_are_those_of_the_readers_own_sessions_since_a_moment(db, cast, clock, enter):
    begun = clock()
    enter(cast.ann)
    clock.advance(days=1)
    session, since = enter(cast.ann), clock() - timedelta(minutes=1)
    enter(cast.ben)
    clock.advance(minutes=20)
    with db.atomic():
        record_heartbeat(db, session, clock())
        end_session(db, session, clock.advance(minutes=1))
    span = (begun + timedelta(days=1), begun + timedelta(days=1, minutes=21))
    assert reader_data.spans(db, permit_own_data(session), since) == (span,)
    assert len(reader_data.spans(db, permit_own_data(session), begun - timedelta(minutes=1))) == 2


def test_what_a_readers_sessions_cost_does_not_grow_with_those_of_others(db, cast):
    """Both engines read them off the index, and none by one of the others."""
    numbers = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(20))
    db.execute_sql(
        "INSERT INTO users (email, password_hash, user_role, full_name) "
        "SELECT concat('reader ', a.n, ' ', b.n), 'x', 'reader', 'Reader' "
        f"FROM ({numbers}) a CROSS JOIN ({numbers}) b"
    )
    db.execute_sql(
        "INSERT INTO reader_sessions (user_id, session_token) "
        f"SELECT u.id, concat(u.id, ' ', a.n) FROM users u CROSS JOIN ({numbers}) a"
    )
    db.execute_sql("ANALYZE")
    values = {"user_id": cast.ann.id, "before": MAX_ID, "length": 50}
    plan = plan_of(db, reader_data._SESSIONS, values)
    assert "idx_sessions_user_id" in plan
    assert not re.search("TEMP B-TREE|Seq Scan|pkey", plan)


def plan_of(db: Database, statement: Statement, values: dict[str, object]) -> str:
    """How the engine is going to find the rows, in its own words."""
    explain = "EXPLAIN QUERY PLAN" if is_sqlite(db) else "EXPLAIN"
    return str(list(db.execute_sql(f"{explain} {statement.text(db)}", values)))


# Safety -----------------------------------------------------------------------------------------


def test_nothing_about_a_reader_reaches_the_console_unclean(db, cast, enter, post):
    for change in (
        "UPDATE users SET full_name = :bad WHERE id = :id",
        "UPDATE reader_profiles SET reading_level = :bad, timezone = :bad WHERE user_id = :id",
    ):
        Statement(change)(db, bad=HOSTILE, id=cast.ann.id)
    ann = enter(cast.ann, device_type=HOSTILE, ip_address=HOSTILE)
    post(ann, Activity(HOSTILE, HOSTILE, HOSTILE, metadata=canonical_json({"a": HOSTILE})))
    permit = permit_own_data(ann)
    records: list[Any] = [reader_data.account(db, permit), reader_data.profile(db, permit)]
    for query in (reader_data.sessions, reader_data.activities, reader_data.contents):
        records.extend(query(db, permit))
    shown = [
        text
        for record in records
        for text in (getattr(record, name) for name in record.__slots__)
        if isinstance(text, str)
    ]
    assert "Ev␛[2Je" in shown
    assert not [text for text in shown if {"\x1b", "\x9b", "\u202e"} & set(text)]
