"""The access log of live lists, which a console refreshes all the time.

If a filter leaves rows of few readers, the result says something about each of them, so each gets
an entry before the rows are read. The entry stands for the time in which this filter of this list
is open, not for one refresh.
"""

from collections.abc import Callable, Collection, Hashable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime

from readwatch.domain.audit import AuditEvent, few_readers
from readwatch.store.audit.log import (
    ListAccess,
    RowAccess,
    access_without_entry,
    log_rows_by,
    transaction_on,
)
from readwatch.store.engine.connections import Database

AccessLog = Callable[[], AbstractContextManager[Database]]
"""Yields a connection that may append to the access log."""


class LiveListLog:
    """Logs the readers of one live list at a time, each once while the list is open.

    A filter is open until another filter or another list is shown. While a filter is typed letter
    by letter, each letter is another filter: a reader whose row stays on the screen from one to
    the next is not logged again.
    """

    def __init__(self) -> None:
        self.close()

    def close(self) -> None:
        """Log everybody again from now on."""
        self._list_id: Hashable = None
        self._filter: Collection[Hashable] = ()
        self._logged: frozenset[int] = frozenset()
        self._on_screen: frozenset[int] = frozenset()

    def access_to_rows(
        self,
        access_log: AccessLog,
        access: ListAccess,
        event: AuditEvent,
        now: datetime,
        *,
        list_id: Hashable,
        filter: Collection[Hashable],
        reader_ids: Iterable[int | None],
    ) -> RowAccess:
        """Return the right to the rows of a result, after each reader who needs one has an entry.

        With an empty `filter` nothing is logged. `reader_ids` are the readers of all rows.
        """
        if list_id != self._list_id:
            self.close()
        elif filter != self._filter:
            self._logged &= self._on_screen
        readers = few_readers(reader_ids) if filter else frozenset()
        rows = self._log(access_log, access, event, readers - self._logged, now)
        self._list_id, self._filter, self._on_screen = list_id, filter, readers
        self._logged |= readers
        return rows

    def _log(
        self,
        access_log: AccessLog,
        access: ListAccess,
        event: AuditEvent,
        readers: frozenset[int],
        now: datetime,
    ) -> RowAccess:
        if not readers:
            return access_without_entry(access)
        events = [event.about(id) for id in sorted(readers)]
        with access_log() as db:
            return log_rows_by(transaction_on(db), access, events, now)
