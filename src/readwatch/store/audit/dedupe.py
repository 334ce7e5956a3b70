"""Accesses that repeat within some minutes share one entry of the access log."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
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

    Accesses are of the same kind if the same user opens the same view of the same reader, or with
    the same role the same page of a list, from the same address. `commit` writes an entry to disk,
    or raises.
    """

    def __init__(self, commit: RunInTransaction) -> None:
        self._commit = commit
        self._permits: _Recent[AuditEvent, Permit] = _Recent()
        self._lists: _Recent[tuple[ListAccess, AuditEvent], RowAccess] = _Recent()
        self._refusals: _Recent[tuple[int, int | None], int] = _Recent()

    def log_access(self, event: AuditEvent, now: datetime) -> Permit:
        """Return the permit for one reader's data after an entry of this kind is on disk."""
        return self._permits.get_or_make(
            event, now, lambda: log_access_by(self._commit, event, now)
        )

    def log_rows(
        self,
        access: ListAccess,
        list_event: AuditEvent,
        reader_ids: Iterable[int | None],
        now: datetime,
        *,
        page_event: AuditEvent | None = None,
    ) -> RowAccess:
        """Return the right to the rows of a list after entries of this kind are on disk.

        `reader_ids` are the readers of the rows: if they are few, each of them is named. A list
        with pages has an entry for each page, `page_event`, and names readers in entries of the
        whole list, so that somebody who follows it names a reader once in `SHARE_ENTRY_FOR`.
        """
        readers = few_readers(reader_ids)
        for reader_id in sorted(readers):
            rows = self._log_list(access, list_event.about(reader_id), now)
        if page_event is not None or not readers:
            rows = self._log_list(access, page_event or list_event, now)
        return rows

    def _log_list(self, access: ListAccess, event: AuditEvent, now: datetime) -> RowAccess:
        return self._lists.get_or_make(
            (access, event), now, lambda: log_rows_by(self._commit, access, [event], now)
        )

    def log_refusal(self, event: AuditEvent, now: datetime, *, of_staff: bool = False) -> None:
        """Log a refused access within `SHARE_ENTRY_FOR`: of a reader only the first one, of staff
        the first one for each reader.

        Otherwise a reader who tries all ids could write one entry for each id.
        """
        self._refusals.get_or_make(
            (event.actor_id, event.subject_id if of_staff else None),
            now,
            lambda: self._commit(lambda db: append_in_transaction(db, event, now)),
        )


class _Recent(Generic[K, V]):
    """A cache: one value for each kind of access, kept for `SHARE_ENTRY_FOR`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[K, tuple[datetime, Future[V]]] = {}

    def get_or_make(self, kind: K, now: datetime, make: Callable[[], V]) -> V:
        """Return the value of a kind; if it is missing or too old, make it with `make`.

        Threads that ask at the same time get the value, or the error, of the first one.
        """
        future, is_new = self._future(kind, now)
        if is_new:
            try:
                future.set_result(make())
            except BaseException as error:  # noqa: BLE001 - raised below, in all waiting threads
                with self._lock:
                    self._made.pop(kind, None)
                future.set_exception(error)
        return future.result()

    def _future(self, kind: K, now: datetime) -> tuple[Future[V], bool]:
        """Return the future of a kind, and whether the caller has to set it."""
        with self._lock:
            made_at, future = self._made.get(kind, (now, None))
            # Of two threads the one with the earlier time can come second.
            if future is not None and abs(now - made_at) < SHARE_ENTRY_FOR:
                return future, False
            if len(self._made) >= MAX_REMEMBERED:
                self._made.clear()
            future = Future()
            self._made[kind] = now, future
            return future, True
