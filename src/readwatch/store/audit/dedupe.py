"""Accesses that repeat within some minutes share one entry of the access log."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from readwatch.domain.audit import AuditEvent, few_readers
from readwatch.store.audit.log import (
    ListAccess,
    Permit,
    RowAccess,
    RunInTransaction,
    append_in_transaction,
    log_access_by,
    log_rows_by,
)

SHARE_ENTRY_FOR = timedelta(minutes=5)
"""The time in which accesses of the same kind share an entry."""

MAX_REMEMBERED = 10_000

K = TypeVar("K")
V = TypeVar("V")


class AuditDeduplicator:
    """Logs accesses and returns the permits; safe to use from many threads.

    Accesses are of the same kind if the same user opens the same view of the same reader, or the
    same page of a list, from the same address. Two threads that log the same kind at the same time
    can write two entries. `commit` writes an entry to disk, or raises.
    """

    def __init__(self, commit: RunInTransaction) -> None:
        self._commit = commit
        self._permits: _Recent[AuditEvent, Permit] = _Recent()
        self._lists: _Recent[AuditEvent, None] = _Recent()
        self._refusals: _Recent[int, int] = _Recent()

    def log_access(self, event: AuditEvent, now: datetime) -> Permit:
        """Return the permit for one reader's data after an entry of this kind is on disk."""
        return self._permits.get_or_make(
            event, now, lambda: log_access_by(self._commit, event, now)
        )

    def log_rows(
        self,
        access: ListAccess,
        event: AuditEvent,
        reader_ids: Iterable[int | None],
        now: datetime,
        *,
        page: AuditEvent | None = None,
    ) -> RowAccess:
        """Return the right to the rows of a list after entries of this kind are on disk.

        `reader_ids` are the readers of the rows: if they are few, each of them is named. A list
        with pages has an entry for each `page`, and names readers in entries of the whole list, so
        that somebody who follows it names a reader once in `SHARE_ENTRY_FOR`.
        """
        events = [event.about(id) for id in sorted(few_readers(reader_ids))]
        if page is not None or not events:
            events.append(page or event)
        missing = [event for event in events if not self._lists.has(event, now)]
        rows = log_rows_by(self._commit, access, missing, now)
        for event in missing:
            self._lists.add(event, now, None)
        return rows

    def log_refusal(self, event: AuditEvent, now: datetime) -> None:
        """Log a refused access: for each user only the first one within `SHARE_ENTRY_FOR`.

        Otherwise a reader who tries all ids could write one entry for each id.
        """
        self._refusals.get_or_make(
            event.actor_id,
            now,
            lambda: self._commit(lambda db: append_in_transaction(db, event, now)),
        )


class _Recent(Generic[K, V]):
    """A cache: one value for each kind of access, kept for `SHARE_ENTRY_FOR`."""

    def __init__(self) -> None:
        self._made: dict[K, tuple[datetime, V]] = {}

    def get_or_make(self, kind: K, now: datetime, make: Callable[[], V]) -> V:
        """Return the value of a kind; if it is missing or too old, make it with `make`."""
        recent = self._recent(kind, now)
        if recent is not None:
            return recent[1]
        value = make()
        self.add(kind, now, value)
        return value

    def has(self, kind: K, now: datetime) -> bool:
        """Tell whether there is a value of a kind that is not too old."""
        return self._recent(kind, now) is not None

    def add(self, kind: K, now: datetime, value: V) -> None:
        """Keep the value of a kind from now on."""
        if len(self._made) >= MAX_REMEMBERED:
            self._made.clear()
        self._made[kind] = now, value

    def _recent(self, kind: K, now: datetime) -> tuple[datetime, V] | None:
        recent = self._made.get(kind)
        if recent is not None and timedelta(0) <= now - recent[0] < SHARE_ENTRY_FOR:
            return recent
        return None
