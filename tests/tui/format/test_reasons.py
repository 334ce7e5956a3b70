"""The reasons of a case in words, as a reader's page begins with them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from conftest import NOON, Cast, StillClock
from permits import permit_for
from reading_app import ReadingApp

from readwatch.domain.attention import FailedQuiz, Reason, Rule
from readwatch.monitor.reader_page import ReaderPage
from readwatch.monitor.snapshots import LiveStats, ReaderSnapshot
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database
from readwatch.tui.format.reasons import RULE_TONES, reason_in_words


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def page(db: Database, cast: Cast, clock: StillClock) -> ReaderSnapshot:
    """The page of Ann, who failed a quiz 12 minutes ago."""
    ann = ReadingApp(db, cast.ann, clock)
    clock.moment = NOON - timedelta(minutes=12)
    quiz = {"score": 30, "attempt": 2, "chapter": 36}
    ann.reads("Momo", content_id="m-7", activity_type="quiz_completed", metadata=quiz)
    stats = LiveStats(NOON, online=1, per_minute=())
    return ReaderPage(1, permit_for(cast.ann.id)).snapshot(db, ALL_READERS, stats, case=None)


@pytest.mark.parametrize(
    ("quiz", "words"),
    [
        (FailedQuiz("m-7", 30, 60), "of chapter 36: 30 of 60 needed, 2nd try, 12 min ago, in Momo"),
        (FailedQuiz("m-7", 30, None), "of chapter 36: score 30, 2nd try, 12 min ago, in Momo"),
        (FailedQuiz("m-7", None, None), "of chapter 36, 2nd try, 12 min ago, in Momo"),
        (FailedQuiz("other", 2.5, None), "of chapter 36: score 2.5, 2nd try, 12 min ago, in other"),
        (FailedQuiz("", 30, 60), "of chapter 36: 30 of 60 needed, 2nd try, 12 min ago"),
    ],
)
def test_a_failed_quiz_says_what_the_page_knows_about_it(
    page: ReaderSnapshot, quiz: FailedQuiz, words: str
) -> None:
    reason = Reason(Rule.FAILED_QUIZ, NOON - timedelta(minutes=12), quiz=quiz)
    assert reason_in_words(reason, NOON, page) == f"failed the quiz {words}"


@pytest.mark.parametrize("metadata", ["", "no JSON", "[36]", '{"chapter":"x","attempt":true}'])
def test_a_quiz_without_usable_metadata_has_its_score_and_its_title(
    page: ReaderSnapshot, metadata: Any
) -> None:
    [activity] = page.activities
    page = replace(page, activities=(replace(activity, metadata_json=metadata),))
    reason = Reason(Rule.FAILED_QUIZ, activity.occurred_at, quiz=FailedQuiz("m-7", 30, 60))
    words = "failed the quiz: 30 of 60 needed, 12 min ago, in Momo"
    assert reason_in_words(reason, NOON, page) == words
    assert reason_in_words(reason, NOON) == words.removesuffix(", in Momo")


@pytest.mark.parametrize("rule", [rule for rule in Rule if rule is not Rule.FAILED_QUIZ])
def test_each_other_rule_has_a_sentence_with_its_time_and_a_tone(rule: Rule) -> None:
    since = NOON - timedelta(minutes=20)
    words = reason_in_words(Reason(rule, since), NOON)
    assert "20 min" in words or f"{since.astimezone():%H:%M}" in words
    assert rule in RULE_TONES
