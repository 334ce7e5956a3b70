"""All lists: nothing that acts on a terminal comes out of them, and no history is gone through."""

from itertools import pairwise, product
from typing import Any

import pytest
from listed import newest_activities, readers_online
from permits import ROW_ACCESS, list_access_of, permit_for, row_access_of

from readwatch.domain.activities import Activity, canonical_json
from readwatch.domain.arrivals import NO_ARRIVALS, Arrivals, Stop
from readwatch.domain.filters import parse
from readwatch.store import case_notes, reader_data
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database, driver_connection
from readwatch.store.engine.statements import Statement
from readwatch.store.identity.sessions import end_session
from readwatch.store.lists import access_log, day, feed, online, readers
from readwatch.store.lists.access_log import access_log_ids, access_log_rows
from readwatch.store.lists.day import day_ids, day_rows
from readwatch.store.lists.feed import (
    activity_ids,
    activity_rows,
    feed_page,
    past_activity_ids,
)
from readwatch.store.lists.online import count_online, online_ids, online_rows
from readwatch.store.lists.past_online import past_online_ids, past_online_rows
from readwatch.store.lists.query import ListQuery
from readwatch.store.lists.readers import ids_of_readers_named, reader_ids, reader_rows
from readwatch.store.totals import activities_per_minute, heartbeats

HOSTILE = "Ev\x1b[2J\x9b\u202ee"


def test_nothing_that_readers_and_apps_write_reaches_the_console_unclean(
    db, cast, clock, enter, post
):
    write = Statement("UPDATE users SET full_name = :name WHERE id = :id")
    write(db, name=HOSTILE, id=cast.ann.id)
    level = Statement("UPDATE reader_profiles SET reading_level = :name WHERE user_id = :id")
    level(db, name=HOSTILE, id=cast.ann.id)
    post(
        enter(cast.ann, device_type=HOSTILE),
        Activity(HOSTILE, HOSTILE, HOSTILE, metadata=canonical_json({HOSTILE: HOSTILE})),
    )
    progress = reader_rows(db, ROW_ACCESS, [cast.ann.id], clock())
    shown = [
        text
        for rows in (
            readers_online(db, clock()),
            newest_activities(db, clock()),
            progress,
        )
        for row in rows
        for text in (getattr(row, name) for name in row.__slots__)
        if isinstance(text, str)
    ]
    assert "Ev␛[2Je" in shown
    assert not [text for text in shown if {"\x1b", "\x9b", "\u202e"} & set(text)]


@pytest.fixture
def a_month_of_history(db, cast, clock, enter, post) -> Database:
    """Many sessions, few of them active, and many activities, as after a while."""
    for _ in range(30):
        for user in (cast.ann, cast.ben):
            session = enter(user)
            post(session, *(Activity("page_read", content_id=str(n)) for n in range(20)))
            end_session(db, session, clock.advance(hours=12))
    enter(cast.ann)
    return db


def ask_everything(db, access, row_access, now) -> None:
    """Ask each list in each way, and all else that a console asks."""
    for orders, rows, sorts in (
        (online_ids, online_rows, online.SORTS),
        (activity_ids, activity_rows, feed._SORTS),
        (reader_ids, reader_rows, readers._SORTS),
        (access_log_ids, access_log_rows, access_log._SORTS),
        (past_online_ids, past_online_rows, online.SORTS),
        (past_activity_ids, activity_rows, feed._SORTS),
        (day_ids, day_rows, [*day._SORTS, *day._FIGURES]),
    ):
        for sort, descending, words in product(sorts, (False, True), ("", "a full_name:c")):
            ids = orders(db, access, ListQuery(sort, descending, parse(words)), now).ids
            rows(db, row_access, ids or [1], now)
    count_online(db, ALL_READERS, now)
    activities_per_minute(db, ALL_READERS, now)
    for after in (None, 0):
        feed_page(db, access, after=after, length=50)
    for before in (NO_ARRIVALS, Arrivals(now, Stop(now, 5))):
        heartbeats(db, now, before)
    ids_of_readers_named(db, access, ["c"], now, length=20)
    for ask_about in (case_notes.last_changes, case_notes.last_resolutions):
        ask_about(db, access, [1, 2])
    case_notes.last_texts(db, row_access, [1, 2])
    case_notes.ended_snoozes(db, access, now)
    case_notes.notes(db, permit_for(1), length=100)
    permit = permit_for(1)
    for ask in (
        reader_data.profile,
        reader_data.contents,
        reader_data.sessions,
        reader_data.activities,
    ):
        ask(db, permit)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("analyzed", [False, True], ids=["as made", "analyzed"])
def test_no_statement_of_the_console_goes_through_history(
    a_month_of_history, cast, clock, analyzed
):
    db = a_month_of_history
    if analyzed:
        db.execute_sql("ANALYZE")
        db.close()
        db.connect()
    asked: dict[str, Any] = {}
    connection = driver_connection(db)
    connection.exec_trace = lambda _, sql, values: bool(asked.setdefault(sql, values)) or True
    ask_everything(db, list_access_of(cast.cara), row_access_of(cast.cara), clock())
    connection.exec_trace = None
    assert len(asked) > 60
    for sql, values in asked.items():
        steps = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        made = {
            step.split()[-1] for step in steps if step.startswith(("CO-ROUTINE", "MATERIALIZE"))
        }
        history = {"a", "reader_activities", "s", "reader_sessions"} - made
        scanned = {step.split()[1] for step in steps if step.startswith("SCAN ")}
        assert (sql, scanned & (history | {"n", "c", "case_notes"})) == (sql, set())
        searched = {step.split()[1] for step in steps if step.endswith("(user_id=?)")}
        assert (sql, searched & history) == (sql, set()), "all that a reader ever did"
        outside = [outer for outer, inner in pairwise(steps) if inner.startswith("SCAN jsonb_each")]
        again = [step for step in outside if step.startswith("SEARCH")]
        assert (sql, again) == (sql, []), "what is asked for is gone through for each row"
