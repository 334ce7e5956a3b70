"""How the ingest service writes: whoever gets an answer has their rows on disk.

On SQLite one thread owns all writes of the process; what waits while a commit is under way goes
into the next one together (group commit). PostgreSQL does the same inside, so there each request
commits by itself on a connection of the pool.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from readwatch.domain.errors import unavailable
from readwatch.store.database import (
    Database,
    Statement,
    close_all,
    engine_errors,
    in_transaction,
    is_sqlite,
    move_wal_into_file,
    using,
)

T = TypeVar("T")
Write = Callable[[Database], T]

_SAVEPOINT = Statement("SAVEPOINT one_write")
_ROLLBACK = Statement("ROLLBACK TO one_write")
_RELEASE = Statement("RELEASE one_write")

MAX_GROUP = 256
"""How many writes share a commit at most, so that the first of them never waits long."""


class Writer(Protocol):
    """Runs writes, each all or nothing."""

    def run(self, write: Write[T]) -> T:
        """Run a write and return its result once it is committed; raise what it raises."""
        ...

    def close(self) -> None:
        """Finish what was accepted and let go of the database."""
        ...


def open_writer(db: Database) -> Writer:
    """Return the writer that fits the engine."""
    return GroupCommitWriter(db) if is_sqlite(db) else PooledWriter(db)


class PooledWriter:
    """Each write is a transaction of the calling thread."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def run(self, write: Write[T]) -> T:
        """Run a write in a transaction of its own."""
        with using(self._db) as db, db.atomic():
            return write(db)

    def close(self) -> None:
        """Close the pool."""
        close_all(self._db)


class GroupCommitWriter:
    """One thread writes for all; a failing write leaves its neighbours in the group alone."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: queue.SimpleQueue[tuple[Write[Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._closed = False
        self._door = threading.Lock()  # nothing is handed in behind the back of close()
        self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._thread.start()

    def run(self, write: Write[T]) -> T:
        """Hand a write to the writing thread and wait for the commit that holds it."""
        answer: Future[T] = Future()
        with self._door:
            if self._closed:
                raise unavailable("the service is stopping")
            self._waiting.put((write, answer))
        return answer.result()

    def close(self) -> None:
        """Finish what is waiting, then move the WAL into the database and close."""
        with self._door:
            self._closed = True
            self._waiting.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (group := self._next_group()) is not None:
            self._commit(group)
        move_wal_into_file(self._db)
        close_all(self._db)

    def _next_group(self) -> list[tuple[Write[Any], Future[Any]]] | None:
        """Wait for a write and take along what came meanwhile; None when it is time to stop."""
        first = self._waiting.get()
        if first is None:
            return None
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                another = self._waiting.get_nowait()
            except queue.Empty:
                break
            if another is None:
                self._waiting.put(None)
                break
            group.append(another)
        return group

    def _commit(self, group: list[tuple[Write[Any], Future[Any]]]) -> None:
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with using(self._db) as db, db.atomic():
                for write, answer in group:
                    outcomes.append((answer, *_attempt(db, write)))
                    if not in_transaction(db):
                        raise unavailable("the database could not write; try again")
        except Exception as error:  # noqa: BLE001 - each of those who wait has to hear of it
            for _, answer in group:
                answer.set_exception(error)
            return
        for answer, result, failure in outcomes:
            if failure is None:
                answer.set_result(result)
            else:
                answer.set_exception(failure)


def _attempt(db: Database, write: Write[Any]) -> tuple[Any, BaseException | None]:
    """Run one write inside the group's transaction; undo it alone when it fails."""
    try:
        with engine_errors(), _savepoint(db):
            return write(db), None
    except Exception as error:  # noqa: BLE001 - handed to the one who asked for this write
        return None, error


@contextmanager
def _savepoint(db: Database) -> Iterator[None]:
    # Peewee gives each savepoint a new name, which no statement cache can hold.
    _SAVEPOINT(db)
    try:
        yield
    except Exception:
        if in_transaction(db):
            _ROLLBACK(db)
            _RELEASE(db)
        raise
    _RELEASE(db)
