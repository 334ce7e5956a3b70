"""When an activity occurred, and how a retry is told from other content."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from readwatch.domain.activities import Activity, canonical_json, corrected_occurred_at, fingerprint
from readwatch.domain.errors import ErrorKind, ReadwatchError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
JUST = timedelta(microseconds=1)

PAGE = Activity(
    activity_type="page_read",
    content_id="hobbit",
    content_title="The Hobbit",
    progress_percentage=40,
    duration_seconds=90,
    metadata=canonical_json({"page": 7, "words": {"new": 3, "known": 250}}),
    event_id="e1",
    occurred_at=NOON,
)


def at(moment: datetime | None) -> Activity:
    return replace(PAGE, occurred_at=moment)


def test_an_activity_without_a_moment_occurred_when_it_arrived():
    assert corrected_occurred_at(at(None), NOON - DAY, NOON) == NOON


def test_a_right_clock_is_believed():
    assert corrected_occurred_at(at(NOON - timedelta(minutes=20)), None, NOON) == NOON - timedelta(
        minutes=20
    )
    assert corrected_occurred_at(at(NOON - timedelta(minutes=20)), NOON, NOON) == NOON - timedelta(
        minutes=20
    )


@pytest.mark.parametrize("off_by", [timedelta(hours=3), timedelta(days=-700)], ids=str)
def test_a_wrong_clock_is_corrected_by_what_it_says_when_it_sends(off_by):
    a_minute_ago = NOON - timedelta(minutes=1)
    assert corrected_occurred_at(at(a_minute_ago + off_by), NOON + off_by, NOON) == a_minute_ago


@pytest.mark.parametrize("ahead", [JUST, timedelta(hours=2), DAY], ids=str)
def test_what_seems_to_happen_later_happened_on_arrival(ahead):
    assert corrected_occurred_at(at(NOON + ahead), None, NOON) == NOON


def test_the_beginning_of_1970_is_early_enough():
    assert corrected_occurred_at(at(datetime(1970, 1, 1, tzinfo=UTC)), None, NOON).year == 1970


@pytest.mark.parametrize(
    ("moment", "sent_at"),
    [
        (NOON + DAY + JUST, None),
        (NOON + 400 * DAY, NOON),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), None),
        (datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=1))), None),
        (NOON, NOON + 60 * 365 * DAY),
        (datetime.max.replace(tzinfo=UTC), NOON - DAY),
        (datetime.min.replace(tzinfo=UTC), NOON + DAY),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), None),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=12))), None),
    ],
)
def test_a_moment_that_cannot_be_is_refused_and_named(moment, sent_at):
    with pytest.raises(ReadwatchError) as refusal:
        corrected_occurred_at(at(moment), sent_at, NOON)
    assert (refusal.value.kind, refusal.value.field) == (ErrorKind.INVALID, "occurred_at")


def test_a_retry_is_known_by_its_content_not_by_its_id_or_the_order_of_its_keys():
    retry = replace(
        PAGE, event_id=None, metadata=canonical_json({"words": {"known": 250, "new": 3}, "page": 7})
    )
    assert fingerprint(retry) == fingerprint(PAGE)


@pytest.mark.parametrize(
    "change",
    [
        {"activity_type": "page_turned"},
        {"content_id": "hobbit-2"},
        {"content_id": None},
        {"content_title": "The Hobbit "},
        {"progress_percentage": 41},
        {"progress_percentage": None},
        {"duration_seconds": 0},
        {"metadata": "{}"},
        {"metadata": canonical_json({"page": True, "words": {"new": 3, "known": 250}})},
        {"occurred_at": NOON + timedelta(milliseconds=1)},
        {"occurred_at": None},
    ],
    ids=str,
)
def test_any_other_content_has_another_fingerprint(change):
    assert fingerprint(replace(PAGE, **change)) != fingerprint(PAGE)


def test_metadata_is_kept_as_compact_json_in_its_own_script():
    assert canonical_json({"título": [1, 2.5, None, True]}) == '{"título":[1,2.5,null,true]}'
    assert canonical_json({}) == "{}"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_does_not_know_is_refused(number):
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"speed": number})
