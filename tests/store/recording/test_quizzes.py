"""The last quiz of each reader with each content, and which of them failed."""

from datetime import timedelta

import pytest
from permits import LIST_ACCESS

from readwatch.domain.activities import Activity, canonical_json
from readwatch.domain.attention import Quiz
from readwatch.store.engine.connections import driver_connection
from readwatch.store.engine.privileges import Role
from readwatch.store.recording import quizzes

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def failed(connected, clock):
    """`failed()` is what a console is told of the last day, with 60 as the score that passes."""
    return lambda: quizzes.failed_quizzes(connected(Role.CONSOLE), LIST_ACCESS, clock() - DAY, 60)


@pytest.fixture
def ends(clock, post):
    """`ends(caller, content, …)` is a quiz that ended so many minutes ago, as an app tells it."""

    def ends(caller, content: str | None = "momo", minutes: float = 0, **result: object) -> None:
        moment = clock() - minutes * MINUTE
        metadata = canonical_json(result) if result else None
        post(caller, Activity("quiz_completed", content, metadata=metadata, occurred_at=moment))

    return ends


def test_failed_is_who_did_not_pass_or_scored_too_little(cast, clock, enter, post, ends, failed):
    ann, ben = enter(cast.ann), enter(cast.ben)
    post(ann, Activity("page_read", "momo", metadata=canonical_json({"passed": False})))
    ends(ann, "a", 3, passed=False, score=99)
    ends(ann, "b", 2, score=59.5)
    ends(ann, "c", score=60)
    ends(ann, "d", passed=True, score=0)
    ends(ann, "e", passed="no", score="12")
    ends(ann, "f")
    ends(ben, None, 1, passed=False)
    now = clock()
    assert failed() == [
        Quiz(cast.ann.id, "a", now - 3 * MINUTE, False, 99),
        Quiz(cast.ann.id, "b", now - 2 * MINUTE, None, 59.5),
        Quiz(cast.ben.id, "", now - MINUTE, False, None),
    ]


@pytest.mark.parametrize("passed_first", [True, False])
def test_a_quiz_that_is_passed_takes_back_the_failures_before_it_whichever_arrives_first(
    cast, enter, ends, failed, passed_first
):
    ann = enter(cast.ann)
    for passed in (passed_first, not passed_first):
        ends(ann, "momo", 5 if passed else 10, passed=passed)
    assert failed() == []
    ends(ann, "momo", 1, passed=False)
    assert len(failed()) == 1


def test_of_two_quizzes_in_one_request_the_later_counts_and_at_the_same_time_the_last_one(
    cast, clock, enter, post, failed
):
    def quiz(minutes: int, *, passed: bool) -> Activity:
        metadata = canonical_json({"passed": passed})
        at = clock() - minutes * MINUTE
        return Activity("quiz_completed", "momo", metadata=metadata, occurred_at=at)

    ann = enter(cast.ann)
    post(ann, quiz(1, passed=True), quiz(2, passed=False))
    assert failed() == []
    post(ann, quiz(1, passed=True), quiz(1, passed=False))
    assert len(failed()) == 1


def test_what_failed_a_day_ago_is_asked_for_no_more(cast, clock, enter, ends, failed):
    ends(enter(cast.ann), passed=False)
    clock.moment += DAY - timedelta(milliseconds=1)
    assert len(failed()) == 1
    clock.moment += timedelta(milliseconds=1)
    assert failed() == []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_failures_are_read_off_their_index_alone(db):
    sql = f"EXPLAIN QUERY PLAN {quizzes._FAILED.text(db)}"
    plan = [
        step for *_, step in driver_connection(db).execute(sql, {"since": "", "pass_score": 60})
    ]
    index = "idx_reader_quizzes_failed (occurred_at>?)"
    assert plan == [f"SEARCH t1 USING COVERING INDEX {index}"]
