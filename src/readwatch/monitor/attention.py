"""The readers who may need a consultant: the rules of Attention, evaluated every few seconds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.attention import (
    CAME_BACK_WITHIN,
    SILENT_UNTIL,
    Case,
    Held,
    HeldKey,
    Login,
    Reason,
    Thresholds,
    UnfinishedReading,
    came_back,
    cases,
    failed_quiz,
    idle,
    no_progress,
    silent,
    without_flapping,
)
from readwatch.domain.text import SafeText
from readwatch.store.audit.log import ListAccess
from readwatch.store.engine.connections import Database
from readwatch.store.lists import attention
from readwatch.store.lists.query import ListQuery, ResultIds
from readwatch.store.recording.quizzes import failed_quizzes

PAUSES_EVERY = timedelta(minutes=1)
"""The interval of the rule for days without progress, whose result changes slowly."""


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """A case, its reader, and whether the consultant has marked it as seen today."""

    case: Case
    reader: attention.AttentionReader
    full_name: SafeText
    is_seen: bool

    @property
    def user_id(self) -> int:
        """The id of the reader."""
        return self.reader.user_id


class Attention:
    """Keeps data between two evaluations: data that is not read again, and recent reasons.

    `seen` contains the readers whom the consultant has marked as seen.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self.seen: frozenset[int] = frozenset()
        self.reset()

    def reset(self) -> None:
        """Drop all cases, because the next evaluation may read another database."""
        self._cases: dict[int, Case] = {}
        self._last_session: int | None = None
        self._logins: dict[int, Login] = {}
        self._pauses: list[UnfinishedReading] = []
        self._pauses_at: datetime | None = None
        self._held: dict[HeldKey, Held] = {}

    @property
    def in_need(self) -> frozenset[int]:
        """The readers of the last evaluation."""
        return frozenset(self._cases)

    def refresh(self, db: Database, access: ListAccess, now: datetime) -> None:
        """Evaluate the rules at `now`."""
        self._read_new_logins_and_pauses(db, access, now)
        reasons = {
            (reader_id, reason.rule): reason
            for reader_id, reason in self._reasons(db, access, now)
            if reason is not None
        }
        self._held = without_flapping(self._held, reasons, now)
        still = attention.active_readers(db, access, {reader_id for reader_id, _ in self._held})
        self._held = {key: held for key, held in self._held.items() if key[0] in still}
        self._cases = {case.reader_id: case for case in cases(self._held)}

    def ids(self, db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
        """Return the readers of the last evaluation who match the query."""
        return attention.attention_ids(db, access, [*self._cases.values()], self.seen, query, now)

    def items(
        self, db: Database, access: ListAccess, ids: Sequence[int], now: datetime
    ) -> tuple[AttentionItem, ...]:
        """Return the items of the readers with these ids."""
        current_ids = [id for id in ids if id in self._cases]
        return tuple(
            AttentionItem(
                self._cases[reader.user_id], reader, reader.full_name, reader.user_id in self.seen
            )
            for reader in attention.attention_readers(db, access, current_ids, now)
        )

    def _read_new_logins_and_pauses(self, db: Database, access: ListAccess, now: datetime) -> None:
        limits = self._thresholds
        logins_since = now - CAME_BACK_WITHIN
        after, until = self._last_session, attention.last_session_id(db)
        if after is None:
            after = attention.last_session_id_before(db, logins_since)
        returned = attention.logins(db, access, after, until, now - limits.away_for)
        logins = self._logins | {login.reader_id: login for login in returned}
        self._logins = {id: each for id, each in logins.items() if each.started_at > logins_since}
        self._last_session = until
        if self._pauses_at is None or abs(now - self._pauses_at) >= PAUSES_EVERY:
            since, until_then = now - limits.no_progress_until, now - limits.no_progress_after
            self._pauses = attention.unfinished_readings(db, access, since, until_then)
            self._pauses_at = now

    def _reasons(
        self, db: Database, access: ListAccess, now: datetime
    ) -> Iterator[tuple[int, Reason | None]]:
        """Yield the result of each rule for each reader to whom the rule may apply."""
        limits = self._thresholds
        silent_until = now - (limits.silent_after or SILENT_UNTIL)
        for reader in attention.open_readers(
            db, access, now, silent_until=silent_until, idle_until=now - limits.idle_after
        ):
            yield reader.reader_id, silent(reader, now, limits)
            yield reader.reader_id, idle(reader, now, limits)
        for quiz in failed_quizzes(db, access, now - limits.failed_within, limits.pass_score):
            yield quiz.reader_id, failed_quiz(quiz, now, limits)
        for login in self._logins.values():
            yield login.reader_id, came_back(login, now, limits)
        for pause in self._pauses:
            yield pause.reader_id, no_progress(pause, now, limits)
