"""What both engines have in common: the settings of connections, and the watch for slow queries."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

import peewee

ReportSlow = Callable[["Database", str, float, int | None], object]
"""Gets a statement that took long: its database, its SQL, its seconds, and the number of its rows,
None if that is not known."""


POOL_SIZE = 20
"""The default maximum of connections of a process to PostgreSQL."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The settings of connections; None is the default of the engine or of the role.

    `busy_seconds` is the longest wait for another program that writes, and `cache_mib` the page
    cache of a connection in MiB, both on SQLite. `pool_size` is the maximum number of connections,
    and `statement_seconds` the longest time of a statement, both on PostgreSQL. A statement that
    takes longer than `slow_seconds` is passed to `report_slow`, in its own thread.
    """

    busy_seconds: int | None = None
    cache_mib: int | None = None
    pool_size: int | None = None
    statement_seconds: int | None = None
    slow_seconds: float = inf
    report_slow: ReportSlow | None = None

    def for_writes(self) -> "EngineSettings":
        """Return the settings of a connection that writes: `statement_seconds` is for queries."""
        return replace(self, statement_seconds=None)


DEFAULTS = EngineSettings()


class Database(peewee.Database):
    """A database that reports each statement that takes longer than a limit.

    `readwatch.store.engine.statements` measures its statements itself, with the time in which their
    rows are fetched.
    """

    slow_seconds: float = inf
    _report: ReportSlow | None = None

    if TYPE_CHECKING:  # Peewee has no types for it

        def execute_sql(self, sql: str, params: Any = None) -> Any: ...  # noqa: D102
        def connection(self) -> Any: ...  # noqa: D102
        def rows_affected(self, cursor: Any) -> int: ...  # noqa: D102

    def watch(self, settings: EngineSettings) -> None:
        """Report slow statements as the settings say."""
        if settings.report_slow is not None:
            self.slow_seconds, self._report = settings.slow_seconds, settings.report_slow

    def report_slow(self, sql: str, seconds: float, rows: int | None) -> None:
        """Report a statement that took longer than `slow_seconds`."""
        if self._report is not None:
            self._report(self, sql, seconds, rows)

    def execute(self, query: Any, **options: Any) -> Any:
        """Run a query of a model."""
        started = monotonic()
        try:
            return super().execute(query, **options)  # type: ignore[no-untyped-call]
        finally:
            if (seconds := monotonic() - started) > self.slow_seconds:
                sql, _ = self.get_sql_context(**options).sql(query).query()
                self.report_slow(sql, seconds, None)

    def begin(self, *mode: Any) -> None:
        """Begin a transaction; on SQLite one that writes waits here for the program that writes."""
        self._timed("BEGIN", super().begin, *mode)

    def commit(self) -> Any:
        """Commit the transaction, and wait until it is on disk."""
        return self._timed("COMMIT", super().commit)

    def _timed(self, sql: str, work: Callable[..., Any], *arguments: Any) -> Any:
        started = monotonic()
        try:
            return work(*arguments)
        finally:
            if (seconds := monotonic() - started) > self.slow_seconds:
                self.report_slow(sql, seconds, None)
