"""The readers who may need a consultant: the rules of Attention, evaluated every few seconds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.arrivals import Arrivals
from readwatch.domain.attention import (
    CAME_BACK_WITHIN,
    OLD_FAILURE_AFTER,
    SILENT_FOR_AT_MOST,
    Case,
    Held,
    HeldKey,
    Login,
    Reason,
    Rule,
    Thresholds,
    UnfinishedReading,
    came_back,
    cases,
    failed_quiz,
    idle,
    no_progress,
    silent,
    snooze_ended,
    without_flapping,
)
from readwatch.domain.cases import CaseNote, CaseStatus
from readwatch.domain.text import SafeText
from readwatch.store import case_notes
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.connections import Database
from readwatch.store.lists import attention
from readwatch.store.lists.query import ListQuery, ResultIds
from readwatch.store.recording.quizzes import failed_quizzes

UNFINISHED_READINGS_EVERY = timedelta(minutes=1)
"""The interval of the rule for days without progress, whose result changes slowly."""


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """A case and its status, its reader, the last note with a text, whether the reader is marked as
    seen today, and those of its rules that are muted."""

    case: Case
    status: CaseStatus
    reader: attention.AttentionReader
    full_name: SafeText
    last_note: CaseNote | None
    is_seen: bool
    muted: frozenset[Rule] = frozenset()

    @property
    def user_id(self) -> int:
        """The id of the reader."""
        return self.reader.user_id

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that hold, the most urgent first, without a snooze that is over: that cannot be
        muted."""
        rules = (reason.rule for reason in self.case.reasons)
        return tuple(rule for rule in rules if rule is not Rule.SNOOZE_ENDED)

    @property
    def is_muted(self) -> bool:
        """Whether all reasons are muted."""
        return self.case.has_only(self.muted)


class Attention:
    """Keeps data between two evaluations: data that is not read again, and recent reasons."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._seen: frozenset[int] = frozenset()
        self._muted: frozenset[Rule] = frozenset()
        self.reset()

    def reset(self) -> None:
        """Drop all cases, because the next evaluation may read another database."""
        self._cases: dict[int, Case] = {}
        self._in_need: frozenset[int] = frozenset()
        self._due: frozenset[int] = frozenset()
        self._set_aside: frozenset[int] = frozenset()
        self._unseen: tuple[int, ...] = ()
        self._last_session: int | None = None
        self._logins: dict[int, Login] = {}
        self._unfinished_readings: list[UnfinishedReading] = []
        self._unfinished_readings_at: datetime | None = None
        self._held: dict[HeldKey, Held] = {}

    @property
    def in_need(self) -> frozenset[int]:
        """The readers of the last evaluation whose cases need the consultant."""
        return self._in_need

    @property
    def muted(self) -> frozenset[Rule]:
        """The rules that do not concern the consultant today."""
        return self._muted

    @property
    def unseen(self) -> tuple[int, ...]:
        """The readers whose cases need the consultant and who are not set aside, the most urgent
        first."""
        return self._unseen

    def set_marks(self, seen: frozenset[int], muted: frozenset[Rule]) -> None:
        """Set aside the readers who are marked as seen, and those of whom all rules are muted; no
        mark hides a case that is due."""
        self._seen, self._muted = seen, muted
        self._apply_marks()

    def _apply_marks(self) -> None:
        muted = {id for id, case in self._cases.items() if case.has_only(self._muted)}
        self._set_aside = (self._seen | muted) - self._due
        in_need = self._in_need - self._set_aside
        self._unseen = tuple(id for id in self._cases if id in in_need)

    def case_of(self, reader_id: int) -> Case | None:
        """Return the case of a reader in the last evaluation."""
        return self._cases.get(reader_id)

    def refresh(self, db: Database, access: ListAccess, now: datetime, arrivals: Arrivals) -> None:
        """Evaluate the rules at `now`."""
        self._read_logins_and_unfinished_readings(db, access, now)
        reasons = {
            (reader_id, reason.rule): reason
            for reader_id, reason in self._reasons(db, access, now, arrivals)
            if reason is not None
        }
        self._held = without_flapping(self._held, reasons, now)
        still = attention.active_readers(db, access, {reader_id for reader_id, _ in self._held})
        self._held = {key: held for key, held in self._held.items() if key[0] in still}
        changes = case_notes.last_changes(db, access, still)
        resolutions = case_notes.last_resolutions(db, access, still)
        old_before = now - OLD_FAILURE_AFTER
        by_urgency = cases(self._held, changes, resolutions, old_failures_before=old_before)
        self._cases = {case.reader_id: case for case in by_urgency}
        self._in_need, self._due = (
            frozenset(id for id, case in self._cases.items() if applies(case, access.user_id, now))
            for applies in (Case.needs, Case.is_due_to)
        )
        self._apply_marks()

    def ids(self, db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
        """Return the readers of the last evaluation who match the query."""
        return attention.attention_ids(
            db, access, [*self._cases.values()], self._set_aside, query, now
        )

    def items(
        self, db: Database, access: RowAccess, ids: Sequence[int], now: datetime
    ) -> tuple[AttentionItem, ...]:
        """Return the items of the readers with these ids."""
        current_ids = [id for id in ids if id in self._cases]
        texts = case_notes.last_texts(db, access, current_ids)
        return tuple(
            self._item(reader, texts.get(reader.user_id), now)
            for reader in attention.attention_readers(db, access, current_ids, now)
        )

    def _item(
        self, reader: attention.AttentionReader, last_note: CaseNote | None, now: datetime
    ) -> AttentionItem:
        case = self._cases[reader.user_id]
        return AttentionItem(
            case=case,
            status=case.status_at(now),
            reader=reader,
            full_name=reader.full_name,
            last_note=last_note,
            is_seen=reader.user_id in self._seen and reader.user_id not in self._due,
            muted=self._muted,
        )

    def _read_logins_and_unfinished_readings(
        self, db: Database, access: ListAccess, now: datetime
    ) -> None:
        thresholds = self._thresholds
        logins_since = now - CAME_BACK_WITHIN
        after, until = self._last_session, attention.last_session_id(db)
        if after is None:
            after = attention.last_session_id_before(db, logins_since)
        returned = attention.logins(db, access, after, until, now - thresholds.away_for)
        logins = self._logins | {login.reader_id: login for login in returned}
        self._logins = {
            id: login for id, login in logins.items() if login.started_at > logins_since
        }
        self._last_session = until
        if (
            self._unfinished_readings_at is None
            or abs(now - self._unfinished_readings_at) >= UNFINISHED_READINGS_EVERY
        ):
            inactive_since = now - thresholds.no_progress_for_at_most
            inactive_until = now - thresholds.no_progress_after
            self._unfinished_readings = attention.unfinished_readings(
                db, access, inactive_since, inactive_until
            )
            self._unfinished_readings_at = now

    def _reasons(
        self, db: Database, access: ListAccess, now: datetime, arrivals: Arrivals
    ) -> Iterator[tuple[int, Reason | None]]:
        """Yield the result of each rule for each reader to whom the rule may apply."""
        thresholds = self._thresholds
        heartbeat_at_or_before = now - (thresholds.silent_after or SILENT_FOR_AT_MOST)
        for reader in attention.open_readers(
            db,
            access,
            now,
            heartbeat_at_or_before=heartbeat_at_or_before,
            idle_at_or_before=now - thresholds.idle_after,
        ):
            yield reader.reader_id, silent(reader, now, thresholds, arrivals)
            yield reader.reader_id, idle(reader, now, thresholds)
        for quiz in failed_quizzes(
            db, access, now - thresholds.failed_within, thresholds.pass_score
        ):
            yield quiz.reader_id, failed_quiz(quiz, now, thresholds)
        for reader_id, until in case_notes.ended_snoozes(db, access, now).items():
            yield reader_id, snooze_ended(until, now)
        for login in self._logins.values():
            yield login.reader_id, came_back(login, now, thresholds)
        for reading in self._unfinished_readings:
            yield reading.reader_id, no_progress(reading, now, thresholds)
