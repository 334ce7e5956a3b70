"""Activities are kept once each: retries, conflicts and bad ones are told apart, in order."""

from dataclasses import replace
from datetime import timedelta

import pytest
from permits import permit_for

from readwatch.domain.activities import (
    MAX_BATCH,
    Activity,
    ActivityResult,
    ActivityStatus,
    canonical_json,
)
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store import reader_data
from readwatch.store.engine.privileges import Role
from readwatch.store.recording.activities import record_activities

PAGE = Activity(
    activity_type="page_read",
    content_id="hobbit",
    content_title="The Hobbit",
    progress_percentage=40,
    duration_seconds=90,
    metadata=canonical_json({"page": 7, "words": ["Bilbo", None, 2.5]}),
    event_id="page 7",
)


@pytest.fixture
def ann(cast, enter):
    return enter(cast.ann)


@pytest.fixture
def kept(db):
    """`kept(user)` is what a consultant sees of a reader's activities, oldest first."""
    return lambda user: reader_data.activities(db, permit_for(user.id))[::-1]


def test_an_activity_is_stored_as_it_was_sent(db, cast, clock, ann, post, kept):
    a_minute_ago = clock() - timedelta(minutes=1)
    (receipt,) = post(ann, replace(PAGE, occurred_at=a_minute_ago))
    (activity,) = kept(cast.ann)
    assert receipt == ActivityResult(ActivityStatus.ACCEPTED, activity.id)
    assert (activity.user_id, activity.full_name) == (cast.ann.id, "Ann Archer")
    assert (activity.activity_type, activity.content_id) == ("page_read", "hobbit")
    assert (activity.content_title, activity.progress_percentage) == ("The Hobbit", 40)
    assert activity.duration_seconds == 90
    assert activity.metadata_json == '{"page":7,"words":["Bilbo",null,2.5]}'
    assert (activity.occurred_at, activity.created_at) == (a_minute_ago, clock())
    (row,) = db.execute_sql("SELECT session_id, event_id FROM reader_activities").fetchall()
    assert row == (ann.session_id, "page 7")


def test_an_activity_needs_nothing_but_its_type(cast, clock, ann, post, kept):
    post(ann, Activity("app_opened"))
    (activity,) = kept(cast.ann)
    assert (activity.content_id, activity.content_title, activity.metadata_json) == ("", "", "")
    assert (activity.progress_percentage, activity.duration_seconds) == (None, None)
    assert activity.occurred_at == clock()


def test_a_wrong_clock_is_corrected_for_the_whole_request(cast, clock, ann, post, kept):
    ahead = clock() + timedelta(hours=5)
    post(
        ann,
        replace(PAGE, event_id="1", occurred_at=ahead - timedelta(minutes=2)),
        replace(PAGE, event_id="2", occurred_at=ahead),
        sent_at=ahead,
    )
    assert [activity.occurred_at for activity in kept(cast.ann)] == [
        clock() - timedelta(minutes=2),
        clock(),
    ]


def test_a_retry_is_a_duplicate_also_much_later_and_on_another_device(
    cast, clock, ann, enter, post, kept
):
    (first,) = post(ann, PAGE)
    clock.advance(days=3)
    (again,) = post(enter(cast.ann), PAGE)
    assert again == ActivityResult(ActivityStatus.DUPLICATE, first.id)
    assert len(kept(cast.ann)) == 1


def test_a_retry_is_a_duplicate_though_its_clock_is_corrected_differently(clock, ann, post):
    page = replace(PAGE, occurred_at=clock())
    post(ann, page, sent_at=clock())
    clock.advance(minutes=10)
    assert post(ann, page, sent_at=clock())[0].status is ActivityStatus.DUPLICATE


def test_an_event_with_other_content_is_a_conflict_and_changes_nothing(cast, ann, post, kept):
    (first,) = post(ann, PAGE)
    (other,) = post(ann, replace(PAGE, progress_percentage=99))
    assert other == ActivityResult(ActivityStatus.CONFLICT, first.id)
    assert [activity.progress_percentage for activity in kept(cast.ann)] == [40]


def test_the_same_event_twice_in_one_request_is_kept_once(cast, ann, post, kept):
    first, again, other = post(ann, PAGE, PAGE, replace(PAGE, duration_seconds=1))
    assert [first.status, again.status, other.status] == ["accepted", "duplicate", "conflict"]
    assert {first.id, again.id, other.id} == {kept(cast.ann)[0].id}


def test_activities_without_an_id_are_never_taken_for_retries(cast, ann, post, kept):
    nameless = replace(PAGE, event_id=None)
    assert {result.status for result in post(ann, nameless, nameless)} == {ActivityStatus.ACCEPTED}
    assert len(kept(cast.ann)) == 2


def test_another_reader_may_use_the_same_event_id(cast, ann, enter, post, kept):
    post(ann, PAGE)
    assert post(enter(cast.ben), PAGE)[0].status is ActivityStatus.ACCEPTED
    assert (len(kept(cast.ann)), len(kept(cast.ben))) == (1, 1)


def test_a_mixed_request_is_answered_in_order_and_keeps_what_is_good(cast, clock, ann, post, kept):
    post(ann, PAGE)
    bookmark = Activity("bookmark_added", event_id="b")
    tomorrow = Activity("page_read", event_id="t", occurred_at=clock() + timedelta(days=2))
    results = post(ann, tomorrow, PAGE, bookmark, replace(PAGE, content_id="momo"), bookmark)
    assert isinstance(results[0], ReadwatchError)
    assert (results[0].kind, results[0].field) == (ErrorKind.INVALID, "occurred_at")
    assert [result.status for result in results[1:]] == [
        ActivityStatus.DUPLICATE,
        ActivityStatus.ACCEPTED,
        ActivityStatus.CONFLICT,
        ActivityStatus.DUPLICATE,
    ]
    assert [activity.activity_type for activity in kept(cast.ann)] == [
        "page_read",
        "bookmark_added",
    ]


def test_a_refused_activity_can_be_sent_again_once_it_is_corrected(clock, ann, post):
    tomorrow = replace(PAGE, occurred_at=clock() + timedelta(days=2))
    assert isinstance(post(ann, tomorrow)[0], ReadwatchError)
    assert post(ann, replace(PAGE, occurred_at=clock()))[0].status is ActivityStatus.ACCEPTED


def test_ids_grow_in_the_order_of_arrival(ann, clock, post):
    (late,) = post(ann, replace(PAGE, event_id="1", occurred_at=clock()))
    (early,) = post(ann, replace(PAGE, event_id="2", occurred_at=clock() - timedelta(days=1)))
    assert late.id < early.id


def test_the_largest_request_is_kept_whole(cast, db, ann, post):
    batch = [
        Activity("page_read", event_id=str(n), content_id=str(n % 7)) for n in range(MAX_BATCH)
    ]
    assert {result.status for result in post(ann, *batch)} == {ActivityStatus.ACCEPTED}
    assert {result.status for result in post(ann, *batch)} == {ActivityStatus.DUPLICATE}
    assert db.execute_sql("SELECT count(*) FROM reader_activities").fetchone() == (MAX_BATCH,)


def test_a_request_that_is_undone_leaves_no_trace(db, cast, clock, ann, kept):
    with db.atomic() as transaction:
        record_activities(db, ann, [PAGE], clock())
        transaction.rollback()
    assert kept(cast.ann) == ()
    for table in ("activity_receipts", "reader_content_progress", "activity_counts"):
        assert db.execute_sql(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_the_rights_of_the_ingest_service_are_enough(connected, cast, clock, ann):
    db = connected(Role.INGEST)
    with db.atomic():
        (receipt,) = record_activities(db, ann, [PAGE], clock())
    assert isinstance(receipt, ActivityResult)
    assert receipt.status is ActivityStatus.ACCEPTED
