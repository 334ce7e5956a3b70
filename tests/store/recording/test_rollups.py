"""Rollups move with the activities, and always come to what history comes to."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from listed import readers_online
from permits import permit_for

from readwatch.domain.activities import Activity
from readwatch.store import reader_data, totals
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.times import from_db_time
from readwatch.store.recording import rebuild


@pytest.fixture
def ann(cast, enter):
    return enter(cast.ann)


@pytest.fixture
def profile(db, cast):
    return lambda: reader_data.profile(db, permit_for(cast.ann.id))


@pytest.fixture
def book(db, cast):
    """`book()` is Ann's progress in the only book that she reads."""

    def book():
        (progress,) = reader_data.contents(db, permit_for(cast.ann.id))
        return progress

    return book


def page(
    progress: int | None = None,
    at: datetime | None = None,
    seconds: int | None = None,
    book: str | None = "hobbit",
    title: str | None = None,
) -> Activity:
    return Activity("page_read", book, title, progress, seconds, occurred_at=at)


# Time -------------------------------------------------------------------------------------------


def test_seconds_are_added_before_they_are_rounded_to_minutes(ann, post, profile):
    post(ann, page(seconds=59))
    assert profile().total_reading_time_minutes == 0
    post(ann, page(seconds=59), page(seconds=1, book=None), page(seconds=None))
    assert profile().total_reading_time_minutes == 1
    post(ann, page(seconds=1))
    assert profile().total_reading_time_minutes == 2


def test_a_retry_a_conflict_and_a_refused_activity_add_nothing(clock, ann, post, profile, book):
    post(ann, Activity("page_read", "hobbit", duration_seconds=60, event_id="1"))
    post(ann, Activity("page_read", "hobbit", duration_seconds=60, event_id="1"))
    post(ann, Activity("page_read", "hobbit", duration_seconds=600, event_id="1"))
    post(ann, page(seconds=60, at=clock() + timedelta(days=2)))
    assert (profile().total_reading_time_minutes, book().total_seconds) == (1, 60)


def test_the_profile_says_by_the_given_clock_when_it_was_moved(db, clock, ann, post):
    clock.advance(minutes=5)
    post(ann, page())
    (row,) = db.execute_sql(
        "SELECT updated_at FROM reader_profiles WHERE user_id = " + str(ann.user_id)
    ).fetchall()
    assert from_db_time(row[0]) == clock()


# Books ------------------------------------------------------------------------------------------


def test_each_book_counts_once_among_the_unique_ones(cast, ann, enter, post, profile):
    post(ann, page(), page(), page(book="momo"), page(book=None))
    post(enter(cast.ann), page(book="momo"))
    assert profile().unique_content_read == 2


def test_two_readers_of_one_book_have_their_own_progress(db, cast, ann, enter, post, book):
    post(ann, page(40))
    post(enter(cast.ben), page(90))
    assert book().progress_percentage == 40
    assert reader_data.contents(db, permit_for(cast.ben.id))[0].progress_percentage == 90


def test_who_turns_back_to_read_again_has_less_progress(clock, ann, post, book):
    post(ann, page(80))
    clock.advance(minutes=1)
    post(ann, page(5))
    assert book().progress_percentage == 5


@pytest.mark.parametrize("together", [True, False], ids=["in one request", "in two"])
def test_of_two_pages_at_the_same_time_the_one_that_was_sent_later_counts(
    together, ann, post, book
):
    arrivals = (page(40, title="The Hobbit"), page(60, title="There and Back Again"))
    for request in [arrivals] if together else [[arrival] for arrival in arrivals]:
        post(ann, *request)
    assert (book().progress_percentage, book().content_title) == (60, "There and Back Again")


@pytest.mark.parametrize("together", [True, False], ids=["in one request", "in two"])
def test_a_late_activity_adds_its_time_and_does_not_turn_the_page_back(
    together, clock, ann, post, book
):
    now, last_week = clock(), clock() - timedelta(days=7)
    arrivals = (page(80, now, 60, title="The Hobbit"), page(20, last_week, 30, title="Hobbit, old"))
    for request in [arrivals] if together else [[arrival] for arrival in arrivals]:
        post(ann, *request)
    assert (book().progress_percentage, book().content_title) == (80, "The Hobbit")
    assert book().total_seconds == 90
    assert (book().first_at, book().last_at) == (last_week, now)


@pytest.mark.parametrize("together", [True, False], ids=["in one request", "in two"])
def test_what_an_activity_does_not_say_stays_as_it_was(together, clock, ann, post, book):
    earlier = clock() - timedelta(minutes=1)
    arrivals = (page(40, earlier, title="The Hobbit"), page(None, clock(), title=""))
    for request in [arrivals] if together else [[arrival] for arrival in arrivals]:
        post(ann, *request)
    assert (book().progress_percentage, book().content_title) == (40, "The Hobbit")
    assert book().last_at == clock()


def test_a_late_page_is_not_lost_behind_a_later_bookmark(clock, ann, post, book):
    post(ann, page(40, clock() - timedelta(minutes=3), title="Hobbit, old"))
    post(ann, page(None, clock()))
    post(ann, page(60, clock() - timedelta(minutes=1), title="The Hobbit"))
    assert (book().progress_percentage, book().content_title) == (60, "The Hobbit")


# When -------------------------------------------------------------------------------------------


def test_the_latest_activity_is_the_one_that_occurred_last(db, cast, clock, ann, post):
    momo, hobbit = post(ann, page(book="momo"), page(at=clock() - timedelta(hours=1)))
    assert momo.id < hobbit.id
    (ann,) = readers_online(db, clock())
    assert ann.last_activity_at == clock()
    (row,) = db.execute_sql(
        "SELECT last_activity_id FROM reader_profiles WHERE last_activity_id IS NOT NULL"
    ).fetchall()
    assert row == (momo.id,)


def test_each_hour_has_the_activities_that_occurred_in_it(db, cast, clock, ann, enter, post):
    clock.moment = clock().replace(minute=59, second=59, microsecond=999_000)
    hour = clock().replace(minute=0, second=0, microsecond=0)
    post(ann, page(seconds=60), page(), page(seconds=30, at=hour - timedelta(microseconds=1)))
    post(enter(cast.ben), page(seconds=5, at=hour))
    clock.advance(seconds=0.001)
    post(ann, page(seconds=7))
    hours = [
        (user, from_db_time(at), activities, seconds)
        for user, at, activities, seconds in rows(db, KEPT_HOURS)
    ]
    assert hours == [
        (cast.ann.id, hour - timedelta(hours=1), 1, 30),
        (cast.ann.id, hour, 2, 60),
        (cast.ann.id, hour + timedelta(hours=1), 1, 7),
        (cast.ben.id, hour, 1, 5),
    ]


def test_of_two_at_the_same_moment_the_one_that_arrived_later_is_the_latest(db, ann, post):
    _, second = post(ann, page(book="momo"), page())
    query = "SELECT last_activity_id FROM reader_profiles WHERE last_activity_id IS NOT NULL"
    assert db.execute_sql(query).fetchone() == (second.id,)
    (third,) = post(ann, page())
    assert db.execute_sql(query).fetchone() == (third.id,)


def test_activities_are_counted_in_the_minute_in_which_they_occurred(
    db, clock, ann, enter, cast, post
):
    two_ago = clock() - timedelta(minutes=2)
    post(ann, page(), page(at=two_ago), Activity("bookmark_added", occurred_at=two_ago))
    clock.advance(seconds=59.999)
    post(enter(cast.ben), page())
    counted = totals.activities_per_minute(db, ALL_READERS, clock())
    assert [minute.activities for minute in counted[-4:]] == [0, 2, 0, 2]


# Always -----------------------------------------------------------------------------------------

told = st.fixed_dictionaries(
    {
        "event_id": st.none() | st.sampled_from("abcdef"),
        "activity_type": st.sampled_from(["page_read", "quiz_completed"]),
        "content_id": st.none() | st.sampled_from(["hobbit", "momo", "emma"]),
        "content_title": st.sampled_from([None, "", "First edition", "Second edition"]),
        "progress_percentage": st.none() | st.integers(0, 100),
        "duration_seconds": st.none() | st.integers(0, 200),
        "metadata": st.sampled_from([None, '{"passed":true}', '{"passed":false,"score":59.5}']),
    }
)
# Few, so that moments are often the same, or the same as they are kept.
before = st.sampled_from(
    [None, *(timedelta(seconds=s) for s in (-60, 0, 0.0004, 0.001, 1, 60, 86_400))]
)
requests = st.lists(
    st.tuples(
        st.booleans(),  # Ann or Ben
        st.sampled_from([timedelta(seconds=s) for s in (0, 0.0003, 1, 59.9996)]),
        st.lists(st.tuples(told, before), max_size=5),
    ),
    max_size=5,
)

PROFILE = """
SELECT
    coalesce(sum(duration_seconds), 0), coalesce(sum(duration_seconds), 0) / 60,
    count(DISTINCT content_id), max(occurred_at),
    (SELECT id FROM reader_activities WHERE user_id = {user}
        ORDER BY occurred_at DESC, id DESC LIMIT 1)
FROM reader_activities WHERE user_id = {user}
"""
KEPT_PROFILE = """
SELECT
    total_reading_seconds, total_reading_time_minutes, unique_content_read, last_activity_at,
    last_activity_id
FROM reader_profiles WHERE user_id = {user}
"""
CONTENTS = """
SELECT
    a.content_id, coalesce(sum(a.duration_seconds), 0), min(a.occurred_at), max(a.occurred_at),
    (SELECT b.progress_percentage FROM reader_activities b
        WHERE b.user_id = {user} AND b.content_id = a.content_id
        AND b.progress_percentage IS NOT NULL
        ORDER BY b.occurred_at DESC, b.id DESC LIMIT 1),
    max(CASE WHEN a.progress_percentage IS NOT NULL THEN a.occurred_at END),
    (SELECT b.content_title FROM reader_activities b
        WHERE b.user_id = {user} AND b.content_id = a.content_id AND b.content_title <> ''
        ORDER BY b.occurred_at DESC, b.id DESC LIMIT 1),
    max(CASE WHEN a.content_title <> '' THEN a.occurred_at END)
FROM reader_activities a WHERE a.user_id = {user} AND a.content_id IS NOT NULL
GROUP BY a.content_id ORDER BY a.content_id
"""
KEPT_CONTENTS = """
SELECT
    content_id, total_seconds, first_at, last_at, progress_percentage, progress_at, content_title,
    title_at
FROM reader_content_progress WHERE user_id = {user} ORDER BY content_id
"""
MINUTE_SQLITE = "substr(occurred_at, 1, 16) || ':00.000'"
MINUTE_POSTGRESQL = "date_trunc('minute', occurred_at)"
COUNTS = """
SELECT {minute}, activity_type, count(*) FROM reader_activities GROUP BY 1, 2 ORDER BY 1, 2
"""
HOUR_SQLITE = "substr(occurred_at, 1, 13) || ':00:00.000'"
HOUR_POSTGRESQL = "date_trunc('hour', occurred_at, 'UTC')"
HOURS = """
SELECT user_id, {hour}, count(*), coalesce(sum(duration_seconds), 0)
FROM reader_activities GROUP BY 1, 2 ORDER BY 1, 2
"""
KEPT_HOURS = "SELECT user_id, hour, activities, seconds FROM reader_hours ORDER BY 1, 2"
KEPT_COUNTS = "SELECT minute, activity_type, activities FROM activity_counts ORDER BY 1, 2"


def rows(db: Database, sql: str, **names: object) -> list[tuple[Any, ...]]:
    return db.execute_sql(sql.format(**names)).fetchall()


@pytest.fixture
def newcomers(join, enter):
    """Readers with no past, as many as are asked for."""
    return (enter(join(f"R{number} Newcomer")) for number in count())


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(requests=requests)
def test_after_any_requests_the_rollups_are_what_history_comes_to(
    requests, db, clock, post, newcomers
):
    ann, ben = next(newcomers), next(newcomers)
    for is_ann, pause, activities in requests:
        clock.moment += pause
        post(
            ann if is_ann else ben,
            *(
                Activity(**told, occurred_at=None if ago is None else clock() - ago)
                for told, ago in activities
            ),
        )
    for reader in (ann, ben):
        for counted, kept in ((PROFILE, KEPT_PROFILE), (CONTENTS, KEPT_CONTENTS)):
            assert rows(db, counted, user=reader.user_id) == rows(db, kept, user=reader.user_id)
    minute = MINUTE_SQLITE if is_sqlite(db) else MINUTE_POSTGRESQL
    assert rows(db, COUNTS, minute=minute) == rows(db, KEPT_COUNTS)
    hour = HOUR_SQLITE if is_sqlite(db) else HOUR_POSTGRESQL
    assert rows(db, HOURS, hour=hour) == rows(db, KEPT_HOURS)
    assert not any(portion.compare(db) for portion in rebuild.chunks(db))
