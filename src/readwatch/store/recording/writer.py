"""The writer of the ingest service: a request is answered after its rows are committed.

One thread does all writes of the process. Requests that arrive during a commit share the next
commit (group commit); the activities of all requests in a group are stored by the same few
statements.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar

from readwatch.domain.errors import ErrorKind, ReadwatchError, internal_error, unavailable
from readwatch.domain.sessions import Principal
from readwatch.store.engine.connections import Database, close_all, connection, transaction_is_open
from readwatch.store.engine.errors import engine_errors
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.migrations import refuse_newer_schema
from readwatch.store.engine.sqlite import SQLite, checkpoint_wal, require_free_space
from readwatch.store.engine.statements import Statement
from readwatch.store.recording.activities import ActivityBatch, ActivityOutcome, record_batches
from readwatch.store.recording.heartbeats import record_heartbeats

T = TypeVar("T")
Write = Callable[[Database], T]

MAX_GROUP = 256
"""The maximum number of requests that share a commit; the first one does not wait long."""

MAX_GROUP_ROWS = 2000
"""A group with so many activities takes no further request. Also on a slow machine its commit takes
less than half a second, and so requests get answers all the time."""

MAX_WAITING = 4096
"""The maximum number of requests that wait, each with its rows in memory."""

HEARTBEAT_FLUSH_SECONDS = 1.0
"""Heartbeats are written together in this interval; a crash loses at most this many seconds."""

WRITE_TIMEOUT_SECONDS = 2.0
"""The longest wait of a request while no commit succeeds; then requests are refused at once."""

MAX_WAIT_SECONDS = 3.5
"""The longest wait of a request while commits succeed, which are those of others."""

MAX_COMMIT_SECONDS = 1.0
"""The further wait of a request whose write has begun after the longest wait."""

OUTCOME_TIMEOUT_SECONDS = 1.5
"""The further wait of a request whose write has begun. If the write still commits after that, the
app's next try gets `duplicate`, provided that its activities have an event id."""

MAX_REQUEST_BYTES = 1 << 20
"""The largest body of a request: after a failure this much has to fit on the disk."""

_ADD_PROBE = Statement(
    """
    INSERT INTO failed_logins (subject, failures, last_failed_at)
    VALUES ('probe', 0, '1970-01-01 00:00:00.000')
    """
)
_DELETE_PROBE = Statement("DELETE FROM failed_logins WHERE subject = 'probe'")
_SAVEPOINT = Statement("SAVEPOINT one_write")
_ROLLBACK = Statement("ROLLBACK TO one_write")
_RELEASE = Statement("RELEASE one_write")


@dataclass(frozen=True, slots=True)
class CommitStats:
    """The size of one commit: its requests, its rows, and its duration."""

    requests: int  # 0 for a commit of heartbeats
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """The number of requests that wait for the writer, and the state of the writer."""

    waiting: int
    waited_seconds: float
    """The longest wait of a request in the last commit."""

    stuck_seconds: float
    """The time since the writer began to try without a commit; 0 if it has nothing to write."""

    last_error: ReadwatchError | None
    """The error of the last try; None after a commit."""

    busy: float
    """The share of the last seconds in which the writer was writing, 0 to 1."""


class _Job:
    """One write of a request: waiting, claimed by the writer thread, or withdrawn by the request.

    The request waits on a plain lock: a Future would wake the thread twice, and there are
    thousands of requests a second.
    """

    __slots__ = ("_claimed", "_done", "_unclaimed", "began_at", "failure", "result", "work")

    def __init__(self, work: ActivityBatch | Write[Any]) -> None:
        self.work = work
        self.began_at = monotonic()
        self.result: Any = None
        self.failure: Exception | None = None
        self._done = threading.Lock()
        self._done.acquire()
        # `list.pop` is atomic: either the writer claims the job or the request withdraws it.
        self._unclaimed = [True]
        self._claimed = False

    @property
    def rows(self) -> int:
        """The number of activities; any other write counts as one row."""
        return len(self.work.activities) if isinstance(self.work, ActivityBatch) else 1

    def wait(self, stuck_seconds: Callable[[], float]) -> Any:
        """Return the result; withdraw the job if the writer does not claim it in time.

        `stuck_seconds` returns for how long no commit has succeeded. The outcome of a claimed job
        is unknown until the commit, for which the request waits a limited time.
        """
        deadline = self.began_at + MAX_WAIT_SECONDS
        seconds = WRITE_TIMEOUT_SECONDS
        while not self._done.acquire(timeout=seconds):
            seconds = min(WRITE_TIMEOUT_SECONDS - stuck_seconds(), deadline - monotonic())
            if seconds > 0:
                continue
            if self._take():
                raise unavailable("the database is busy; try again")
            seconds = deadline + MAX_COMMIT_SECONDS - monotonic()
            if not self._done.acquire(timeout=min(seconds, OUTCOME_TIMEOUT_SECONDS)):
                raise unavailable("the database has not confirmed the write; try again")
            break
        if self.failure is not None:
            raise self.failure
        return self.result

    def claim(self) -> bool:
        """Claim the job unless its request has withdrawn it; tell whether it is claimed."""
        self._claimed = self._claimed or self._take()
        return self._claimed

    def run(self, db: Database) -> Any:
        """Run the write inside a transaction."""
        return (
            record_batches(db, [self.work])[0]
            if isinstance(self.work, ActivityBatch)
            else self.work(db)
        )

    def finish(self, outcome: "Outcome") -> None:
        """Pass the outcome to the request, which stops waiting."""
        self.result, self.failure = outcome
        self._done.release()

    def _take(self) -> bool:
        try:
            return self._unclaimed.pop()
        except IndexError:
            return False


Outcome = tuple[Any, Exception | None]


class Writer:
    """Writes for all threads; a write that fails does not affect the others of its group.

    In the writer thread, `observe` is called with each commit, and `on_error` with each error that
    differs from that of the try before: None if a commit succeeds after an error.
    """

    def __init__(
        self,
        db: Database,
        observe: Callable[[CommitStats], None] = lambda _: None,
        on_error: Callable[[ReadwatchError | None], None] = lambda _: None,
    ) -> None:
        self._db = db
        self._observe = observe
        self._on_error = on_error
        self._stuck_since: float | None = None
        self._last_error: ReadwatchError | None = None
        self._busy = 0.0
        self._waited_seconds = 0.0
        self._wrote_seconds = 0.0
        self._measured_at = monotonic()
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._heartbeats: dict[Principal, datetime] = {}
        self._heartbeats_lock = threading.Lock()
        self._heartbeats_at = monotonic() + HEARTBEAT_FLUSH_SECONDS
        self._closed = False
        self._closing = threading.Lock()  # close() waits for threads that add a job
        self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._thread.start()

    def run(self, write: Write[T]) -> T:
        """Run a write and return its result after the commit; raise the exception of the write."""
        result: T = self._do(write)
        return result

    def record(self, batch: ActivityBatch) -> tuple[ActivityOutcome, ...]:
        """Store the activities of a request; return after the commit.

        A post counts as a heartbeat, which is accepted before the commit: otherwise the session
        could be ended as a silent one in between.
        """
        self.heartbeat(batch.principal, batch.arrived_at)
        results: tuple[ActivityOutcome, ...] = self._do(batch)
        return results

    def heartbeat(self, principal: Principal, now: datetime) -> None:
        """Accept a heartbeat; it is committed within about a second."""
        with self._heartbeats_lock:
            if self._closed:  # the last heartbeats may be written already
                raise unavailable("the service is stopping")
            self._heartbeats[principal] = now

    def after_heartbeats(self, write: Write[T]) -> Write[T]:
        """Return a write that first writes all heartbeats accepted so far, in its transaction."""

        def write_after_heartbeats(db: Database) -> T:
            with self._heartbeats_lock:
                heartbeats = dict(self._heartbeats)
            record_heartbeats(db, heartbeats)
            return write(db)

        return write_after_heartbeats

    def backlog(self) -> Backlog:
        """Return the number of waiting requests and the state of the writer."""
        return Backlog(
            self._waiting.qsize(),
            self._waited_seconds,
            self._stuck_seconds(),
            self._last_error,
            self._busy,
        )

    def _stuck_seconds(self) -> float:
        since = self._stuck_since
        return 0.0 if since is None else monotonic() - since

    def has_reported(self, error: ReadwatchError) -> bool:
        """Tell whether this is the error of the last try, which `on_error` got."""
        last = self._last_error
        return last is not None and last.message == error.message

    def close(self) -> None:
        """Write all that waits and close the database."""
        with self._closing, self._heartbeats_lock:
            self._closed = True
        self._waiting.put(None)
        self._thread.join()

    def _do(self, what: ActivityBatch | Write[Any]) -> Any:
        job = _Job(what)
        with self._closing:
            if self._closed:
                raise unavailable("the service is stopping")
            backlog = self.backlog()
            if backlog.stuck_seconds > WRITE_TIMEOUT_SECONDS:
                if backlog.last_error is not None:
                    raise _copy_of(backlog.last_error)
                raise unavailable("the database cannot be written; try again")
            if self._waiting.qsize() >= MAX_WAITING:
                raise unavailable("the service is overloaded; try again")
            self._waiting.put(job)
        return job.wait(self._stuck_seconds)

    # The following methods run in the writer thread.

    def _serve(self) -> None:
        stopping = False
        while not stopping:
            group, stopping = self._next_group()
            if group:
                self._commit(group)
            if stopping or monotonic() >= self._heartbeats_at:
                self._write_heartbeats()
                self._measure()
        checkpoint_wal(self._db)
        close_all(self._db)

    def _next_group(self) -> tuple[list[_Job], bool]:
        """Wait for a job or the next write of heartbeats; return the jobs that wait, up to the
        maximum of a group."""
        group: list[_Job] = []
        rows = 0
        try:
            job = self._waiting.get(timeout=max(0.0, self._heartbeats_at - monotonic()))
            while job is not None:
                group.append(job)
                rows += job.rows
                if len(group) == MAX_GROUP or rows >= MAX_GROUP_ROWS:
                    return group, False
                job = self._waiting.get_nowait()
        except queue.Empty:
            return group, False
        return group, True

    def _measure(self) -> None:
        """Measure the share of time spent writing, smoothed over about five intervals."""
        now = monotonic()
        share = min(
            1.0, self._wrote_seconds / max(now - self._measured_at, HEARTBEAT_FLUSH_SECONDS)
        )
        self._busy += (share - self._busy) / 5
        self._wrote_seconds, self._measured_at = 0.0, now

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """Run the `with` block in a transaction and commit; store the time and the error of a
        failure."""
        began = monotonic()
        self._stuck_since = self._stuck_since or began
        try:
            with connection(self._db) as db, db.atomic() as transaction:
                _begin(db)
                yield transaction
        except Exception as error:  # of any kind: the backlog shows it; it is raised again
            self._set_error(_copy_of(error))
            raise
        finally:
            self._wrote_seconds += monotonic() - began
        self._stuck_since = None
        self._set_error(None)

    def _set_error(self, error: ReadwatchError | None) -> None:
        """Store the outcome of a try, and report it if it differs from that of the try before."""
        before, self._last_error = self._last_error, error
        if (before and before.message) == (error and error.message):
            return
        if error is not None and isinstance(self._db, SQLite):
            self._db.leave_lost_file()
        with suppress(Exception):  # the thread continues, even if the log cannot be written
            self._on_error(error)

    def _commit(self, group: Sequence[_Job]) -> None:
        began = monotonic()
        try:
            with self._transaction() as transaction:
                group = [job for job in group if job.claim()]
                self._waited_seconds = monotonic() - group[0].began_at if group else 0.0
                outcomes = _run_all(self._db, group, transaction)
        except Exception as error:  # noqa: BLE001 - each request gets the error
            group = [job for job in group if job.claim()]
            outcomes = [(None, _copy_of(error)) for _ in group]
        else:
            rows = sum(job.rows for job in group)
            self._report(CommitStats(len(group), rows, monotonic() - began))
        for job, outcome in zip(group, outcomes, strict=True):
            job.finish(outcome)

    def _write_heartbeats(self) -> None:
        """Write the heartbeats; without any, test whether the database can be written.

        After an error, even without heartbeats something is written, and the disk needs room for a
        request: SQLite writes a little into a WAL that has no room for more.
        """
        began = monotonic()
        self._heartbeats_at = began + HEARTBEAT_FLUSH_SECONDS
        if self._waiting.empty():
            self._waited_seconds = 0.0
        with self._heartbeats_lock:
            heartbeats, self._heartbeats = self._heartbeats, {}
        try:
            failed = self._last_error is not None
            with self._transaction():
                if failed:
                    require_free_space(self._db, MAX_REQUEST_BYTES)
                    _ADD_PROBE(self._db)
                    _DELETE_PROBE(self._db)
                record_heartbeats(self._db, heartbeats)
        except Exception:  # noqa: BLE001 - the backlog has the error; the thread continues
            with self._heartbeats_lock:  # newer heartbeats replace older ones; all are tried again
                self._heartbeats = heartbeats | self._heartbeats
        else:
            if heartbeats:
                self._report(CommitStats(0, len(heartbeats), monotonic() - began))

    def _report(self, stats: CommitStats) -> None:
        with suppress(Exception):  # the rows are on disk, even if the observer fails
            self._observe(stats)


def _copy_of(error: Exception) -> ReadwatchError:
    """Return a copy: an exception that several threads raise collects all their tracebacks."""
    if isinstance(error, ReadwatchError):
        return ReadwatchError(
            error.kind, error.message, field=error.field, retry_after=error.retry_after
        )
    return internal_error(error)


def _begin(db: Database) -> None:
    """Begin to write in a new transaction."""
    # Always the first lock, so that two programs cannot deadlock.
    acquire_lock(db, Lock.ROLLUPS)
    refuse_newer_schema(db)


def _run_all(db: Database, group: Sequence[_Job], transaction: Any) -> list[Outcome]:
    """Run a group inside its transaction: all together, or each by itself if one fails."""
    try:
        with engine_errors():
            return _run_together(db, group)
    except Exception as error:  # of any kind: each job is tried by itself and gets its own
        if _ends_group(db, error):
            raise
    transaction.rollback()  # and begins a new transaction
    _begin(db)
    return [_attempt(db, job.run) for job in group]


def _run_together(db: Database, group: Sequence[_Job]) -> list[Outcome]:
    batches = [job.work for job in group if isinstance(job.work, ActivityBatch)]
    results = iter(record_batches(db, batches) if batches else ())
    return [
        (next(results) if isinstance(job.work, ActivityBatch) else job.run(db), None)
        for job in group
    ]


def _attempt(db: Database, write: Write[Any]) -> Outcome:
    """Run one write and undo only it if it fails; raise if the other writes would fail as well."""
    try:
        with engine_errors(), _savepoint(db):
            return write(db), None
    except Exception as error:  # of any kind: the request of this write gets it
        if _ends_group(db, error):
            raise
        return None, error


def _ends_group(db: Database, error: Exception) -> bool:
    """Tell whether the error ends the whole group: the transaction is gone, or the database is
    unavailable and each further write would wait for the same timeout."""
    return not transaction_is_open(db) or (
        isinstance(error, ReadwatchError) and error.kind is ErrorKind.UNAVAILABLE
    )


@contextmanager
def _savepoint(db: Database) -> Iterator[None]:
    # Not Peewee's: it gives each savepoint a new name, so that no statement is cached.
    _SAVEPOINT(db)
    try:
        yield
    except Exception:  # of any kind; it is raised again
        if transaction_is_open(db):
            _ROLLBACK(db)
            _RELEASE(db)
        raise
    _RELEASE(db)
