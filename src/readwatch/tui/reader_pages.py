"""The pages of readers; the worker posts their snapshots after the access is logged."""

from concurrent.futures import Future
from functools import partial
from itertools import count

from textual.app import App
from textual.timer import Timer

from readwatch.monitor.snapshots import ReaderSnapshot
from readwatch.monitor.worker import Worker
from readwatch.tui.reader_pager import ReaderPager
from readwatch.tui.screens.reader import Panel, ReaderScreen
from readwatch.tui.terminal.driver import call_after_keys

HOLD_SECONDS = 0.06
"""How long a request waits: a page that is closed before is not logged. It is shorter than the
time after which people notice a delay."""


class ReaderPages:
    """Opens readers' pages, one at a time, each with its own screen.

    A page is requested `HOLD_SECONDS` after it opened, and after the keys that were pressed until
    then, because one of them may close it.
    """

    def __init__(self, app: App[None], worker: Worker) -> None:
        self._app = app
        self._worker = worker
        self._timer: Timer | None = None
        self._request_ids = count(1)
        self.current: ReaderScreen | None = None
        self._request: Future[None] | None = None

    def open(self, pager: ReaderPager, *, panel: Panel = Panel.ACTIVITIES) -> ReaderScreen:
        """Return a new, empty screen for a reader's page, which is requested in a moment."""
        self.close()
        page = ReaderScreen(next(self._request_ids), pager, panel, self._worker.read_older)
        request = partial(self._request_page, page)
        self._timer = self._app.set_timer(
            HOLD_SECONDS, partial(call_after_keys, self._app, page, request)
        )
        self.current = page
        return page

    def _request_page(self, page: ReaderScreen) -> None:
        if self.current is page:
            self._request = self._worker.watch_reader(
                page.request_id, page.pager.reader_id, page.pager.list_name
            )

    def step(self, rows: int) -> ReaderScreen | None:
        """Open the page of the reader `rows` further down; return None beyond the ends."""
        if self.current is None:
            return None
        pager = self.current.pager.step(rows)
        if pager is None:
            self.current.show_end(rows)
            return None
        return self.open(pager, panel=self.current.panel)

    def close(self) -> None:
        """Ignore further snapshots; a request that has not begun logs nothing."""
        self.current = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._request is not None:
            self._request.cancel()
            self._request = None

    def show(self, snapshot: ReaderSnapshot) -> bool:
        """Show a snapshot unless another page is open; tell whether it is shown."""
        if self.current is None or self.current.request_id != snapshot.request_id:
            return False
        self.current.show(snapshot)
        return True

    def refuse(self, request_id: int, reason: str) -> None:
        """Show why the page has no data, unless another page is open."""
        if self.current is not None and self.current.request_id == request_id:
            self.current.refuse(reason)
