"""The two connections of a console: one looks, the other appends to the access log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from readwatch.monitor.errors import safe_errors
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, close_all, connection, query_interrupter
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import file_identity


class Connections:
    """Opened when they are needed, by one thread, and opened anew after they were let go.

    `forget` is called then: what is reached next may be another database. All that fails while one
    of them is lent comes out as a `ReadwatchError`.
    """

    def __init__(self, url: str, forget: Callable[[], None]) -> None:
        self._url = url
        self._forget = forget
        self._data: Database | None = None
        self._log: Database | None = None
        self._identity: tuple[int, int] | None = None
        self._interrupt: Callable[[], None] = _nothing

    @contextmanager
    def looking(self) -> Iterator[Database]:
        """Lend the connection for looks; `interrupt` ends what it is asked."""
        with safe_errors(), connection(self._opened_data()) as db:
            self._interrupt = query_interrupter(db)
            try:
                yield db
            finally:
                self._interrupt = _nothing

    @contextmanager
    def recording(self) -> Iterator[Database]:
        """Lend the connection for entries of the access log."""
        with safe_errors(), connection(self._opened_log()) as log:
            yield log

    def interrupt(self) -> None:
        """Take back a look that is being asked for; any thread may call it."""
        self._interrupt()

    def let_go(self) -> None:
        """Close both."""
        for db in (self._data, self._log):
            if db is not None:
                with suppress(Exception):  # it is broken already, and the thread has to live on
                    close_all(db)
        self._data = self._log = None
        self._forget()

    def _opened_data(self) -> Database:
        self._follow_the_file()
        if self._data is None:
            if self._identity is not None:
                # The log's connection can write, so it makes the files that a read-only one needs.
                # A server's is opened for a look: whether it may write is settled when it opens.
                self._opened_log()
            self._data = migrations.open_current(self._url, Role.CONSOLE)
        return self._data

    def _opened_log(self) -> Database:
        self._follow_the_file()
        if self._log is None:
            self._log = migrations.open_current(self._url, Role.ACCESS_LOG)
        return self._log

    def _follow_the_file(self) -> None:
        """Let go of a file that has another in its place now, as after a restore."""
        found = file_identity(self._url)
        if found != self._identity:
            self.let_go()
            self._identity = found


def _nothing() -> None:
    """Interrupt nothing: nothing is asked."""
