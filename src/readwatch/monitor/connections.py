"""The two connections of a console: one reads, the other appends to the access log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from readwatch.domain.errors import ReadwatchError, safe_errors, unavailable
from readwatch.store.audit.log import Refusal
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, close_all, connection, query_interrupter
from readwatch.store.engine.database import DEFAULTS, EngineSettings
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import file_identity


class NotLogged(ReadwatchError):
    """An entry could not be written to the access log, with the reason."""

    def __init__(self, error: ReadwatchError) -> None:
        super().__init__(error.kind, f"could not be logged: {error.message}")


class Connections:
    """Opens each connection when it is needed, also after `close`; used by one thread.

    `on_close` is called after each close, because the next database may be another one. The
    context managers convert every error to a `ReadwatchError`; an error of the access log leaves
    the other connection as it is. Only `data` goes on to a file that has replaced the database:
    what is read from one file is never logged in another one.
    """

    def __init__(
        self, url: str, on_close: Callable[[], None], engine: EngineSettings = DEFAULTS
    ) -> None:
        self._url = url
        self._engine = engine
        self._on_close = on_close
        self._data: Database | None = None
        self._access_log: Database | None = None
        self.file_id = file_identity(url)
        """The identity of the SQLite file in use; None with PostgreSQL or without a file."""
        self._interrupt: Callable[[], None] = _nothing

    @contextmanager
    def data(self) -> Iterator[Database]:
        """Yield the connection that reads; `interrupt` cancels its query."""
        with safe_errors(), connection(self._open_data()) as db:
            self._interrupt = query_interrupter(db)
            try:
                yield db
            finally:
                self._interrupt = _nothing

    @contextmanager
    def access_log(self) -> Iterator[Database]:
        """Yield the connection that appends to the access log, unless its schema is newer or
        another file has replaced the database since `data`; every error is a `NotLogged`, except
        a `Refusal`."""
        try:
            with safe_errors(), connection(self._open_access_log()) as db:
                migrations.require_current(db)
                yield db
        except Refusal:
            raise
        except ReadwatchError as error:
            _close(self._access_log)
            self._access_log = None
            raise NotLogged(error) from None

    def interrupt(self) -> None:
        """Cancel the query that runs now, if any; any thread may call this."""
        self._interrupt()

    def close(self) -> None:
        """Close both connections."""
        for db in (self._data, self._access_log):
            _close(db)
        self._data = self._access_log = None
        self._on_close()

    def _open_data(self) -> Database:
        self._close_if_file_was_replaced()
        if self._data is None:
            if self.file_id is not None:
                # A read-only connection needs the WAL files, which a connection that can write
                # creates. On PostgreSQL the other connection is opened only when it is needed,
                # because opening it fails without the privilege to append.
                self._open_access_log()
            self._data = migrations.open_current(self._url, Role.CONSOLE, self._engine)
        return self._data

    def _open_access_log(self) -> Database:
        if self._access_log is None:
            self._access_log = migrations.open_current(
                self._url, Role.ACCESS_LOG, self._engine.for_writes()
            )
        if file_identity(self._url) != self.file_id:  # a file that is opened now may be another one
            raise unavailable("the database file was replaced at this moment; try again")
        return self._access_log

    def _close_if_file_was_replaced(self) -> None:
        """Close the connections if another file has replaced the database, as after a restore."""
        file_id = file_identity(self._url)
        if file_id != self.file_id:
            self.close()
            self.file_id = file_id


def _close(db: Database | None) -> None:
    if db is not None:
        with suppress(Exception):  # the connection is broken, and the thread must continue
            close_all(db)


def _nothing() -> None:
    """Interrupt nothing: no query runs."""
