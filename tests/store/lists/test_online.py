"""Who is online, in which order, and what is seen of them."""

from datetime import timedelta

import pytest
from listed import readers_online
from permits import LIST_ACCESS, ROW_ACCESS

from readwatch.domain.activities import Activity
from readwatch.domain.filters import parse
from readwatch.domain.presence import ONLINE_WINDOW, Presence
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import driver_connection
from readwatch.store.identity.sessions import end_session
from readwatch.store.lists import online, readers
from readwatch.store.lists.online import count_online, online_ids, online_rows
from readwatch.store.lists.query import ListQuery
from readwatch.store.recording.heartbeats import record_heartbeat

JUST = timedelta(milliseconds=1)


@pytest.fixture
def names_online(db, clock):
    """`names_online()` is who is online, and that the header and the orders say the same."""

    def names_online() -> list[str]:
        readers = readers_online(db, clock())
        here = {reader.user_id for reader in readers}
        assert count_online(db, ALL_READERS, clock()) == len(here)
        for sort in "full_name", "started_at":
            ids = online_ids(db, LIST_ACCESS, ListQuery(sort), clock()).ids
            assert len(ids) == len(here)
            assert set(ids) == here
        return [reader.full_name for reader in readers]

    return names_online


def test_a_reader_is_online_for_five_minutes_after_the_last_heartbeat(
    db, cast, clock, enter, names_online
):
    ann = enter(cast.ann)
    clock.advance(minutes=4)
    record_heartbeat(db, ann, clock())
    clock.moment += ONLINE_WINDOW - JUST
    assert names_online() == ["Ann Archer"]
    assert readers_online(db, clock())[0].presence_at(clock()) is Presence.LEAVING
    clock.moment += JUST
    assert names_online() == []


def test_a_reader_with_two_devices_is_online_once_with_the_one_heard_from_last(
    db, cast, clock, enter, names_online
):
    tablet = enter(cast.ann, device_type="tablet")
    clock.advance(minutes=1)
    enter(cast.ann, device_type="mobile")
    assert names_online() == ["Ann Archer"]
    assert readers_online(db, clock())[0].device_type == "mobile"
    record_heartbeat(db, tablet, clock.advance(minutes=1))
    (ann,) = readers_online(db, clock())
    assert (ann.device_type, ann.session_id) == ("tablet", tablet.session_id)


def test_who_was_heard_from_last_comes_first(cast, clock, enter, names_online):
    enter(cast.ben)
    clock.advance(minutes=1)
    enter(cast.ann)
    assert names_online() == ["Ann Archer", "Ben Baker"]


def test_staff_is_never_online(cast, enter, names_online):
    enter(cast.cara)
    enter(cast.dora)
    assert names_online() == []


def test_an_ended_session_is_not_online(db, cast, clock, enter, names_online):
    end_session(db, enter(cast.ann), clock())
    assert names_online() == []


@pytest.mark.parametrize(
    "change",
    [
        "is_active = FALSE",
        "deleted_at = '2026-11-22 12:00:00.000'",
        "user_role = 'consultant'",
    ],
)
def test_who_is_no_active_reader_any_more_is_not_online(db, cast, enter, change, names_online):
    enter(cast.ann)
    db.execute_sql(f"UPDATE users SET {change} WHERE id = {cast.ann.id}")
    assert names_online() == []


def test_an_online_reader_comes_with_the_latest_activity(db, cast, clock, enter, post, join):
    eve = join("Eve Early", reading_level="B1")
    reading, started_at = enter(eve), clock()
    clock.advance(minutes=2)
    post(
        reading,
        Activity("page_read", "momo", "Momo", 80),
        Activity("quiz_completed", "hobbit", "The Hobbit", 20, occurred_at=started_at),
    )
    (seen,) = readers_online(db, clock())
    assert (seen.user_id, seen.reading_level, seen.started_at) == (eve.id, "B1", started_at)
    assert (seen.activity_type, seen.content_title) == ("page_read", "Momo")
    assert (seen.progress_percentage, seen.last_activity_at) == (80, clock())


def test_an_online_reader_who_did_nothing_yet_is_shown_too(db, cast, clock, enter):
    enter(cast.ann)
    (ann,) = readers_online(db, clock())
    assert (ann.activity_type, ann.content_title, ann.last_activity_at) == ("", "", None)


# The order --------------------------------------------------------------------------------------


@pytest.fixture
def ordered(db, clock):
    """`ordered(column)` is who is online, by name, in the order of a column."""

    def ordered(sort: str, *, descending: bool = False, words: str = "") -> list[str]:
        ids = online_ids(db, LIST_ACCESS, ListQuery(sort, descending, parse(words)), clock()).ids
        names = {it.user_id: it.full_name for it in online_rows(db, ROW_ACCESS, ids, clock())}
        return [names[id].split()[0] for id in ids]

    return ordered


@pytest.fixture
def four_readers(cast, clock, enter, post, join):
    """Ann reads since long, Ben is silent, Eve has done nothing yet, and Zoe has two devices."""
    ben = enter(cast.ben, device_type="tablet")
    post(ben, Activity("quiz_completed", "momo", "Momo", 80))
    clock.advance(minutes=3)
    ann = enter(cast.ann, device_type="phone")
    zoe = join("zoe Zander", reading_level="B1")
    post(enter(zoe, device_type="web"), Activity("page_read", "dracula", "Dracula", 20))
    enter(join("Eve Early", reading_level="A1"), device_type="Tablet")
    clock.advance(seconds=30)
    enter(zoe, device_type="phone")
    post(ann, Activity("page_read", "faust", "faust", 50))


@pytest.mark.parametrize(
    ("sort", "up", "down"),
    [
        ("full_name", "Ann Ben Eve zoe", "zoe Eve Ben Ann"),
        ("content_title", "zoe Ann Ben Eve", "Ben Ann zoe Eve"),
        ("progress_percentage", "zoe Ann Ben Eve", "Ben Ann zoe Eve"),
        ("activity_type", "Ann zoe Ben Eve", "Ben Ann zoe Eve"),
        ("idle_since", "Ann zoe Eve Ben", "Ben Eve Ann zoe"),
        ("started_at", "zoe Ann Eve Ben", "Ben Ann Eve zoe"),
        ("reading_level", "Eve zoe Ann Ben", "zoe Eve Ann Ben"),
        ("device_type", "Ann zoe Ben Eve", "Ben Eve Ann zoe"),
        ("presence", "Ann Eve zoe Ben", "Ben Ann Eve zoe"),
    ],
)
def test_each_column_sorts_both_ways_and_who_has_nothing_in_it_comes_last(
    four_readers, ordered, sort, up, down
):
    assert " ".join(ordered(sort)) == up
    assert " ".join(ordered(sort, descending=True)) == down


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", "Ann Ben Eve zoe"),
        ("drcl", "zoe"),
        ("b1", "zoe"),
        ("presence:silent", "Ben"),
        ("progress<60", "Ann zoe"),
        ("!progress<60", "Ben Eve"),
        ("started_at<1m !name:ann", "Eve zoe"),
        ("idle>2m", "Ben"),
        ("device:tab", "Ben Eve"),
        ("level:a activity:page", ""),
        ("name:ann title:faust", "Ann"),
    ],
)
def test_a_filter_keeps_those_who_are_meant(four_readers, ordered, words, found):
    assert " ".join(ordered("full_name", words=words)) == found


def test_the_rows_are_of_those_who_are_asked_for_and_still_here(db, cast, clock, enter):
    enter(cast.ann)
    ben = enter(cast.ben)
    assert len(online_rows(db, ROW_ACCESS, [cast.ann.id, cast.ben.id], clock())) == 2
    end_session(db, ben, clock())
    (row,) = online_rows(db, ROW_ACCESS, [cast.ann.id, cast.ben.id], clock())
    assert row.user_id == cast.ann.id
    assert online_rows(db, ROW_ACCESS, [], clock()) == ()


def test_the_trace_counts_what_occurred_in_the_last_half_hour_five_minutes_each(
    db, cast, clock, enter, post
):
    ann, last_week = enter(cast.ann), clock() - timedelta(days=7)
    post(ann, Activity("page_read"))
    clock.advance(minutes=6)
    post(ann, *[Activity("page_read")] * 3, Activity("quiz_completed"))
    clock.advance(minutes=24, seconds=30)
    post(ann, Activity("bookmark_added"), Activity("note_added", occurred_at=last_week))
    record_heartbeat(db, ann, clock())
    ben = enter(cast.ben)
    rows = online_rows(db, ROW_ACCESS, [ann.user_id, ben.user_id], clock())
    assert {row.user_id: row.trace for row in rows} == {
        ann.user_id: (0, 4, 0, 0, 0, 1),
        ben.user_id: (0, 0, 0, 0, 0, 0),
    }


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_trace_is_read_off_an_index_and_the_ids_are_read_once(db):
    def plan(rows: BulkStatement) -> list[str]:
        sql = f"EXPLAIN QUERY PLAN {rows._statement._sqlite}"
        values = {"rows": "[]", "since": "", "arrived_after": "", "last_id": 0} | {
            f"after_{step}": "" for step in range(6)
        }
        return [step for *_, step in driver_connection(db).execute(sql, values)]

    assert (
        "SEARCH a USING INDEX idx_activities_user_id (user_id=? AND rowid>? AND rowid<?)"
        in plan(online._TRACES)
    )
    for rows in (online._ROWS, readers._ROWS):
        assert not any(step.startswith("CORRELATED") for step in plan(rows))
