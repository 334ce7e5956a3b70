"""What is in front of the consultant: a list or a reader's page, and how much of it is shown."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from readwatch.domain.clock import uptime
from readwatch.domain.users import User
from readwatch.monitor.attention import Attention
from readwatch.monitor.build import DEFAULT_VIEWPORT, live_stats, read_items, view_snapshot
from readwatch.monitor.reader_page import ReaderPage
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import Item, LiveStats, ReaderSnapshot, View, ViewSnapshot, masked
from readwatch.store.audit.log import Permit
from readwatch.store.engine.connections import Database
from readwatch.store.lists.query import ListQuery
from readwatch.tui.views import view_specs

ATTENTION_SECONDS = 10.0
"""How often it is noticed who may need a consultant, while that list is not in front."""


class CurrentView:
    """One list at a time or, above it, one reader; asked for pictures by one thread.

    `sight` is what is in view of the list by now: a whole that any thread may replace.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        self._mask = settings.mask
        self.attention = Attention(settings.thresholds)
        self._notice_at = 0.0
        self.viewport = DEFAULT_VIEWPORT
        self.empty()

    def empty(self) -> None:
        """Have nothing in front, and keep nothing for the next person."""
        self.view: View | None = None
        self.query: ListQuery | None = None
        self._answered: ListQuery | None = None
        self._revealed: set[int] = set()
        self._listings = view_specs(self.attention)
        self.reader_page: ReaderPage | None = None

    def begin_anew(self) -> None:
        """Forget what was so in the database before: another may have taken its place."""
        self._notice_at = 0.0
        self.attention.reset()

    def watch(self, view: View, question: ListQuery) -> None:
        """Have a list in front; an open reader is left."""
        if view is not self.view:
            self._answered = None
        self.view, self.query = view, question
        self.leave()

    def take_back(self) -> None:
        """Ask again what was answered last: the question of now cannot be."""
        self.query = self._answered

    def open(self, opening: int, permit: Permit) -> None:
        """Have a reader in front, whose name is no secret from now on."""
        self._revealed.add(permit.subject_id)
        self.reader_page = ReaderPage(opening, permit)

    def leave(self) -> None:
        """Go back to the list."""
        self.reader_page = None

    def open_log(self, asker: User) -> None:
        """Let the list of the access log have the entries that somebody may see."""
        self._listings = view_specs(self.attention, asker)

    def snapshot(self, db: Database, now: datetime) -> ViewSnapshot | ReaderSnapshot:
        """Return what is in front at `now`."""
        self._notice(db, now)
        if self.reader_page is not None:
            return self.reader_page.snapshot(db, self._with_attention(live_stats(db, now)))
        view = self.view or View.ONLINE
        taken = view_snapshot(db, view, now, self.query, self.viewport, self._listings)
        self._answered = self.query
        pulse = self._with_attention(taken.stats)
        return replace(taken, items=self._shown(taken.items), stats=pulse)

    def _with_attention(self, pulse: LiveStats) -> LiveStats:
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
            self.attention.refresh(db, now)
            self._notice_at = uptime() + ATTENTION_SECONDS
