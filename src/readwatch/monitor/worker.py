"""The one thread that reads the database for the console; it never touches a widget.

It answers what the console asks, polls what is on the screen, and posts immutable pictures.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from textual.message import Message

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import Clock, uptime
from readwatch.domain.errors import ErrorKind, ReadwatchError, unavailable
from readwatch.domain.users import User, UserRole
from readwatch.monitor import requests
from readwatch.monitor.connections import Connections
from readwatch.monitor.current_view import CurrentView
from readwatch.monitor.errors import internal_error, safe_errors
from readwatch.monitor.events import (
    ConnectionLost,
    EventLogged,
    EventRefused,
    ItemsReady,
    LoggedIn,
    LoggedOut,
    LoginRefused,
    QueryRefused,
    ReaderRefused,
    ReadersFound,
    ReaderSnapshotReady,
    Unlocked,
    UnlockRefused,
    ViewSnapshotReady,
)
from readwatch.monitor.login import authenticated, terminal_address
from readwatch.monitor.refresh_policy import RefreshPolicy
from readwatch.monitor.requests import ReadItems
from readwatch.monitor.retry import Retry
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import Item, View, ViewSnapshot
from readwatch.monitor.viewport import Viewport
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, data_version, read_snapshot, work_clock
from readwatch.store.identity import users
from readwatch.store.lists.query import ListQuery
from readwatch.store.lists.readers import ReaderSummary, readers_named

POLL_SECONDS = 0.25
"""How often the watcher asks whether anything changed, which costs next to nothing on SQLite."""

ACCOUNT_CHECK_SECONDS = 2.0
"""How soon a console hears that who sits there may not look any more."""

READERS_FOUND = 20
"""The most that are offered for some words."""


T = TypeVar("T")


class Worker:
    """Asked from the console's thread, answers by `post`, which has to be thread-safe."""

    def __init__(
        self,
        settings: ConsoleSettings,
        post: Callable[[Message], object],
        clock: Clock,
    ) -> None:
        self._url = settings.database_url
        self._mask = settings.mask
        self._post = post
        self._clock = clock
        self._requests: queue.SimpleQueue[requests.Request] = queue.SimpleQueue()
        # Not joined at exit: a query that hangs must not keep the console from quitting.
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._is_leaving = False
        self._told_seen: frozenset[int] = frozenset()

        self._connections = Connections(self._url, self._begin_anew)
        self._pace = RefreshPolicy(settings.refresh)
        self._loss = Retry()
        self._front = CurrentView(settings)
        self._consultant: User | None = None
        self._ask_at = 0.0
        self._missed: list[requests.Fetch] = []

    def start(self, signed_in: User | None = None) -> None:
        """Start watching; `signed_in` is who signed in already."""
        self._consultant = signed_in
        self._thread.start()

    def stop(self) -> None:
        """Let go of the database, soon."""
        self._is_leaving = True
        self._requests.put(requests.Stop())
        self._connections.interrupt()
        self._thread.join(timeout=0.5)

    def sign_in(self, email: str, password: str) -> None:
        """Ask for `SignedIn` or `SignInRefused`."""
        self._requests.put(requests.SignIn(email, password))

    def uncover(self, password: str) -> None:
        """Ask for `Uncovered` or `UncoverRefused`."""
        self._requests.put(requests.Uncover(password))

    def watch(self, view: View, question: ListQuery, sight: Viewport) -> None:
        """Ask for pictures of a view from now on; an open reader is left.

        They have the items that will be in view of who has it in `sight` now; a question that
        cannot be answered is refused by `QuestionRefused`.
        """
        self._front.viewport = sight
        self._requests.put(requests.Watch(view, question))

    def see(self, sight: Viewport) -> None:
        """Tell what is in view by now."""
        self._front.viewport = sight

    def know_seen(self, seen: frozenset[int]) -> None:
        """Tell who was marked as seen by now; what is new of that is shown at once."""
        if seen != self._told_seen:
            self._told_seen = seen
            self._requests.put(requests.KnowSeen(seen))

    def fetch(self, view: View, ids: tuple[int, ...]) -> None:
        """Ask for `ItemsArrived`."""
        self._requests.put(requests.Fetch(view, ids))

    def find_readers(self, words: str) -> None:
        """Ask for `ReadersFound`; without an answer of the database they are none."""
        self._requests.put(requests.Find(words))

    def open_reader(self, opening: int, reader_id: int, seen_in: str) -> None:
        """Ask for a reader's page from now on: `ReaderArrived`, or `LookRefused`.

        `opening` is a number that is given once; the answers carry it.
        """
        self._requests.put(requests.Open(opening, reader_id, seen_in))

    def read_older(self, opening: int, oldest: int) -> None:
        """Ask for a picture of the open reader with activities older than the one `oldest`."""
        self._requests.put(requests.ReadOlder(opening, oldest))

    def record(
        self,
        number: int,
        action: AuditAction,
        reader_id: int | None,
        details: str,
        then: Callable[[ReadItems], object] = lambda _: None,
    ) -> None:
        """Ask for an entry of the access log, and for `then` in the watcher's thread once it is on
        disk: `Recorded`, or `RecordRefused`. The answers carry `number`; what `then` is given
        fetches items of a view.
        """
        self._requests.put(requests.PutOnRecord(number, action, reader_id, details, then))

    def open_log(self, number: int) -> None:
        """Ask that the access log may be watched, once that is on record where it is a look at
        others' entries: `Recorded`, or `RecordRefused`.
        """
        self._requests.put(requests.OpenLog(number))

    # From here on everything runs in the watcher's thread.

    def _run(self) -> None:
        while True:
            request: requests.Request | None = None
            with suppress(queue.Empty):
                request = self._requests.get(timeout=POLL_SECONDS)
            if isinstance(request, requests.Stop):
                self._connections.let_go()
                return
            try:
                if request is not None:
                    self._serve(request)
                self._poll(at_once=False)  # whatever is asked for, and however often
            except Exception as error:  # noqa: BLE001 - the thread lives on, and says so
                with suppress(Exception):
                    self._note_loss(internal_error(error))

    def _serve(self, request: requests.Request) -> None:
        """Do what is asked for."""
        match request:
            case requests.SignIn():
                self._sign_in(request)
            case requests.Uncover():
                self._uncover(request)
            case requests.Watch():
                self._front.watch(request.view, request.question)
                self._poll(at_once=True)
            case requests.Fetch():
                self._fetch(request)
            case requests.Find():
                self._find(request)
            case requests.Open():
                self._open(request)
            case requests.KnowSeen():
                self._front.attention.seen = request.readers
                self._poll(at_once=True)
            case requests.ReadOlder():
                self._read_older(request)
            case requests.PutOnRecord():
                self._record(request)
            case requests.OpenLog():
                self._open_log(request)

    def _sign_in(self, request: requests.SignIn) -> None:
        try:
            with safe_errors():
                user = authenticated(
                    self._url, request.email, request.password, self._clock(), AuditAction.LOGGED_IN
                )
        except ReadwatchError as error:
            self._post(LoginRefused(error.message))
            return
        self._consultant = user
        self._post(LoggedIn(user))

    def _uncover(self, request: requests.Uncover) -> None:
        if self._consultant is None:
            return  # shown out meanwhile
        email, action = self._consultant.email, AuditAction.UNLOCKED_CONSOLE
        try:
            with safe_errors():
                authenticated(self._url, email, request.password, self._clock(), action)
        except ReadwatchError as error:
            self._post(UnlockRefused(error.message))
        else:
            self._post(Unlocked())

    def _open(self, request: requests.Open) -> None:
        if self._consultant is None:
            return  # shown out while the key was on its way
        self._front.leave()
        seen_in = f"from {request.seen_in}"
        action = AuditAction.VIEWED_READER_PROFILE
        try:
            event = _event(self._consultant, action, request.reader_id, seen_in)
            permit = self._log(self._consultant, event, audit_log.log_access)
        except ReadwatchError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                self._sign_out(error.message)
                return
            self._post(ReaderRefused(request.opening, f"the look {error.message}"))
            return
        self._front.open(request.opening, permit)
        self._poll(at_once=True)

    def _read_older(self, request: requests.ReadOlder) -> None:
        opened = self._front.reader_page
        if opened and opened.opening == request.opening and opened.read_on(request.oldest):
            self._poll(at_once=True)

    def _record(self, request: requests.PutOnRecord) -> None:
        if self._consultant is None:
            return  # shown out while the key was on its way
        with self._answering(request.number):
            event = _event(self._consultant, request.action, request.reader_id, request.details)
            self._log(self._consultant, event, audit_log.log_event)
            with safe_errors():
                request.then(self._items)

    def _open_log(self, request: requests.OpenLog) -> None:
        if self._consultant is None:
            return  # shown out while the key was on its way
        with self._answering(request.number):
            if self._consultant.user_role is UserRole.ADMIN:
                action, details = AuditAction.LISTED_ACCESS_LOG, "everybody's entries"
                event = _event(self._consultant, action, None, details)
                self._log(self._consultant, event, audit_log.log_event)
            self._front.open_log(self._consultant)

    @contextmanager
    def _answering(self, number: int) -> Iterator[None]:
        """Say whether what was asked for under a number is on record, and done."""
        try:
            yield
        except ReadwatchError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                self._sign_out(error.message)
            else:
                self._post(EventRefused(number, error))
        else:
            self._post(EventLogged(number))

    def _log(
        self,
        consultant: User,
        event: AuditEvent,
        log_it: Callable[[Database, AuditEvent, datetime], T],
    ) -> T:
        """Return what logging the event gives, if the account is still what it was at the login."""
        try:
            with self._connections.looking() as db:
                users.require_unchanged(db, consultant)
            with self._connections.recording() as log:
                return log_it(log, event, self._clock())
        except ReadwatchError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                raise
            self._connections.let_go()
            reason = f"could not be put on record: {error.message}"
            raise ReadwatchError(error.kind, reason) from None

    def _poll(self, *, at_once: bool) -> None:
        if self._consultant is None or self._front.view is None:
            return
        if not at_once and self._loss.is_pausing:
            return
        try:
            with self._connections.looking() as db:
                if at_once or uptime() >= self._ask_at:
                    migrations.require_current(db)
                    users.require_unchanged(db, self._consultant)
                    self._ask_at = uptime() + ACCOUNT_CHECK_SECONDS
                if at_once or self._pace.is_due(data_version(db)):
                    self._post(self._picture(db))
                    self._fetch_missed()
        except ReadwatchError as error:
            self._say_refused(error)
        else:
            self._loss.end()

    def _say_refused(self, error: ReadwatchError) -> None:
        """Say why there is no picture."""
        front = self._front
        if error.kind is ErrorKind.UNAUTHENTICATED:
            self._sign_out(error.message)
        elif front.view and front.query and error.kind is ErrorKind.INVALID:
            self._post(QueryRefused(front.view, front.query, error.message))
            front.take_back()
        elif front.reader_page and error.kind is ErrorKind.NOT_FOUND:
            self._post(ReaderRefused(front.reader_page.opening, error.message))
            front.leave()
        else:
            self._note_loss(error)

    def _sign_out(self, reason: str) -> None:
        """Show nothing more to somebody who may not look any more."""
        self._consultant = None
        self._front.empty()
        self._post(LoggedOut(reason))

    def _picture(self, db: Database) -> Message:
        self._pace.begin(data_version(db))
        work = work_clock(db)
        begun_at = work()
        with read_snapshot(db):
            taken = self._front.snapshot(db, self._clock())
        rest = self._pace.rest(timedelta(seconds=work() - begun_at))
        pulse = replace(taken.stats, rest=rest)
        if isinstance(taken, ViewSnapshot):
            return ViewSnapshotReady(replace(taken, stats=pulse))
        return ReaderSnapshotReady(replace(taken, stats=pulse))

    def _fetch(self, request: requests.Fetch) -> None:
        """Answer who scrolls or freezes; why that fails is said by the next picture, and after one
        that does not fail it is tried again.
        """
        if self._consultant is None or request.view is not self._front.view:
            return
        try:
            items = self._items(request.view, request.ids)
        except ReadwatchError:
            self._missed.append(request)
        else:
            self._post(ItemsReady(request.view, items))

    def _fetch_missed(self) -> None:
        missed, self._missed = self._missed, []
        for request in missed:
            self._requests.put(request)

    def _find(self, request: requests.Find) -> None:
        """Answer who types; masked names are found by nothing."""
        if self._consultant is None or self._mask:
            return
        readers: tuple[ReaderSummary, ...] = ()
        with suppress(ReadwatchError), self._connections.looking() as db:
            users.require_unchanged(db, self._consultant)
            words = request.words.split()
            readers = readers_named(db, words, self._clock(), length=READERS_FOUND)
        self._post(ReadersFound(request.words, readers))

    def _items(self, view: View, ids: Sequence[int]) -> tuple[Item, ...]:
        """Return items of one moment, if who sits here may still look: an export asks often."""
        if self._consultant is None or self._is_leaving:
            raise unavailable("the console is being left")
        with self._connections.looking() as db:
            users.require_unchanged(db, self._consultant)
            with read_snapshot(db):
                return self._front.items(db, view, ids, self._clock())

    def _note_loss(self, error: ReadwatchError) -> None:
        """Say since when there is nothing new, and wait longer before each new try."""
        if self._is_leaving:
            return  # the question was taken back, nothing is lost
        self._connections.let_go()
        self._post(ConnectionLost(error.message, self._loss.note(self._clock())))

    def _begin_anew(self) -> None:
        """Ask everything anew: another database may have taken the place of the one before."""
        self._ask_at = 0.0
        self._pace.forget()
        self._front.begin_anew()


def _event(
    consultant: User, action: AuditAction, reader_id: int | None, details: str
) -> AuditEvent:
    return AuditEvent(consultant.id, action, reader_id, f"console, {details}", terminal_address())
