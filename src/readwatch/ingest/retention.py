"""The service's round: each minute it counts who is online and ends sessions that are silent
or too old; each hour it forgets what is old."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from readwatch.domain.clock import Clock
from readwatch.domain.errors import ReadwatchError
from readwatch.store.engine.connections import Database, connection
from readwatch.store.lifecycle import retention
from readwatch.store.lists.online import count_online
from readwatch.store.recording import online_counts
from readwatch.store.recording.writer import Writer

TURN_SECONDS = 60.0

FORGET_EVERY = 60
"""Every so many turns, and in the first one, what is old is forgotten."""

_log = logging.getLogger(__name__)


class RetentionThread:
    """A thread that hands the writer one small portion after the other."""

    def __init__(
        self, db: Database, writer: Writer, clock: Clock, end_silent_after: timedelta
    ) -> None:
        self._db = db
        self._writer = writer
        self._clock = clock
        self._end_silent_after = end_silent_after
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="clean-up", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the portion that is under way."""
        self._closing.set()
        self._thread.join()

    def count_online(self) -> None:
        """Note how many readers are online; they are counted outside of the writer's time."""
        now = self._clock()
        with connection(self._db) as db:
            readers = count_online(db, now)
        self._writer.run(partial(online_counts.add_online_count, readers=readers, now=now))

    def end_silent_sessions(self) -> None:
        """End all sessions that have been silent for too long."""
        now = self._clock()
        self._in_portions(
            partial(retention.end_silent_sessions, now=now, silent_for=self._end_silent_after)
        )

    def end_staff_sessions(self) -> None:
        """End the sessions of consultants and admins that are good no more."""
        self._in_portions(partial(retention.end_staff_sessions, now=self._clock()))

    def forget(self) -> None:
        """Forget all that is too old to be of use."""
        now = self._clock()
        self._in_portions(partial(retention.purge_failed_logins, now=now))
        self._in_portions(partial(retention.purge_resume_tokens, now=now))
        self._writer.run(partial(online_counts.purge_online_counts, now=now))
        self._forget_receipts(now)

    def _forget_receipts(self, now: datetime) -> None:
        place: retention.ReceiptKey | None = retention.BEFORE_FIRST_RECEIPT
        while place is not None and not self._closing.is_set():
            place = self._writer.run(partial(retention.purge_receipts, after=place, now=now))

    def _in_portions(self, portion: Callable[[Database], bool]) -> None:
        while self._writer.run(portion) and not self._closing.is_set():
            pass

    def _serve(self) -> None:
        for turn in count():
            try:
                self.count_online()
                self.end_silent_sessions()
                self.end_staff_sessions()
                if turn % FORGET_EVERY == 0:
                    self.forget()
            except ReadwatchError as error:
                _log.warning("the clean-up is put off: %s", error.message)
            except Exception as error:  # noqa: BLE001 - it must go on, and say nothing of anybody
                _log.error("the clean-up failed: %s", type(error).__name__)
            if self._closing.wait(TURN_SECONDS):
                return
