"""Looks that repeat rest on the entry that is on record, so that the access log stays readable."""

from collections.abc import Callable
from datetime import datetime, timedelta

from readwatch.domain.audit import AuditEvent, Permit
from readwatch.store.audit.log import permitted

REPEAT_WITHIN = timedelta(minutes=5)
"""For how long an entry stands for looks of the same kind."""

MAX_REMEMBERED = 10_000


class AuditDeduplicator:
    """Permits looks, each with an entry that names it; safe to use from many threads.

    A look is of the same kind if the same person looks from the same address at the same view of
    the same reader. `record` puts one on record and raises if it cannot.
    """

    def __init__(self, record: Callable[[AuditEvent, datetime], object]) -> None:
        self._record = record
        self._recorded: dict[AuditEvent | int, datetime] = {}

    def permit(self, look: AuditEvent, now: datetime) -> Permit:
        """Return the permit for a look once it is on record."""
        self.log(look, now)
        return permitted(look)

    def log(self, look: AuditEvent, now: datetime) -> None:
        """Put a look on record that needs no permit, such as one at a list of all readers."""
        self._unless_it_rests(look, look, now)

    def log_refusal(self, look: AuditEvent, now: datetime) -> None:
        """Put on record that somebody was refused: the first time in five minutes, whatever it was.

        Else a reader who tries all numbers could write an entry for each.
        """
        self._unless_it_rests(look.consultant_user_id, look, now)

    def _unless_it_rests(self, kind: AuditEvent | int, look: AuditEvent, now: datetime) -> None:
        recorded_at = self._recorded.get(kind)
        if recorded_at is not None and timedelta(0) <= now - recorded_at < REPEAT_WITHIN:
            return
        self._record(look, now)
        if len(self._recorded) >= MAX_REMEMBERED:
            self._recorded.clear()
        self._recorded[kind] = now
