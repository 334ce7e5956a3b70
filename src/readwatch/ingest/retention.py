"""The retention thread: each minute it measures what changes slowly, counts the readers online and
ends sessions that have timed out or expired; each hour it deletes expired rows."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from readwatch.domain.clock import Clock
from readwatch.domain.errors import ReadwatchError
from readwatch.ingest.measurements import Measurements, measure
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database, connection
from readwatch.store.lifecycle import retention
from readwatch.store.lists.online import count_online
from readwatch.store.recording import online_counts
from readwatch.store.recording.writer import Writer

ROUND_SECONDS = 60.0

PURGE_EVERY = 60
"""Expired rows are deleted in the first round and in every 60th after it."""

_log = logging.getLogger(__name__)


class RetentionThread:
    """A thread that passes the writer one small chunk of work at a time."""

    def __init__(
        self, db: Database, writer: Writer, clock: Clock, *, session_timeout: timedelta
    ) -> None:
        self._db = db
        self._writer = writer
        self._clock = clock
        self._session_timeout = session_timeout
        self.completed_rounds = 0
        self.measurements = Measurements()
        self.cleaned_up_at: datetime | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the current chunk."""
        self._closing.set()
        self._thread.join()

    def measure(self) -> None:
        """Measure what changes slowly, for the metrics."""
        with connection(self._db) as db:
            self.measurements = measure(db)

    def count_online(self) -> None:
        """Store the number of readers online; this thread counts, the writer only stores."""
        now = self._clock()
        with connection(self._db) as db:
            readers = count_online(db, ALL_READERS, now)
        self._writer.run(partial(online_counts.add_online_count, readers=readers, now=now))

    def end_silent_sessions(self) -> None:
        """End all sessions without a heartbeat or a post for longer than the session timeout.

        They end at the time of their commit, also in the last of many chunks, because other servers
        search only for sessions that ended in the last seconds.
        """
        self._in_chunks(
            self._writer.after_heartbeats(
                lambda db: retention.end_silent_sessions(db, self._clock(), self._session_timeout)
            )
        )

    def end_staff_sessions(self) -> None:
        """End the expired sessions of consultants and admins, at the time of their commit too."""
        self._in_chunks(lambda db: retention.end_staff_sessions(db, self._clock()))

    def purge_expired(self) -> None:
        """Delete failed logins, resume tokens, invitations, online counts and receipts that have
        expired."""
        now = self._clock()
        self._in_chunks(partial(retention.purge_failed_logins, now=now))
        self._in_chunks(partial(retention.purge_resume_tokens, now=now))
        self._in_chunks(partial(retention.purge_invitations, now=now))
        self._writer.run(partial(online_counts.purge_online_counts, now=now))
        self._purge_receipts(now)

    def _purge_receipts(self, now: datetime) -> None:
        after: retention.ReceiptKey | None = retention.BEFORE_FIRST_RECEIPT
        while after is not None and not self._closing.is_set():
            after = self._writer.run(partial(retention.purge_receipts, after=after, now=now))

    def _in_chunks(self, process_chunk: Callable[[Database], bool]) -> None:
        while self._writer.run(process_chunk) and not self._closing.is_set():
            pass

    def _run(self) -> None:
        for round_number in count():
            self.run_round(round_number)
            self.completed_rounds += 1
            if self._closing.wait(ROUND_SECONDS):
                break
        self._db.close()  # otherwise it is open until some time after the end of the thread

    def run_round(self, round_number: int) -> None:
        """Do what is due in a round; log what fails."""
        self._attempt(self.measure)
        self._attempt(partial(self._clean_up, purges=round_number % PURGE_EVERY == 0))

    def _clean_up(self, *, purges: bool) -> None:
        self.count_online()
        self.end_silent_sessions()
        self.end_staff_sessions()
        if purges:
            self.purge_expired()
        self.cleaned_up_at = self._clock()

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except ReadwatchError as error:
            if not self._writer.has_reported(error):
                _log.warning("retention is delayed: %s", error.message)
        except Exception as error:  # noqa: BLE001 - the next round runs, and no data is logged
            _log.error("retention failed: %s", type(error).__name__)
