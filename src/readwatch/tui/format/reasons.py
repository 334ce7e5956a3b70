"""The reasons of a case in words, as a reader's page begins with them."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from readwatch.domain.activities import RecordedActivity
from readwatch.domain.attention import FailedQuiz, Reason, Rule
from readwatch.domain.clock import ago_in_words, length_of
from readwatch.domain.plural import ordinal
from readwatch.monitor.snapshots import ReaderSnapshot
from readwatch.store.recording.quizzes import QUIZ_ENDED
from readwatch.tui.format.cells import Tone
from readwatch.tui.format.metadata import number_from_1
from readwatch.tui.format.text import short_time

RULE_TONES: Mapping[Rule, Tone] = {
    Rule.FAILED_QUIZ: "bad",
    Rule.SNOOZE_ENDED: "warn",
    Rule.SILENT: "warn",
    Rule.IDLE: "warn",
    Rule.CAME_BACK: "accent",
    Rule.NO_PROGRESS: "muted",
}


def reason_in_words(reason: Reason, now: datetime, page: ReaderSnapshot | None = None) -> str:
    """Return a reason as a sentence, with what the reader's page knows about a failed quiz."""
    length = length_of(now - reason.since)
    match reason.rule:
        case Rule.FAILED_QUIZ if reason.quiz is not None:
            return ", ".join(_failed_quiz(reason, reason.quiz, page, now))
        case Rule.SNOOZE_ENDED:
            return f"was snoozed until {short_time(reason.since, now)}"
        case Rule.SILENT:
            return f"silent in the middle of a session: no sign of life for {length}"
        case Rule.IDLE:
            return f"idle for {length}: the app is open, and nothing is read"
        case Rule.CAME_BACK:
            return f"{reason}, logged in {ago_in_words(reason.since, now)}"
        case Rule.NO_PROGRESS:
            return f"no progress for {length}, with a title that is not finished"
    return f"{reason}, {ago_in_words(reason.since, now)}"


def _failed_quiz(
    reason: Reason, quiz: FailedQuiz, page: ReaderSnapshot | None, now: datetime
) -> Iterator[str]:
    """Yield the parts of a sentence, the title last: `failed the quiz of chapter 36: score 30`."""
    metadata = _metadata(_activity_of(reason, page))
    chapter, attempt = (number_from_1(metadata.get(key)) for key in ("chapter", "attempt"))
    failed = f"failed the quiz of chapter {chapter}" if chapter else "failed the quiz"
    if quiz.score is None:
        yield failed
    elif quiz.needed is None:
        yield f"{failed}: score {quiz.score:g}"
    else:
        yield f"{failed}: {quiz.score:g} of {quiz.needed} needed"
    if attempt:
        yield f"{ordinal(attempt)} try"
    yield ago_in_words(reason.since, now)
    if page is not None:
        titles = (it.content_title for it in page.contents if it.content_id == quiz.content_id)
        if title := next(titles, quiz.content_id):
            yield f"in {title}"


def _activity_of(reason: Reason, page: ReaderSnapshot | None) -> RecordedActivity | None:
    """Return the activity that ended a failed quiz, if it is on the page."""
    return next(
        (
            activity
            for activity in (() if page is None else page.activities)
            if activity.activity_type == QUIZ_ENDED and activity.occurred_at == reason.since
        ),
        None,
    )


def _metadata(activity: RecordedActivity | None) -> Mapping[str, object]:
    try:
        values = json.loads(activity.metadata_json) if activity else {}
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
