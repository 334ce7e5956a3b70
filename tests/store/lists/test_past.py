"""Who was online at a time of the past, what had been read then, and who read on a day."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from conftest import Cast, StillClock
from permits import LIST_ACCESS, ROW_ACCESS
from reading_app import ReadingApp

from readwatch.domain.filters import parse
from readwatch.store.engine.connections import Database, driver_connection
from readwatch.store.engine.privileges import Role
from readwatch.store.lists.day import ReaderOfDay, day_ids, day_rows
from readwatch.store.lists.feed import activity_rows, past_activity_ids
from readwatch.store.lists.online import TracedReader, online_ids, online_rows
from readwatch.store.lists.past_online import past_online_ids, past_online_rows
from readwatch.store.lists.query import ListQuery


@pytest.fixture
def console(connected) -> Database:
    return connected(Role.CONSOLE)


@pytest.fixture
def ann(db: Database, cast: Cast, clock: StillClock) -> ReadingApp:
    return ReadingApp(db, cast.ann, clock)


@pytest.fixture
def ben(db: Database, cast: Cast, clock: StillClock) -> ReadingApp:
    return ReadingApp(db, cast.ben, clock)


def minutes(app: ReadingApp, clock: StillClock, number: int) -> None:
    """Let an app send a heartbeat each minute."""
    for _ in range(number):
        clock.advance(minutes=1)
        app.sends_a_heartbeat()


def online_at(
    db: Database, at: datetime, filter: str = "", sort: str = "full_name"
) -> list[TracedReader]:
    ids = past_online_ids(db, LIST_ACCESS, ListQuery(sort, terms=parse(filter)), at).ids
    rows = {row.user_id: row for row in past_online_rows(db, ROW_ACCESS, ids, at)}
    return [rows[id] for id in ids]


def day_of(
    db: Database, at: datetime, filter: str = "", sort: str = "began_at"
) -> list[ReaderOfDay]:
    ids = day_ids(db, LIST_ACCESS, ListQuery(sort, terms=parse(filter)), at).ids
    rows = {row.user_id: row for row in day_rows(db, ROW_ACCESS, ids, at)}
    return [rows[id] for id in ids]


# Online, at a time of the past.


def test_the_past_shows_who_was_online_and_what_they_had_read(
    console: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads("Dracula", 10)
    minutes(ann, clock, 3)
    then = clock()
    ben.reads("Momo", 5)
    ann.reads("Dracula", 11)
    clock.advance(minutes=1)
    ann.reads("Emma", 90)
    minutes(ann, clock, 5)
    ann.logs_out()

    (was_online,) = online_at(console, then - timedelta(seconds=30))
    assert was_online.full_name == "Ann Archer"
    assert (was_online.content_title, was_online.progress_percentage) == ("Dracula", 10)
    assert was_online.trace == (0, 0, 0, 0, 0, 1)
    assert [it.full_name for it in online_at(console, then)] == ["Ann Archer", "Ben Baker"]
    assert [it.progress_percentage for it in online_at(console, then)] == [11, 5]
    assert online_at(console, clock()) == []


def test_who_logged_out_and_who_fell_silent_was_not_online_any_more(
    console: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    ben.reads()
    minutes(ann, clock, 2)
    ann.logs_out()  # Ben's app sends nothing more
    left = clock()
    clock.advance(hours=2)
    assert [it.full_name for it in online_at(console, left - timedelta(seconds=1))] == [
        "Ann Archer",
        "Ben Baker",
    ]
    assert [it.full_name for it in online_at(console, left)] == ["Ben Baker"]
    assert [str(it.presence_at(left)) for it in online_at(console, left)] == ["reading"]
    silent = left + timedelta(minutes=1)
    assert [str(it.presence_at(silent)) for it in online_at(console, silent)] == ["silent"]
    assert online_at(console, left + timedelta(minutes=4)) == []


def test_the_present_is_the_same_as_online(
    console: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads("Dracula", 10)
    minutes(ann, clock, 2)
    ben.reads("Momo", None)
    now = clock.advance(seconds=10)
    ids = online_ids(console, LIST_ACCESS, ListQuery("full_name"), now).ids

    def by_name(rows: tuple[TracedReader, ...]) -> list[TracedReader]:
        return sorted(rows, key=lambda row: row.full_name)

    assert by_name(online_rows(console, ROW_ACCESS, ids, now)) == by_name(
        past_online_rows(console, ROW_ACCESS, ids, now)
    )


def test_a_filter_and_a_sort_apply_to_the_time_of_the_past(
    console: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads("Dracula", 10)
    clock.advance(minutes=4)
    ann.sends_a_heartbeat()
    ben.reads("Momo", 50)
    then = clock.advance(seconds=30)
    clock.advance(days=3)
    assert [it.full_name for it in online_at(console, then, "idle>3m")] == ["Ann Archer"]
    assert [it.full_name for it in online_at(console, then, "momo")] == ["Ben Baker"]
    assert [it.full_name for it in online_at(console, then, "presence:idle")] == ["Ann Archer"]
    assert [it.full_name for it in online_at(console, then, sort="idle_since")] == [
        "Ben Baker",
        "Ann Archer",
    ]


def test_of_two_devices_the_one_with_the_latest_heartbeat_counts(
    console: Database, ann: ReadingApp, clock: StillClock
) -> None:
    desktop, mobile = ann, ReadingApp(ann._db, ann.user, clock)
    desktop.logs_in("desktop")
    clock.advance(minutes=1)
    mobile.logs_in("mobile")
    minutes(desktop, clock, 4)
    (was_online,) = online_at(console, clock())
    assert was_online.device_type == "desktop"
    assert was_online.idle_since == clock() - timedelta(minutes=4), "the login on the other one"


# Activity.


@pytest.mark.parametrize("filter", ["", "type:page"])
def test_the_feed_of_the_past_has_what_had_arrived(
    console: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock, filter: str
) -> None:
    ann.reads("Dracula")
    then = clock()
    clock.advance(seconds=1)
    ben.reads("Momo")
    query = ListQuery("created_at", descending=True, terms=parse(filter))

    def titles(at: datetime) -> list[str]:
        ids = past_activity_ids(console, LIST_ACCESS, query, at).ids
        rows = {it.id: it for it in activity_rows(console, ROW_ACCESS, ids, at)}
        return [rows[id].content_title for id in ids]

    assert titles(then) == ["Dracula"]
    assert titles(clock()) == ["Momo", "Dracula"]
    assert titles(then - timedelta(seconds=1)) == []


# A day.


@pytest.fixture
def monday(zone_of_vienna: None, ann: ReadingApp, ben: ReadingApp, clock: StillClock) -> datetime:
    """Ann reads before and after a Sunday's midnight and on Monday noon; Ben on Monday morning."""
    clock.moment = datetime.fromisoformat("2026-11-22T23:30:00+01:00")
    ann.reads("Dracula", 10)
    minutes(ann, clock, 90)
    ann.logs_out()
    clock.moment = datetime.fromisoformat("2026-11-23T08:00:00+01:00")
    ben.reads("Momo", 10)
    minutes(ben, clock, 20)
    clock.moment = datetime.fromisoformat("2026-11-23T12:15:00+01:00")
    ann.reads("Emma", 10)
    minutes(ann, clock, 60)
    clock.moment = datetime.fromisoformat("2026-11-25T08:00:00+01:00")
    ben.reads("Dune", 10)
    return datetime.fromisoformat("2026-11-23T12:00:00+01:00")


@pytest.fixture
def zone_of_vienna(zone: Callable[[str], None]) -> None:
    zone("Europe/Vienna")


def test_a_day_has_the_times_of_each_reader_by_the_clock_of_the_machine(
    console: Database, monday: datetime
) -> None:
    ann, ben = day_of(console, monday)
    assert (ann.full_name, ben.full_name) == ("Ann Archer", "Ben Baker")
    assert f"{ann.began_at.astimezone():%a %H:%M} {ann.ended_at.astimezone():%H:%M}" == (
        "Mon 00:00 13:15"
    )
    assert (ann.read, ben.read) == (timedelta(hours=2), timedelta(minutes=20))
    assert ann.minutes_by_hour == (60, *[0] * 11, 45, 15, *[0] * 10)
    assert (ann.content_title, ben.content_title) == ("Emma", "Momo")
    assert (ann.activities, ben.activities) == (1, 1)


def test_the_days_around_it_have_their_own_readers(console: Database, monday: datetime) -> None:
    def names(at: datetime) -> list[str]:
        return [it.full_name for it in day_of(console, at)]

    (ann,) = day_of(console, monday - timedelta(days=1))
    assert (ann.full_name, ann.read) == ("Ann Archer", timedelta(minutes=30))
    assert ann.content_title == "Dracula"
    assert names(monday + timedelta(days=1)) == []
    assert names(monday - timedelta(days=2)) == []


@pytest.mark.parametrize(
    ("sort", "first"),
    [("read", "Ben Baker"), ("ended_at", "Ben Baker"), ("full_name", "Ann Archer")],
)
def test_a_day_is_sorted_by_its_figures(
    console: Database, monday: datetime, sort: str, first: str
) -> None:
    assert day_of(console, monday, sort=sort)[0].full_name == first


def test_a_day_is_filtered(console: Database, monday: datetime) -> None:
    assert [it.full_name for it in day_of(console, monday, "ben")] == ["Ben Baker"]
    assert day_of(console, monday, "group:4b") == []


def test_two_devices_at_the_same_time_count_once(
    console: Database, ann: ReadingApp, clock: StillClock
) -> None:
    phone, tablet = ann, ReadingApp(ann._db, ann.user, clock)
    phone.reads()
    minutes(phone, clock, 10)
    tablet.reads()
    minutes(tablet, clock, 10)
    phone.sends_a_heartbeat()
    (ann_of_day,) = day_of(console, clock())
    assert ann_of_day.read == timedelta(minutes=20)
    assert len(ann_of_day.spans) == 1


def test_a_session_that_ends_just_after_midnight_is_in_the_new_day(
    console: Database, zone_of_vienna: None, ann: ReadingApp, clock: StillClock
) -> None:
    clock.moment = datetime.fromisoformat("2026-11-22T23:50:00+01:00")
    ann.reads()
    minutes(ann, clock, 9)
    clock.advance(minutes=2)
    ann.logs_out()
    (of_monday,) = day_of(console, clock())
    assert of_monday.read == timedelta(minutes=1)
    assert day_of(console, clock() + timedelta(days=1)) == []


# The cost.


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_sessions_of_a_time_are_read_off_an_index(
    console: Database, ann: ReadingApp, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, object]]] = []
    execute = console.execute_sql

    def note(sql: str, values: dict[str, object]) -> object:
        asked.append((sql, values))
        return execute(sql, values)

    monkeypatch.setattr(console, "execute_sql", note)
    ann.reads()
    online_at(console, clock())
    day_of(console, clock())
    plans = [
        [
            step
            for *_, step in driver_connection(console).execute(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
        for sql, values in asked
        if "reader_sessions" in sql
    ]
    assert len(plans) == 5
    for plan in plans:
        steps = [step for step in plan if "sessions" in step and "CTE" not in step]
        assert any("idx_sessions_started (started_at>?" in step for step in plan) or any(
            "idx_sessions_user_id (user_id=? AND id>?)" in step for step in plan
        ), plan
        assert not any(step.startswith("SCAN reader_sessions") for step in steps), plan
