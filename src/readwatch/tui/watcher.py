"""The one thread that reads the database for the console; it never touches a widget.

It answers what the console asks, polls what is on the screen, and posts immutable pictures. Each
connection has its role: one reads, one appends to the access log, one is opened for a sign-in.
"""

import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import uniform
from typing import Any

from textual.message import Message

from readwatch.domain.access_log import Action, Look
from readwatch.domain.clock import Clock, midnight, uptime
from readwatch.domain.console import ConsoleSettings
from readwatch.domain.errors import ErrorKind, ReadwatchError, unavailable
from readwatch.domain.users import User, UserRole
from readwatch.store import access_log, schema, users
from readwatch.store.database import (
    Database,
    close_all,
    data_version,
    interruption,
    one_moment,
    using,
)
from readwatch.store.listing import Question
from readwatch.store.online import count_online
from readwatch.store.online_counts import peak_today
from readwatch.store.overview import activities_per_minute
from readwatch.store.rights import Role
from readwatch.store.sign_in import sign_in
from readwatch.store.sqlite import file_identity
from readwatch.store.summaries import ReaderSummary, readers_named
from readwatch.tui.attention import Attention
from readwatch.tui.messages import (
    ConnectionLost,
    ItemsArrived,
    LookRefused,
    OverviewArrived,
    QuestionRefused,
    ReaderArrived,
    ReadersFound,
    Recorded,
    RecordRefused,
    SignedIn,
    SignedOut,
    SignInRefused,
    Uncovered,
    UncoverRefused,
)
from readwatch.tui.opened import OpenedReader
from readwatch.tui.snapshots import Item, Overview, Pulse, View, masked
from readwatch.tui.views import LISTINGS, listings_with
from readwatch.tui.views.listing import Listing
from readwatch.tui.window import Order, Sight, order_of, top_of, window

POLL_SECONDS = 0.25
"""How often the watcher asks whether anything changed, which costs next to nothing on SQLite."""

REST = 40
"""How many times as long as a picture took the watcher rests after it: a crowd costs no more."""

REFRESH_SECONDS = 5.0
"""The longest: presence changes with time alone."""

ASK_SECONDS = 2.0
"""How soon a console hears that who sits there may not look any more."""

LOOK_SECONDS = 10.0
"""How often it is seen who may need a consultant, while that list is not in front."""

LONGEST_PAUSE_SECONDS = 30.0

READERS_FOUND = 20
"""The most that are offered for some words."""

ITEMS_AT_ONCE = 500
"""The most that one statement is asked for."""


Fetch = Callable[[View, Sequence[int]], tuple[Item, ...]]


@dataclass(frozen=True, slots=True)
class _SignIn:
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class _Uncover:
    password: str


@dataclass(frozen=True, slots=True)
class _Watch:
    view: View
    question: Question


@dataclass(frozen=True, slots=True)
class _Fetch:
    view: View
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Find:
    words: str


@dataclass(frozen=True, slots=True)
class _Open:
    opening: int
    reader_id: int
    seen_in: str


@dataclass(frozen=True, slots=True)
class _ReadOlder:
    opening: int
    oldest: int


@dataclass(frozen=True, slots=True)
class _Record:
    number: int
    action: Action
    reader_id: int | None
    details: str
    then: Callable[[Fetch], object]


@dataclass(frozen=True, slots=True)
class _Seen:
    readers: frozenset[int]


@dataclass(frozen=True, slots=True)
class _OpenLog:
    number: int


@dataclass(frozen=True, slots=True)
class _Stop:
    pass


_Request = (
    _SignIn
    | _Uncover
    | _Watch
    | _Fetch
    | _Find
    | _Open
    | _ReadOlder
    | _Record
    | _OpenLog
    | _Seen
    | _Stop
)

_ANY_SIGHT = Sight(height=50)


class Watcher:
    """Asked from the console's thread, answers by `post`, which has to be thread-safe."""

    def __init__(
        self,
        settings: ConsoleSettings,
        post: Callable[[Message], object],
        clock: Clock,
    ) -> None:
        self._refresh_seconds = settings.refresh.total_seconds()
        self._mask = settings.mask
        self._attention = Attention(settings.thresholds)
        self._look_at = 0.0
        self._listings = listings_with(self._attention)
        self._revealed: set[int] = set()
        self._is_leaving = False
        self._url = settings.database_url
        self._post = post
        self._clock = clock
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        # Not joined at exit: a query that hangs must not keep the console from quitting.
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

        self._consultant: User | None = None
        self._view: View | None = None
        self._question: Question | None = None
        self._answered: Question | None = None
        self._sight = _ANY_SIGHT
        self._opened: OpenedReader | None = None
        self._data: Database | None = None
        self._log: Database | None = None
        self._identity: tuple[int, int] | None = None
        self._interrupt: Callable[[], None] = _nothing
        self._seen_version: int | None = None
        self._fetched_at = 0.0
        self._rest_until = 0.0
        self._ask_at = 0.0
        self._failures = 0
        self._lost_since: datetime | None = None
        self._retry_at = 0.0

    def start(self, signed_in: User | None = None) -> None:
        """Start watching; `signed_in` is who signed in already."""
        self._consultant = signed_in
        self._thread.start()

    def stop(self) -> None:
        """Let go of the database, soon."""
        self._is_leaving = True
        self._requests.put(_Stop())
        self._interrupt()
        self._thread.join(timeout=0.5)

    def sign_in(self, email: str, password: str) -> None:
        """Ask for `SignedIn` or `SignInRefused`."""
        self._requests.put(_SignIn(email, password))

    def uncover(self, password: str) -> None:
        """Ask for `Uncovered` or `UncoverRefused`."""
        self._requests.put(_Uncover(password))

    def watch(self, view: View, question: Question, sight: Sight) -> None:
        """Ask for pictures of a view from now on; an open reader is left.

        They have the items that will be in view of who has it in `sight` now; a question that
        cannot be answered is refused by `QuestionRefused`.
        """
        self._sight = sight
        self._requests.put(_Watch(view, question))

    def see(self, sight: Sight) -> None:
        """Tell what is in view by now."""
        self._sight = sight  # a whole that is replaced as a whole: the other thread reads it once

    def know_seen(self, seen: frozenset[int]) -> None:
        """Tell who was marked as seen by now; what is new of that is shown at once."""
        if seen != self._attention.seen:
            self._requests.put(_Seen(seen))

    def fetch(self, view: View, ids: tuple[int, ...]) -> None:
        """Ask for `ItemsArrived`."""
        self._requests.put(_Fetch(view, ids))

    def find_readers(self, words: str) -> None:
        """Ask for `ReadersFound`; without an answer of the database they are none."""
        self._requests.put(_Find(words))

    def open_reader(self, opening: int, reader_id: int, seen_in: str) -> None:
        """Ask for a reader's page from now on: `ReaderArrived`, or `LookRefused`.

        `opening` is a number that is given once; the answers carry it.
        """
        self._requests.put(_Open(opening, reader_id, seen_in))

    def read_older(self, opening: int, oldest: int) -> None:
        """Ask for a picture of the open reader with activities older than the one `oldest`."""
        self._requests.put(_ReadOlder(opening, oldest))

    def record(
        self,
        number: int,
        action: Action,
        reader_id: int | None,
        details: str,
        then: Callable[[Fetch], object] = lambda _: None,
    ) -> None:
        """Ask for an entry of the access log, and for `then` in the watcher's thread once it is on
        disk: `Recorded`, or `RecordRefused`. The answers carry `number`; what `then` is given
        fetches items of a view.
        """
        self._requests.put(_Record(number, action, reader_id, details, then))

    def open_log(self, number: int) -> None:
        """Ask that the access log may be watched, once that is on record where it is a look at
        others' entries: `Recorded`, or `RecordRefused`.
        """
        self._requests.put(_OpenLog(number))

    # From here on everything runs in the watcher's thread.

    def _run(self) -> None:
        while True:
            request: _Request | None = None
            with suppress(queue.Empty):
                request = self._requests.get(timeout=POLL_SECONDS)
            if isinstance(request, _Stop):
                self._disconnect()
                return
            try:
                self._serve(request)
            except Exception as error:  # noqa: BLE001 - the thread lives on, and says so
                with suppress(Exception):
                    self._note_loss(_fault(error))

    def _serve(self, request: _Request | None) -> None:
        """Do what is asked for; when that is nothing, see what is new."""
        match request:
            case None:
                self._poll(at_once=False)
            case _SignIn():
                self._sign_in(request)
            case _Uncover():
                self._uncover(request)
            case _Watch():
                if request.view is not self._view:
                    self._answered = None
                self._view, self._question = request.view, request.question
                self._opened = None
                self._poll(at_once=True)
            case _Fetch():
                self._fetch(request)
            case _Find():
                self._find(request)
            case _Open():
                self._open(request)
            case _Seen():
                self._attention.seen = request.readers
                self._poll(at_once=True)
            case _ReadOlder():
                self._read_older(request)
            case _Record():
                self._record(request)
            case _OpenLog():
                self._open_log(request)

    def _sign_in(self, request: _SignIn) -> None:
        try:
            with _in_words():
                user = authenticated(
                    self._url, request.email, request.password, self._clock(), Action.SIGNED_IN
                )
        except ReadwatchError as error:
            self._post(SignInRefused(error.message))
            return
        self._consultant = user
        self._post(SignedIn(user))

    def _uncover(self, request: _Uncover) -> None:
        if self._consultant is None:
            return  # shown out meanwhile
        email, action = self._consultant.email, Action.UNLOCKED_CONSOLE
        try:
            with _in_words():
                authenticated(self._url, email, request.password, self._clock(), action)
        except ReadwatchError as error:
            self._post(UncoverRefused(error.message))
        else:
            self._post(Uncovered())

    def _open(self, request: _Open) -> None:
        if self._consultant is None:
            return  # shown out while the key was on its way
        self._opened = None
        seen_in = f"from {request.seen_in}"
        action = Action.VIEWED_READER_PROFILE
        try:
            look = self._put_on_record(self._consultant, action, request.reader_id, seen_in)
        except ReadwatchError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                self._sign_out(error.message)
                return
            self._post(LookRefused(request.opening, f"the look {error.message}"))
            return
        self._revealed.add(request.reader_id)
        self._opened = OpenedReader(request.opening, access_log.permitted(look))
        self._poll(at_once=True)

    def _read_older(self, request: _ReadOlder) -> None:
        if (
            self._opened is not None
            and self._opened.opening == request.opening
            and self._opened.read_on(request.oldest)
        ):
            self._poll(at_once=True)

    def _record(self, request: _Record) -> None:
        if self._consultant is None:
            return  # shown out while the key was on its way
        with self._answering(request.number):
            self._put_on_record(
                self._consultant, request.action, request.reader_id, request.details
            )
            with _in_words():
                request.then(self._items)

    def _open_log(self, request: _OpenLog) -> None:
        if self._consultant is None:
            return  # shown out while the key was on its way
        with self._answering(request.number):
            if self._consultant.user_role is UserRole.ADMIN:
                self._put_on_record(
                    self._consultant, Action.LISTED_ACCESS_LOG, None, "everybody's entries"
                )
            self._listings = listings_with(self._attention, self._consultant)

    @contextmanager
    def _answering(self, number: int) -> Iterator[None]:
        """Say whether what was asked for under a number is on record, and done."""
        try:
            yield
        except ReadwatchError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                self._sign_out(error.message)
            else:
                self._post(RecordRefused(number, error))
        else:
            self._post(Recorded(number))

    def _put_on_record(
        self, consultant: User, action: Action, reader_id: int | None, details: str
    ) -> Look:
        """Return what was committed to the access log, if who sits here may still look."""
        look = Look(consultant.id, action, reader_id, f"console, {details}", terminal_address())
        try:
            with _in_words(), self._asking() as db:
                users.require_unchanged(db, consultant)
            with _in_words(), using(self._connected_log()) as log:
                access_log.append(log, look, self._clock())
        except ReadwatchError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                raise
            self._disconnect()
            reason = f"could not be put on record: {error.message}"
            raise ReadwatchError(error.kind, reason) from None
        return look

    def _poll(self, *, at_once: bool) -> None:
        if self._consultant is None or self._view is None:
            return
        if not at_once and uptime() < self._retry_at:
            return
        try:
            with _in_words(), self._asking() as db:
                if at_once or uptime() >= self._ask_at:
                    schema.require_current(db)
                    users.require_unchanged(db, self._consultant)
                    self._ask_at = uptime() + ASK_SECONDS
                if at_once or self._is_due(db):
                    self._post(self._picture(db))
        except ReadwatchError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                self._sign_out(error.message)
            elif self._view and self._question and error.kind is ErrorKind.INVALID:
                self._post(QuestionRefused(self._view, self._question, error.message))
                self._question = self._answered
            elif self._opened is not None and error.kind is ErrorKind.NOT_FOUND:
                self._post(LookRefused(self._opened.opening, error.message))
                self._opened = None
            else:
                self._note_loss(error)
        else:
            self._failures, self._lost_since = 0, None

    def _sign_out(self, reason: str) -> None:
        """Show nothing more to somebody who may not look any more."""
        self._consultant = self._view = self._opened = None
        self._revealed.clear()
        self._listings = listings_with(self._attention)
        self._post(SignedOut(reason))

    def _is_due(self, db: Database) -> bool:
        """Tell whether there may be something new to show."""
        if uptime() < self._rest_until:
            return False
        version = data_version(db)
        is_old = uptime() - self._fetched_at >= REFRESH_SECONDS
        return is_old or version is None or version != self._seen_version

    def _picture(self, db: Database) -> Message:
        self._seen_version = data_version(db)
        self._fetched_at = uptime()
        with one_moment(db):
            return self._answer(db, self._clock())

    def _answer(self, db: Database, now: datetime) -> Message:
        self._look_around(db, now)
        if self._opened is not None:
            page = self._opened.picture(db, self._with_unseen(_pulse(db, now)))
            return ReaderArrived(self._opened.opening, replace(page, pulse=self._rest(page.pulse)))
        view = self._view or View.ONLINE
        picture = take_overview(db, view, now, self._question, self._sight, self._listings)
        self._answered = self._question
        pulse = self._rest(self._with_unseen(picture.pulse))
        return OverviewArrived(replace(picture, items=self._shown(picture.items), pulse=pulse))

    def _look_around(self, db: Database, now: datetime) -> None:
        """See who may need a consultant: for the header now and then, for their list each time."""
        if self._view is View.ATTENTION or uptime() >= self._look_at:
            self._attention.look(db, now)
            self._look_at = uptime() + LOOK_SECONDS

    def _with_unseen(self, pulse: Pulse) -> Pulse:
        return replace(pulse, unseen=self._attention.unseen)

    def _rest(self, pulse: Pulse) -> Pulse:
        """Begin to rest after a picture, and return its pulse that says how long."""
        rest = max(self._refresh_seconds, REST * (uptime() - self._fetched_at))
        self._rest_until = uptime() + rest
        return replace(pulse, rest=timedelta(seconds=rest))

    def _shown(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        return masked(items, self._revealed) if self._mask else items

    def _fetch(self, request: _Fetch) -> None:
        """Answer who scrolls; what fails here is said by the next picture."""
        if self._consultant is None or request.view is not self._view:
            return
        with suppress(ReadwatchError), _in_words():
            self._post(ItemsArrived(request.view, self._items(request.view, request.ids)))

    def _find(self, request: _Find) -> None:
        """Answer who types; masked names are found by nothing."""
        if self._consultant is None or self._mask:
            return
        readers: tuple[ReaderSummary, ...] = ()
        with suppress(ReadwatchError), _in_words(), self._asking() as db:
            users.require_unchanged(db, self._consultant)
            words = request.words.split()
            readers = readers_named(db, words, self._clock(), length=READERS_FOUND)
        self._post(ReadersFound(request.words, readers))

    def _items(self, view: View, ids: Sequence[int]) -> tuple[Item, ...]:
        """Return items of one moment, some at a time: an export has thousands."""
        now, found = self._clock(), list[Item]()
        with self._asking() as db, one_moment(db):
            for some in range(0, len(ids), ITEMS_AT_ONCE):
                found += self._listings[view].items(db, ids[some : some + ITEMS_AT_ONCE], now)
        return self._shown(tuple(found))

    def _note_loss(self, error: ReadwatchError) -> None:
        """Say since when there is nothing new, and wait longer before each new try."""
        if self._is_leaving:
            return  # the question was taken back, nothing is lost
        self._failures += 1
        longest = min(2.0 ** (self._failures - 1), LONGEST_PAUSE_SECONDS)
        # Not all consoles at the same moment, when a server is back.
        self._retry_at = uptime() + uniform(longest / 2, longest)  # noqa: S311 - no secret
        self._lost_since = self._lost_since or self._clock()
        self._disconnect()
        self._post(ConnectionLost(error.message, self._lost_since))

    @contextmanager
    def _asking(self) -> Iterator[Database]:
        """Lend the connection for looks; leaving the console interrupts what it is asked."""
        with using(self._connected_data()) as db:
            self._interrupt = interruption(db)
            try:
                yield db
            finally:
                self._interrupt = _nothing

    def _connected_data(self) -> Database:
        self._follow_the_file()
        if self._data is None:
            if self._identity is not None:
                # The log's connection can write, so it makes the files that a read-only one needs.
                # A server's is opened for a look: whether it may write is settled when it opens.
                self._connected_log()
            self._data = schema.open_current(self._url, Role.CONSOLE)
        return self._data

    def _connected_log(self) -> Database:
        self._follow_the_file()
        if self._log is None:
            self._log = schema.open_current(self._url, Role.ACCESS_LOG)
        return self._log

    def _follow_the_file(self) -> None:
        """Let go of a file that has another in its place now, as after a restore."""
        found = file_identity(self._url)
        if found != self._identity:
            self._disconnect()
            self._identity = found

    def _disconnect(self) -> None:
        for db in (self._data, self._log):
            if db is not None:
                with suppress(Exception):  # it is broken already, and the thread has to live on
                    close_all(db)
        self._data = self._log = self._seen_version = None
        # What is reached next may be another database.
        self._ask_at = self._look_at = 0.0
        self._attention.begin_anew()


def authenticated(url: str, email: str, password: str, now: datetime, action: Action) -> User:
    """Return who may look, once that is on record; whoever else asks is refused."""
    db = schema.open_current(url, Role.SIGN_IN)
    try:
        return sign_in(db, email, password, terminal_address(), now, action=action)
    finally:
        close_all(db)


def _nothing() -> None:
    """Interrupt nothing: nothing is asked."""


@contextmanager
def _in_words() -> Iterator[None]:
    """Tell of each failure by a sentence, also of one that nobody foresaw: the thread lives on."""
    try:
        yield
    except ReadwatchError:
        raise
    except Exception as error:  # noqa: BLE001 - told without its own words
        raise _fault(error) from None


def _fault(error: Exception) -> ReadwatchError:
    """Return what is said of a failure that nobody foresaw: its words could hold personal data."""
    return unavailable(f"a fault of the program: {type(error).__name__}")


def take_overview(
    db: Database,
    view: View,
    now: datetime,
    question: Question | None = None,
    sight: Sight = _ANY_SIGHT,
    listings: Mapping[View, Listing[Any]] = LISTINGS,
) -> Overview:
    """Return the picture of a view at `now`, with the items that will be in sight.

    Without a question it is what the view begins with.
    """
    listing = listings[view]
    question = question or listing.question()
    found = listing.order(db, question, now)
    order = order_of(found.ids)
    ids = window(order, top_of(order, sight), sight.height)
    return Overview(
        view,
        question,
        _pulse(db, now, _online_in(view, question, order)),
        order,
        found.reader_ids,
        listing.items(db, ids, now),
        found.has_older,
    )


def _online_in(view: View, question: Question, order: Order) -> int | None:
    """Tell how many are online, where the order says so already."""
    return len(order.ids) if view is View.ONLINE and not question.terms else None


def _pulse(db: Database, now: datetime, online: int | None = None) -> Pulse:
    online = count_online(db, now) if online is None else online
    peak = peak_today(db, midnight(now))
    return Pulse(
        taken_at=now,
        online=online,
        per_minute=activities_per_minute(db, now),
        peak=peak if peak is not None and peak.readers > online else None,
    )


def terminal_address() -> str:
    """Return where the consultant sits: the address of the ssh client, else `local`."""
    return os.environ.get("SSH_CONNECTION", "local").split(" ", 1)[0][:45]
