"""The log of slow queries: it never delays a statement, and contains no values.

A statement's own thread only puts the report into a queue. A thread of the log takes the plan, once
for each text, with a connection of its own and the privileges of the statement.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from readwatch.domain.clock import Clock
from readwatch.domain.slow_queries import SlowQuery
from readwatch.store.engine.connections import Database, close_own_connection, connection
from readwatch.store.engine.database import EngineSettings
from readwatch.store.engine.plans import query_plan

MAX_A_MINUTE = 20
"""The maximum number of slow queries that are reported in a minute; the others are counted."""

MAX_SQL_CHARACTERS = 2000

MAX_PLANS = 1000
"""The maximum number of texts whose plan is taken; a program has some hundred."""

CLOSE_SECONDS = 2.0
"""The longest time that `close` waits for the last reports."""

_Report = tuple[Database, str, float, int | None, int]


class SlowQueryLog:
    """Calls `write` with each slow query, in the log's own thread, which the first one starts.

    A failure of `write` ends nothing: the query is not reported.
    """

    def __init__(
        self,
        program: str,
        write: Callable[[SlowQuery], object],
        clock: Clock,
        uptime: Callable[[], float] = monotonic,
    ) -> None:
        self._program = program
        self._write = write
        self._clock = clock
        self._lock = threading.Lock()
        self._uptime = uptime
        self._minute = uptime()
        self._reported = 0
        self._left_out = 0
        self._explained: set[str] = set()
        self._reports: queue.SimpleQueue[_Report | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def watched(self, settings: EngineSettings, milliseconds: int) -> EngineSettings:
        """Return settings with which statements are reported that take longer than `milliseconds`;
        with 0 none is."""
        if not milliseconds:
            return settings
        return replace(settings, slow_seconds=milliseconds / 1000, report_slow=self.report)

    def report(self, db: Database, sql: str, seconds: float, rows: int | None) -> None:
        """Report a slow statement; its own thread calls this and does not wait."""
        with self._lock:
            now, left_out = self._uptime(), 0
            if now - self._minute >= 60:
                left_out, self._left_out, self._reported, self._minute = self._left_out, 0, 0, now
            if self._reported >= MAX_A_MINUTE:
                self._left_out += 1
                return
            self._reported += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="slow queries", daemon=True)
                self._thread.start()
        self._reports.put((db, sql, seconds, rows, left_out))

    def close(self) -> None:
        """Write what was reported and stop the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._reports.put(None)
            thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while (report := self._reports.get()) is not None:
            try:
                self._write(self._slow_query(*report))
            except Exception:  # noqa: BLE001, S112 - the program goes on without this line
                continue

    def _slow_query(
        self, db: Database, sql: str, seconds: float, rows: int | None, left_out: int
    ) -> SlowQuery:
        return SlowQuery(
            at=self._clock(),
            program=self._program,
            milliseconds=round(seconds * 1000),
            rows=rows,
            sql=" ".join(sql.split())[:MAX_SQL_CHARACTERS],
            plan=self._first_plan(db, sql),
            left_out=left_out,
        )

    def _first_plan(self, db: Database, sql: str) -> str | None:
        if sql in self._explained or len(self._explained) >= MAX_PLANS:
            return None
        self._explained.add(sql)
        try:
            with connection(db):
                try:
                    return "; ".join(query_plan(db, sql)) or None
                finally:
                    close_own_connection(db)  # the program may have closed the database already
        except Exception as error:  # noqa: BLE001 - a line without a plan is better than none
            return f"not known ({type(error).__name__})"
