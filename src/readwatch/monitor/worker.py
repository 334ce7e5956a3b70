"""The thread that reads the database for the console.

It runs requests, whose results are futures, and polls the current view, whose snapshots it posts
as events. The results and events are immutable.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from readwatch.domain.attention import Rule
from readwatch.domain.audit import AuditAction
from readwatch.domain.cases import NewCaseNote
from readwatch.domain.clock import Clock, uptime
from readwatch.domain.errors import ErrorKind, ReadwatchError, internal_error, unavailable
from readwatch.domain.filters import Term, filter_size
from readwatch.domain.group_figures import GroupDetail
from readwatch.domain.users import User, UserRole
from readwatch.monitor.connections import Connections, NotLogged
from readwatch.monitor.current_view import CurrentView
from readwatch.monitor.events import (
    ConnectionLost,
    EntryMissed,
    Event,
    LoggedOut,
    QueryRefused,
    ReaderRefused,
    ReadersReady,
    ViewSnapshotReady,
)
from readwatch.monitor.login import authenticated, console_event, terminal_address
from readwatch.monitor.refresh_policy import RefreshPolicy
from readwatch.monitor.request_queue import Request, RequestQueue
from readwatch.monitor.retry import Retry
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import Item, ReaderSnapshot, View, ViewSnapshot
from readwatch.monitor.viewport import Viewport
from readwatch.monitor.witness import Witness
from readwatch.store import case_notes
from readwatch.store.audit import log as audit_log
from readwatch.store.audit.live_lists import LiveListLog
from readwatch.store.audit.log import ListAccess, OutsideScope, Permit, RowAccess
from readwatch.store.audit.scope import readers_inside
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, data_version, read_snapshot, work_clock
from readwatch.store.engine.sqlite import FileIdentity
from readwatch.store.identity import users
from readwatch.store.identity.users import WrongPassword
from readwatch.store.lists.query import ListQuery
from readwatch.store.lists.readers import ReaderSummary, ids_of_readers_named, reader_rows

POLL_SECONDS = 0.25
"""The interval in which the worker checks for changes; a check is very cheap on SQLite."""

ACCOUNT_CHECK_SECONDS = 2.0
"""The interval in which the worker checks that the consultant's account is unchanged."""

STOP_SECONDS = 0.5
"""The longest time that `stop` waits for the thread to close its connections and end."""

LOST_STOP_SECONDS = 0.05
"""The same, after the last query has failed: the thread may wait for a database that is away."""

MAX_READERS = 20
"""The maximum number of readers that a search by name returns."""

Result = TypeVar("Result")
Snapshot = TypeVar("Snapshot", ViewSnapshot, ReaderSnapshot)

ReadItems = Callable[[View, Sequence[int], datetime | None], tuple[Item, ...]]
"""Reads items of a view by their ids, at a time of the past or now (None); fails if the
consultant's account has changed."""


class Worker:
    """Requests come from any thread; `post` is called in the worker's thread.

    A future fails with a `ReadwatchError`. A request belongs to the consultant who was logged in
    when it was submitted: it is cancelled if that consultant is logged out before its work is
    done, so that it never acts for the next one. Work that has not begun can be cancelled.
    """

    def __init__(
        self, settings: ConsoleSettings, post: Callable[[Event], object], clock: Clock
    ) -> None:
        self._settings = settings
        self._mask = settings.mask
        self._witness_folder = settings.preferences_folder
        self._post = post
        self._clock = clock
        self._requests = RequestQueue()
        # A daemon, so that the program can end while a query hangs.
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)
        self._is_stopping = False
        self._marks: tuple[frozenset[int], frozenset[Rule]] = (frozenset(), frozenset())

        self._connections = Connections(settings.database_url, self._reset, settings.engine)
        self._refresh_policy = RefreshPolicy(settings.refresh)
        self._retry = Retry()
        self._current = CurrentView(settings)
        self._consultant: User | None = None
        self._logins = 0  # requests with another number are of an earlier consultant
        self._watch_request: Future[None] | None = None
        self._palette_log = LiveListLog()
        self._account_check_at = 0.0
        self._is_snapshot_requested = False

    def start(self, consultant: User | None = None) -> None:
        """Start the thread; `consultant` has logged in already."""
        self._consultant = consultant
        self._thread.start()

    def stop(self) -> None:
        """Cancel the current query, and wait a moment until the connections are closed.

        A database that does not answer cannot be waited for: the thread ends with the program.
        """
        self._is_stopping = True
        self._requests.wake()
        interrupting = threading.Thread(target=self._interrupt, daemon=True)
        interrupting.start()  # PostgreSQL's server may take long to accept it
        if self._thread.is_alive():
            self._thread.join(LOST_STOP_SECONDS if self._retry.is_failing else STOP_SECONDS)

    def _interrupt(self) -> None:
        """Cancel one query after another until the thread has ended."""
        while self._thread.is_alive():
            self._connections.interrupt()
            self._thread.join(timeout=0.05)

    def log_in(self, email: str, password: str) -> Future[User]:
        """Log in a consultant or admin; the login is logged first."""
        return self._requests.submit(partial(self._log_in, email, password))

    def unlock(self, password: str) -> Future[None]:
        """Check the password of the logged-in consultant; the unlock is logged first."""
        return self._requests.submit(partial(self._unlock, password, self._logins))

    def watch_view(self, view: View, query: ListQuery, viewport: Viewport) -> None:
        """Post snapshots of a view from now on; an open page is closed.

        They contain the items near the viewport. `QueryRefused` is posted for an invalid query.
        """
        self._current.viewport = viewport
        if self._watch_request is not None:
            self._watch_request.cancel()  # nobody waits for a filter that has changed since
        self._watch_request = self._start(partial(self._watch_view, view, query))

    def set_viewport(self, viewport: Viewport) -> None:
        """Set the part of the view that is on the screen now."""
        self._current.viewport = viewport

    def set_marks(self, seen: frozenset[int], muted: frozenset[Rule]) -> bool:
        """Set the readers who are marked as seen, and the rules that are muted; tell whether that
        is a change, which is shown at once. It may come before the login."""
        if (seen, muted) == self._marks:
            return False
        self._marks = seen, muted
        self._requests.submit(partial(self._set_marks, seen, muted))
        return True

    def fetch_items(self, view: View, ids: tuple[int, ...]) -> Future[tuple[Item, ...]]:
        """Read items of the current view; after a failure, retry with the next snapshot."""
        file_id = self._connections.file_id
        return self._submit_for_consultant(
            lambda _: self._items_of_current(file_id, view, ids), retry_on_failure=True
        )

    def fetch_group(self, group_id: int) -> Future[GroupDetail | None]:
        """Read the detail of a group, while the groups are shown."""
        file_id = self._connections.file_id
        return self._submit_for_consultant(partial(self._group, file_id, group_id))

    def find_readers(self, words: str, palette: int) -> Future[tuple[ReaderSummary, ...]]:
        """Find readers by words of their names; with masked names return none.

        `palette` is the number of the palette: a reader who is one of few is logged first, once
        while the palette is open.
        """
        return self._submit_for_consultant(partial(self._find_readers, words, palette))

    def watch_readers(
        self, request_id: int, reader_ids: tuple[int, ...], origin: str
    ) -> Future[None]:
        """Post snapshots of a reader, or of two who are compared, or `ReaderRefused`; both contain
        `request_id`.

        Each access is logged first, with the view in which the reader was selected. A request that
        is cancelled before it begins logs nothing.
        """
        watch = partial(self._watch_readers, request_id, reader_ids, origin)
        return self._reported(self._submit_for_consultant(watch))

    def read_older(self, request_id: int, oldest: int) -> None:
        """Post a snapshot of the open reader's page with activities older than `oldest`."""
        self._start(partial(self._read_older, request_id, oldest))

    @property
    def file_id(self) -> FileIdentity | None:
        """The identity of the file in which the ids of the current rows are; None on PostgreSQL."""
        return self._connections.file_id

    def add_note(self, note: NewCaseNote, file_id: FileIdentity | None) -> Future[None]:
        """Log a note about a reader and add it, in one transaction; snapshots show it at once.

        It fails with `CaseChanged` if somebody else has changed the case since, and if another file
        than that of `file_id` is the database now, in which the id may be of another reader.
        """
        return self._submit_for_consultant(partial(self._add_note, file_id, note))

    def log_and_run(
        self,
        action: AuditAction,
        reader_ids: Iterable[int | None],
        details: str,
        work: Callable[[ReadItems], Result],
    ) -> Future[Result]:
        """Log an action on rows, then run `work` in the worker's thread once that is on disk.

        `reader_ids` are the readers of the rows; if they are few, each of them is logged. It fails
        if another file replaces the database, in which these ids may be of other readers.
        """
        file_id = self._connections.file_id
        return self._submit_for_consultant(
            partial(self._log_and_run, file_id, action, reader_ids, details, work)
        )

    def open_access_log(self) -> Future[None]:
        """Show the access log; for admins, who see all entries, the access is logged first."""
        return self._submit_for_consultant(self._open_access_log)

    def _start(self, work: Callable[[], None]) -> Future[None]:
        """Submit work of the consultant whose result nobody reads."""
        return self._reported(self._submit_for_consultant(lambda _: work()))

    def _reported(self, future: Future[None]) -> Future[None]:
        """Let an error be reported as an event."""
        future.add_done_callback(self._report_failure)
        return future

    def _submit_for_consultant(
        self, work: Callable[[User], Result], *, retry_on_failure: bool = False
    ) -> Future[Result]:
        return self._requests.submit(
            partial(self._run_for_consultant, work, self._logins),
            retry_on_failure=retry_on_failure,
        )

    # The following methods run in the worker's thread.

    def _run(self) -> None:
        try:
            while not self._is_stopping:
                self._serve(self._requests.take(POLL_SECONDS))
        finally:
            self._connections.close()
            self._requests.cancel_all()

    def _serve(self, request: Request[Any] | None) -> None:
        """Run a request, then poll, so that many requests do not delay the snapshots."""
        if self._is_stopping:
            if request is not None:
                request.future.cancel()
            return
        try:
            if request is not None:
                self._requests.run(request)
            self._poll()
        except Exception as error:  # noqa: BLE001 - the thread must continue, and the error is shown
            with suppress(Exception):  # the console may be closing, and takes no event then
                self._report_connection_lost(internal_error(error))

    def _run_for_consultant(self, work: Callable[[User], Result], login: int) -> Result:
        if self._consultant is None or login != self._logins:
            raise CancelledError
        try:
            return work(self._consultant)
        except ReadwatchError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                self._log_out(error.message)
                raise CancelledError from None
            raise

    def _log_in(self, email: str, password: str) -> User:
        action = AuditAction.LOGGED_IN
        consultant = authenticated(self._settings, email, password, self._clock(), action)
        self._drop_data()
        self._consultant = consultant
        self._reported(self._submit_for_consultant(self._witness))  # after the login form closes
        return consultant

    def _unlock(self, password: str, login: int) -> None:
        if self._consultant is None or login != self._logins:
            raise CancelledError
        email, action = self._consultant.email, AuditAction.UNLOCKED_CONSOLE
        try:
            authenticated(self._settings, email, password, self._clock(), action)
        except WrongPassword as error:
            raise ReadwatchError(error.kind, "wrong password") from None  # it asks for no e-mail
        self._reported(self._submit_for_consultant(self._witness))

    def _witness(self, consultant: User) -> None:
        """Report and log it if what this consultant saw last is no longer in the access log."""
        witness = Witness(self._witness_folder, self._settings.database_url, consultant.id)
        with self._connections.data() as db:
            message = witness.missing(db)
        if message is not None:
            self._post(EntryMissed(message))
            event = console_event(consultant.id, AuditAction.MISSED_ENTRY, message)
            self._log_first(consultant, lambda db, _: audit_log.log_event(db, event, self._clock()))
        with self._connections.data() as db:
            witness.see(db, self._clock())

    def _log_out(self, reason: str) -> None:
        """Log out a consultant whose account must not read the data, and drop all data."""
        self._consultant = None
        self._drop_data()
        self._post(LoggedOut(reason))

    def _drop_data(self) -> None:
        """Drop the data and the requests of a consultant before the next one logs in."""
        self._logins += 1
        self._current.clear()
        self._palette_log.close()
        self._requests.cancel_failed()

    def _watch_view(self, view: View, query: ListQuery) -> None:
        self._current.show_view(view, query)
        self._is_snapshot_requested = True

    def _set_marks(self, seen: frozenset[int], muted: frozenset[Rule]) -> None:
        self._current.attention.set_marks(seen, muted)
        self._is_snapshot_requested = True

    def _watch_readers(
        self, request_id: int, reader_ids: tuple[int, ...], origin: str, consultant: User
    ) -> None:
        self._current.close_readers()
        action, details = AuditAction.VIEWED_READER_PROFILE, f"from {origin}"
        if len(reader_ids) > 1:
            details += ", compared"
        event = console_event(consultant.id, action, details)

        def log(db: Database, access: ListAccess) -> list[Permit]:
            # Who is outside comes first: then no entry says that another reader was shown.
            inside = readers_inside(db, access.scope, reader_ids)
            outside_first = sorted(reader_ids, key=inside.__contains__)
            permits = {
                id: audit_log.log_access(db, event.about(id), self._clock()) for id in outside_first
            }
            return [permits[id] for id in reader_ids]

        try:
            permits = self._log_first(consultant, log)
        except ReadwatchError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                raise
            is_refusal = isinstance(error, OutsideScope)
            reason = error.message if is_refusal else f"the access {error.message}"
            self._post(ReaderRefused(request_id, reason))
            return
        self._current.show_readers(request_id, permits)
        self._is_snapshot_requested = True

    def _read_older(self, request_id: int, oldest: int) -> None:
        for page in self._current.reader_pages:
            if page.request_id == request_id and page.read_older(oldest):
                self._is_snapshot_requested = True

    def _log_and_run(
        self,
        file_id: FileIdentity | None,
        action: AuditAction,
        reader_ids: Iterable[int | None],
        details: str,
        work: Callable[[ReadItems], Result],
        consultant: User,
    ) -> Result:
        event = console_event(consultant.id, action, details)

        def log(db: Database, access: ListAccess) -> RowAccess:
            self._require_file(file_id)
            return audit_log.log_rows(db, access, event, reader_ids, self._clock())

        rows = self._log_first(consultant, log)
        return work(partial(self._items, file_id, rows))

    def _add_note(self, file_id: FileIdentity | None, note: NewCaseNote, consultant: User) -> None:
        origin = "a reader's page" if self._current.reader_pages else self._current.view

        def add(db: Database, _access: ListAccess) -> None:
            self._require_file(file_id)
            case_notes.add_note(
                db,
                note,
                self._clock(),
                author_id=consultant.id,
                details=f"console, from {origin}",
                ip_address=terminal_address(),
            )

        try:
            self._log_first(consultant, add)
        finally:  # also after a refusal: the snapshot shows who was faster
            self._current.evaluate_attention_next()
            self._is_snapshot_requested = True

    def _open_access_log(self, consultant: User) -> None:
        if consultant.user_role is UserRole.ADMIN:
            event = console_event(
                consultant.id, AuditAction.LISTED_ACCESS_LOG, "everybody's entries"
            )
            self._log_first(consultant, lambda db, _: audit_log.log_event(db, event, self._clock()))
        self._current.open_access_log()

    def _log_first(self, consultant: User, log: Callable[[Database, ListAccess], Result]) -> Result:
        """Run `log` if the account is unchanged; return its result after the commit."""
        try:
            with self._connections.data() as db:
                access = self._list_access(db, consultant)
        except ReadwatchError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                raise
            self._connections.close()
            raise NotLogged(error) from None
        with self._connections.access_log() as db:
            return log(db, access)

    def _find_readers(
        self, words: str, palette: int, consultant: User
    ) -> tuple[ReaderSummary, ...]:
        if self._mask:
            return ()
        now, size = self._clock(), filter_size([Term(word) for word in words.split()])
        event = console_event(consultant.id, AuditAction.VIEWED_LIST, f"palette{size}")
        with self._connections.data() as db, read_snapshot(db):
            access = self._list_access(db, consultant)
            ids = ids_of_readers_named(db, access, words.split(), now, length=MAX_READERS).ids
            rows = self._palette_log.access_to_rows(
                self._connections.access_log,
                access,
                event,
                now,
                list_id=palette,
                filter=words,
                reader_ids=ids,
            )
            readers = {reader.user_id: reader for reader in reader_rows(db, rows, ids, now)}
        return tuple(readers[id] for id in ids if id in readers)

    def _items_of_current(
        self, file_id: FileIdentity | None, view: View, ids: Sequence[int]
    ) -> tuple[Item, ...]:
        with self._connections.data():  # the right ends if another file has replaced the database
            rows = self._current.row_access
        if view is not self._current.view or file_id != self._connections.file_id:
            raise CancelledError
        if rows is None:
            raise unavailable("the rows can be read after the next snapshot")
        query = self._current.query
        return self._items(file_id, rows, view, ids, None if query is None else query.at)

    def _group(
        self, file_id: FileIdentity | None, group_id: int, consultant: User
    ) -> GroupDetail | None:
        """Return the detail of a group from one snapshot, if the groups are still shown."""
        if self._current.view is not View.GROUPS:
            raise CancelledError
        with self._connections.data() as db, read_snapshot(db):
            self._require_file(file_id)
            access = self._list_access(db, consultant)
            return self._current.groups.detail(db, access.scope, group_id, self._clock())

    def _items(
        self,
        file_id: FileIdentity | None,
        rows: RowAccess,
        view: View,
        ids: Sequence[int],
        at: datetime | None,
    ) -> tuple[Item, ...]:
        """Return items from one snapshot of the database, if the account is unchanged."""
        if self._consultant is None or self._is_stopping:
            raise unavailable("the console is closing")
        with self._connections.data() as db:
            self._require_file(file_id)
            access = self._list_access(db, self._consultant)
            if access.scope != rows.scope:
                raise unavailable("the readers whom you see have changed; try again")
            with read_snapshot(db):
                return self._current.items(db, rows, view, ids, self._clock(), at)

    def _require_file(self, file_id: FileIdentity | None) -> None:
        """Refuse ids that were read from a file that another one has replaced."""
        if file_id != self._connections.file_id:
            raise unavailable("the database file was replaced; try again with the new rows")

    def _poll(self) -> None:
        """Post a snapshot if it is requested or due; check the account at intervals."""
        is_requested, self._is_snapshot_requested = self._is_snapshot_requested, False
        if self._consultant is None or self._current.view is None:
            return
        if not is_requested and self._retry.is_pausing:
            return
        try:
            with self._connections.data() as db:
                is_check_due = is_requested or uptime() >= self._account_check_at
                is_snapshot_due = is_requested or self._refresh_policy.is_due(data_version(db))
                if is_check_due:
                    migrations.require_current(db)
                    self._account_check_at = uptime() + ACCOUNT_CHECK_SECONDS
                if is_check_due or is_snapshot_due:
                    access = self._list_access(db, self._consultant)
                    if is_snapshot_due:
                        self._post(self._snapshot(db, access))
                        self._requests.retry_failed()
        except ReadwatchError as error:
            self._report(error)
        else:
            self._retry.reset()

    def _snapshot(self, db: Database, access: ListAccess) -> Event:
        self._refresh_policy.begin(data_version(db))
        work = work_clock(db)
        begun_at = work()
        with read_snapshot(db):
            snapshot = self._current.snapshot(
                db, access, self._clock(), self._connections.access_log
            )
        pause = self._refresh_policy.pause(timedelta(seconds=work() - begun_at))
        if isinstance(snapshot, ViewSnapshot):
            return ViewSnapshotReady(_with_pause(snapshot, pause))
        return ReadersReady(tuple(_with_pause(reader, pause) for reader in snapshot))

    def _list_access(self, db: Database, consultant: User) -> ListAccess:
        """Return the right to list readers, if the account is unchanged since the login."""
        users.require_unchanged(db, consultant)
        return audit_log.list_access(db, consultant.id)

    def _report(self, error: ReadwatchError) -> None:
        """Post the reason why there is no snapshot."""
        current = self._current
        if error.kind is ErrorKind.UNAUTHENTICATED:
            self._log_out(error.message)
        elif current.view and current.query and isinstance(error, NotLogged):
            reason = f"these rows are not shown: the access {error.message}"
            self._post(QueryRefused(current.view, current.query, reason))
            current.restore_query()
            self._retry.record_failure(self._clock())
        elif current.view and current.query and error.kind is ErrorKind.INVALID:
            self._post(QueryRefused(current.view, current.query, error.message))
            current.restore_query()
        elif current.reader_pages and (
            error.kind is ErrorKind.NOT_FOUND or isinstance(error, OutsideScope)
        ):
            self._post(ReaderRefused(current.reader_pages[0].request_id, error.message))
            current.close_readers()
        else:
            self._report_connection_lost(error)

    def _report_failure(self, future: Future[None]) -> None:
        if not future.cancelled() and isinstance(error := future.exception(), ReadwatchError):
            self._report_connection_lost(error)

    def _report_connection_lost(self, error: ReadwatchError) -> None:
        """Post the time since which the database cannot be read, and begin a longer pause."""
        if self._is_stopping:
            return  # `stop` cancelled the query
        self._connections.close()
        self._post(ConnectionLost(error.message, self._retry.record_failure(self._clock())))

    def _reset(self) -> None:
        """Drop all data from the database, because another database may have replaced it."""
        self._account_check_at = 0.0
        self._refresh_policy.reset()
        self._current.reset()
        self._palette_log.close()


def _with_pause(snapshot: Snapshot, pause: timedelta) -> Snapshot:
    """Return a snapshot that says how long the pause after it is."""
    return replace(snapshot, stats=replace(snapshot.stats, refresh_pause=pause))
