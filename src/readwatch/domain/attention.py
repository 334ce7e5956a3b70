"""Attention: the rules that find readers who may need a consultant."""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from readwatch.domain.arrivals import Arrivals
from readwatch.domain.cases import CaseNote, CaseStatus, holder_status

ACTIVE_WITHIN = timedelta(minutes=5)
"""How long after a login or an activity a reader counts as active in a session."""

SILENT_FOR_AT_MOST = timedelta(minutes=30)
"""A reader without a heartbeat for longer has left: the rule no longer applies."""

IDLE_FOR_AT_MOST = timedelta(hours=2)
"""A reader who is idle for longer has left the app open: the rule no longer applies."""

DUE_FOR_AT_MOST = timedelta(days=7)
"""A case whose snooze ended longer ago is not listed for that any more."""

CAME_BACK_WITHIN = timedelta(hours=24)

OLD_FAILURE_AFTER = timedelta(hours=4)
"""A quiz that was failed longer ago comes after the readers who are silent or idle now."""

MAX_REASON_KEYS = 30
"""The number of reasons that a note of a snoozed or resolved case names."""

REASON_KEPT_FOR = timedelta(minutes=2)
"""A reason stays for this long after its rule last held, so that rows do not appear and vanish."""


class Rule(StrEnum):
    """Why a reader may need a consultant, the most urgent first."""

    FAILED_QUIZ = "failed quiz"
    SNOOZE_ENDED = "snooze over"
    SILENT = "silent"
    IDLE = "idle"
    CAME_BACK = "back"
    NO_PROGRESS = "no progress"


_URGENCY = {rule: rank for rank, rule in enumerate(Rule)}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The durations of the rules; zero turns a rule off."""

    silent_after: timedelta = timedelta(minutes=4)
    idle_after: timedelta = timedelta(minutes=15)
    no_progress_after: timedelta = timedelta(days=7)
    failed_within: timedelta = timedelta(hours=24)
    pass_score: int = 60
    """The score that passes a quiz, if the app does not report whether it was passed."""
    away_for: timedelta = timedelta(days=14)

    @property
    def no_progress_for_at_most(self) -> timedelta:
        """The longest time without progress: after it a reader counts as gone, not as stuck."""
        return 2 * self.no_progress_after


DEFAULT_THRESHOLDS = Thresholds()


@dataclass(frozen=True, slots=True)
class OpenReader:
    """A reader with an open session; `last_heartbeat` and `idle_since` are as in
    `domain.presence`.
    """

    reader_id: int
    last_heartbeat: datetime
    idle_since: datetime | None


@dataclass(frozen=True, slots=True)
class Quiz:
    """The result of a quiz; `passed` and `score` are None if the app does not report them."""

    reader_id: int
    content_id: str
    occurred_at: datetime
    passed: bool | None
    score: float | None


@dataclass(frozen=True, slots=True)
class Login:
    """A reader's login, and the last heartbeat before it."""

    reader_id: int
    started_at: datetime
    previous_heartbeat: datetime


@dataclass(frozen=True, slots=True)
class UnfinishedReading:
    """A reader with unfinished content, and the last activity."""

    reader_id: int
    last_activity_at: datetime


@dataclass(frozen=True, slots=True)
class FailedQuiz:
    """A quiz that was not passed; `needed` is the score that passes it, None if the app decides."""

    content_id: str
    score: float | None
    needed: int | None


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that holds for a reader, the time since it holds, a detail to show, and the quiz that
    was failed."""

    rule: Rule
    since: datetime
    detail: str = ""
    quiz: FailedQuiz | None = None

    @property
    def key(self) -> str:
        """The text that tells this reason from all others of its reader."""
        return f"{self.rule} {self.since:%Y-%m-%d %H:%M:%S.%f}"

    def __str__(self) -> str:
        return f"{self.rule}{self.detail}"


@dataclass(frozen=True, slots=True)
class Case:
    """A reader who may need a consultant, with the reasons that count, the most urgent first, the
    last change by a consultant, and the last resolution.

    Reasons that were resolved do not count, unless all were: then the case `is_resolved`. With
    `has_new_reason` a snooze is over. `reason_keys` has the keys of all reasons, resolved ones too.
    """

    reader_id: int
    reasons: tuple[Reason, ...]
    change: CaseNote | None = None
    resolution: CaseNote | None = None
    is_resolved: bool = False
    has_new_reason: bool = False
    reason_keys: tuple[str, ...] = ()

    @property
    def since(self) -> datetime:
        """Return when the most urgent reason began."""
        return self.reasons[0].since

    def has_only(self, rules: Set[Rule]) -> bool:
        """Tell whether all reasons that count are of these rules."""
        return all(reason.rule in rules for reason in self.reasons)

    def status_at(self, now: datetime) -> CaseStatus:
        """Return the status of the case: somebody has it, or all its reasons are resolved, or it is
        open."""
        status = holder_status(self.change, now)
        if self.has_new_reason and status in {CaseStatus.SNOOZED, CaseStatus.DUE}:
            return CaseStatus.OPEN
        return CaseStatus.RESOLVED if self.is_resolved and status is CaseStatus.OPEN else status

    def note_at(self, now: datetime) -> CaseNote | None:
        """Return the note that gives the case its status; None for an open case."""
        match self.status_at(now):
            case CaseStatus.OPEN:
                return None
            case CaseStatus.RESOLVED:
                return self.resolution
        return self.change

    def is_due_to(self, user_id: int, now: datetime) -> bool:
        """Tell whether this consultant has snoozed the case until a time that has come."""
        is_due = self.status_at(now) is CaseStatus.DUE
        return is_due and self.change is not None and self.change.author_id == user_id

    def needs(self, user_id: int, now: datetime) -> bool:
        """Tell whether the case needs this consultant: nobody has it, or it is due."""
        return self.status_at(now) is CaseStatus.OPEN or self.is_due_to(user_id, now)

    def __str__(self) -> str:
        return ", ".join(map(str, self.reasons))


# The rules --------------------------------------------------------------------------------------


def silent(
    reader: OpenReader, now: datetime, thresholds: Thresholds, arrivals: Arrivals
) -> Reason | None:
    """The rule for a reader in the middle of a session who sends no heartbeat.

    It does not hold while nearly all readers are silent, and applies again once they had the time
    to come back.
    """
    if reader.idle_since is None or arrivals.stop is not None:
        return None
    if arrivals.resumed_at is not None and now - arrivals.resumed_at < thresholds.silent_after:
        return None
    silent_since = max(reader.last_heartbeat, reader.idle_since)
    if silent_since - reader.idle_since >= ACTIVE_WITHIN:
        return None
    return _between(Rule.SILENT, silent_since, now, thresholds.silent_after, SILENT_FOR_AT_MOST)


def idle(reader: OpenReader, now: datetime, thresholds: Thresholds) -> Reason | None:
    """The rule for a reader whose app is open and who does nothing."""
    if reader.idle_since is None:
        return None
    if thresholds.silent_after and now - reader.last_heartbeat >= thresholds.silent_after:
        return None
    return _between(Rule.IDLE, reader.idle_since, now, thresholds.idle_after, IDLE_FOR_AT_MOST)


def failed_quiz(quiz: Quiz, now: datetime, thresholds: Thresholds) -> Reason | None:
    """The rule for a recent quiz that was not passed."""
    if not thresholds.failed_within or _passed(quiz, thresholds):
        return None
    if now - quiz.occurred_at >= thresholds.failed_within:
        return None
    detail = "" if quiz.score is None else f" ({quiz.score:g})"
    needed = thresholds.pass_score if quiz.passed is None else None
    failed = FailedQuiz(quiz.content_id, quiz.score, needed)
    return Reason(Rule.FAILED_QUIZ, quiz.occurred_at, detail, failed)


def snooze_ended(until: datetime, now: datetime) -> Reason | None:
    """The rule for a case that a consultant snoozed, and that nobody has changed since."""
    is_over = timedelta(0) <= now - until < DUE_FOR_AT_MOST
    return Reason(Rule.SNOOZE_ENDED, until) if is_over else None


def came_back(login: Login, now: datetime, thresholds: Thresholds) -> Reason | None:
    """The rule for a reader who logged in after a long absence."""
    away = login.started_at - login.previous_heartbeat
    if not timedelta(0) < thresholds.away_for <= away:
        return None
    if now - login.started_at >= CAME_BACK_WITHIN:
        return None
    return Reason(Rule.CAME_BACK, login.started_at, f" after {away.days} days")


def no_progress(reading: UnfinishedReading, now: datetime, thresholds: Thresholds) -> Reason | None:
    """The rule for a reader who has not continued unfinished content for some days."""
    return _between(
        Rule.NO_PROGRESS,
        reading.last_activity_at,
        now,
        thresholds.no_progress_after,
        thresholds.no_progress_for_at_most,
    )


def _passed(quiz: Quiz, thresholds: Thresholds) -> bool:
    """Tell whether a quiz was passed; one without any result counts as passed."""
    if quiz.passed is not None:
        return quiz.passed
    return quiz.score is None or quiz.score >= thresholds.pass_score


def _between(
    rule: Rule, since: datetime, now: datetime, after: timedelta, at_most: timedelta
) -> Reason | None:
    return Reason(rule, since) if after and after <= now - since < at_most else None


# Against flapping ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """A reason, and the time at which it last held."""

    reason: Reason
    held_at: datetime


HeldKey = tuple[int, Rule]


def without_flapping(
    before: Mapping[HeldKey, Held], reasons: Mapping[HeldKey, Reason], now: datetime
) -> dict[HeldKey, Held]:
    """Return the reasons that hold now, and those that held within `REASON_KEPT_FOR`."""
    lingering = {
        key: held for key, held in before.items() if abs(now - held.held_at) < REASON_KEPT_FOR
    }
    return lingering | {key: Held(reason, now) for key, reason in reasons.items()}


def cases(
    held: Mapping[HeldKey, Held],
    changes: Mapping[int, CaseNote],
    resolutions: Mapping[int, CaseNote],
    *,
    old_failures_before: datetime | None = None,
) -> tuple[Case, ...]:
    """Return one case for each reader, the most urgent first, then the newest first.

    `changes` has the last change of a case, and `resolutions` the last resolution, by the id of the
    reader. Quizzes that failed before `old_failures_before` are less urgent than what is happening
    now.
    """

    def urgency(reason: Reason) -> float:
        is_old = old_failures_before is not None and reason.since < old_failures_before
        if is_old and reason.rule is Rule.FAILED_QUIZ:
            return _URGENCY[Rule.IDLE] + 0.5
        return _URGENCY[reason.rule]

    def rank(case: Case) -> tuple[float, float, int]:
        return (urgency(case.reasons[0]), -case.since.timestamp(), case.reader_id)

    reasons: dict[int, list[Reason]] = {}
    for (reader_id, _), held_reason in held.items():
        reasons.setdefault(reader_id, []).append(held_reason.reason)
    unsorted = [
        _case(
            reader_id,
            sorted(of_reader, key=urgency),
            changes.get(reader_id),
            resolutions.get(reader_id),
        )
        for reader_id, of_reader in reasons.items()
    ]
    return tuple(sorted(unsorted, key=rank))


def _case(
    reader_id: int,
    reasons: Sequence[Reason],
    change: CaseNote | None,
    resolution: CaseNote | None,
) -> Case:
    by_urgency = tuple(reasons)
    resolved = frozenset[str]() if resolution is None else resolution.reasons
    counting = tuple(reason for reason in by_urgency if reason.key not in resolved)
    keys = [reason.key for reason in by_urgency]
    return Case(
        reader_id,
        counting or by_urgency,
        change,
        resolution,
        is_resolved=not counting,
        has_new_reason=change is not None and any(_is_new(it, change.reasons) for it in counting),
        # Another resolution keeps what was resolved before: a reason can be hidden by a later one.
        reason_keys=tuple(dict.fromkeys((*keys, *sorted(resolved))))[:MAX_REASON_KEYS],
    )


def _is_new(reason: Reason, snoozed: Set[str]) -> bool:
    """Tell whether a reason ends a snooze: of a rule that did not hold, or another failed quiz."""
    if reason.rule is Rule.SNOOZE_ENDED or reason.key in snoozed:
        return False
    is_same_rule = any(key.startswith(f"{reason.rule} ") for key in snoozed)
    return reason.rule is Rule.FAILED_QUIZ or not is_same_rule


def quiz_result(metadata: object) -> tuple[bool | None, float | None]:
    """Return `passed` and `score` of a quiz from an app's metadata, None if they are missing.

    `metadata` is JSON text or its parsed value, of any shape. A score is 0 to 100.
    """
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            return None, None
    if not isinstance(metadata, dict):
        return None, None
    passed, score = metadata.get("passed"), metadata.get("score")
    is_score = isinstance(score, (int, float)) and not isinstance(score, bool) and 0 <= score <= 100
    return passed if isinstance(passed, bool) else None, score if is_score else None
