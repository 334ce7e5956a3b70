"""Accesses that repeat within some minutes share one entry of the access log."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from readwatch.domain.audit import AuditEvent
from readwatch.store.audit.log import (
    ListAccess,
    LoggedListAccess,
    Permit,
    RunInTransaction,
    append_in_transaction,
    log_access_by,
    log_list_access_by,
)

SHARE_ENTRY_FOR = timedelta(minutes=5)
"""The time in which accesses of the same kind share an entry."""

MAX_REMEMBERED = 10_000

K = TypeVar("K")
V = TypeVar("V")


class AuditDeduplicator:
    """Logs accesses and returns the permits; safe to use from many threads.

    Accesses are of the same kind if the same user opens the same view of the same reader, or the
    same list, from the same address. Two threads that log the same kind at the same time can
    write two entries. `commit` writes an entry to disk, or raises.
    """

    def __init__(self, commit: RunInTransaction) -> None:
        self._commit = commit
        self._permits: _Recent[AuditEvent, Permit] = _Recent()
        self._lists: _Recent[AuditEvent, LoggedListAccess] = _Recent()
        self._refusals: _Recent[int, int] = _Recent()

    def log_access(self, event: AuditEvent, now: datetime) -> Permit:
        """Return the permit for one reader's data after an entry of this kind is on disk."""
        return self._permits.get_or_make(
            event, now, lambda: log_access_by(self._commit, event, now)
        )

    def log_list_access(
        self, access: ListAccess, event: AuditEvent, now: datetime
    ) -> LoggedListAccess:
        """Return the right to list readers after an entry of this kind is on disk."""
        return self._lists.get_or_make(
            event, now, lambda: log_list_access_by(self._commit, access, event, now)
        )

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
        if (recent := self._made.get(kind)) is not None:
            made_at, value = recent
            if timedelta(0) <= now - made_at < SHARE_ENTRY_FOR:
                return value
        value = make()
        if len(self._made) >= MAX_REMEMBERED:
            self._made.clear()
        self._made[kind] = now, value
        return value
