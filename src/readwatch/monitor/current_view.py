"""What is in front of the consultant: a list or a reader's page, and how much of it is shown."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from readwatch.domain.audit import Permit
from readwatch.domain.clock import uptime
from readwatch.domain.users import User
from readwatch.monitor.attention import Attention
from readwatch.monitor.build import ANY_SIGHT, read_items, take_overview, take_pulse
from readwatch.monitor.reader_page import OpenedReader
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import Item, Overview, Pulse, ReaderPage, View, masked
from readwatch.store.engine.connections import Database
from readwatch.store.lists.query import Question
from readwatch.tui.views import listings_with

NOTICE_SECONDS = 10.0
"""How often it is noticed who may need a consultant, while that list is not in front."""


class Front:
    """One list at a time or, above it, one reader; asked for pictures by one thread.

    `sight` is what is in view of the list by now: a whole that any thread may replace.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        self._mask = settings.mask
        self.attention = Attention(settings.thresholds)
        self._notice_at = 0.0
        self.sight = ANY_SIGHT
        self.empty()

    def empty(self) -> None:
        """Have nothing in front, and keep nothing for the next person."""
        self.view: View | None = None
        self.question: Question | None = None
        self._answered: Question | None = None
        self._revealed: set[int] = set()
        self._listings = listings_with(self.attention)
        self.opened: OpenedReader | None = None

    def begin_anew(self) -> None:
        """Forget what was so in the database before: another may have taken its place."""
        self._notice_at = 0.0
        self.attention.begin_anew()

    def watch(self, view: View, question: Question) -> None:
        """Have a list in front; an open reader is left."""
        if view is not self.view:
            self._answered = None
        self.view, self.question = view, question
        self.leave()

    def take_back(self) -> None:
        """Ask again what was answered last: the question of now cannot be."""
        self.question = self._answered

    def open(self, opening: int, permit: Permit) -> None:
        """Have a reader in front, whose name is no secret from now on."""
        self._revealed.add(permit.reader_id)
        self.opened = OpenedReader(opening, permit)

    def leave(self) -> None:
        """Go back to the list."""
        self.opened = None

    def open_log(self, asker: User) -> None:
        """Let the list of the access log have the entries that somebody may see."""
        self._listings = listings_with(self.attention, asker)

    def picture(self, db: Database, now: datetime) -> Overview | ReaderPage:
        """Return what is in front at `now`."""
        self._notice(db, now)
        if self.opened is not None:
            return self.opened.picture(db, self._with_attention(take_pulse(db, now)))
        view = self.view or View.ONLINE
        taken = take_overview(db, view, now, self.question, self.sight, self._listings)
        self._answered = self.question
        pulse = self._with_attention(taken.pulse)
        return replace(taken, items=self._shown(taken.items), pulse=pulse)

    def _with_attention(self, pulse: Pulse) -> Pulse:
        in_need = self.attention.in_need
        return replace(pulse, in_need=in_need, unseen=in_need - self.attention.seen)

    def items(
        self, db: Database, view: View, ids: Sequence[int], now: datetime
    ) -> tuple[Item, ...]:
        """Return items of a list as they are shown."""
        return self._shown(read_items(db, self._listings[view], ids, now))

    def _shown(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        return masked(items, self._revealed) if self._mask else items

    def _notice(self, db: Database, now: datetime) -> None:
        """See who may need a consultant: for the header now and then, for their list each time."""
        if self.view is View.ATTENTION or uptime() >= self._notice_at:
            self.attention.notice(db, now)
            self._notice_at = uptime() + NOTICE_SECONDS
