"""The pages of readers; the worker posts their snapshots after the access is logged."""

from concurrent.futures import Future
from functools import partial
from itertools import count

from textual.app import App
from textual.timer import Timer

from readwatch.monitor.snapshots import ReaderSnapshot
from readwatch.monitor.worker import Worker
from readwatch.tui.reader_pager import ReaderPager
from readwatch.tui.screens.comparison import ComparisonScreen
from readwatch.tui.screens.reader import Panel, ReaderScreen
from readwatch.tui.terminal.driver import call_after_keys

HOLD_SECONDS = 0.06
"""How long a request waits: a page that is closed before is not logged. It is shorter than the
time after which people notice a delay."""
MAX_HISTORY = 50
"""So many pages can be opened again."""

Page = ReaderScreen | ComparisonScreen


class ReaderPages:
    """Opens readers' pages and comparisons, one at a time, each with its own screen.

    A page is requested `HOLD_SECONDS` after it opened, and after the keys that were pressed until
    then, because one of them may close it.
    """

    def __init__(self, app: App[None], worker: Worker) -> None:
        self._app = app
        self._worker = worker
        self._timer: Timer | None = None
        self._request_ids = count(1)
        self.current: Page | None = None
        self._request: Future[None] | None = None
        self._history: tuple[ReaderPager, ...] = ()
        self._position = -1  # of the page that was opened last

    def open(self, pager: ReaderPager, *, panel: Panel = Panel.ACTIVITIES) -> ReaderScreen:
        """Return a new, empty screen for a reader's page, which is requested in a moment."""
        self._history = (*self._history[: self._position + 1], pager)[-MAX_HISTORY:]
        self._position = len(self._history) - 1
        return self._open(pager, panel)

    def open_again(self, offset: int) -> ReaderScreen | None:
        """Open the page that was opened before or after the current one, or below no page the last
        one; return None beyond the ends."""
        page = self.current if isinstance(self.current, ReaderScreen) else None
        if page is not None:
            position = self._position + offset
        else:
            position = self._position if offset < 0 else len(self._history)
        if not 0 <= position < len(self._history):
            if page is not None:
                page.say(f"no reader was opened {'after' if offset > 0 else 'before'}")
            return None
        self._position = position
        panel = Panel.ACTIVITIES if page is None else page.panel
        return self._open(self._history[position], panel)

    def clear(self) -> None:
        """Close the page, and drop which pages were opened, before the next consultant logs in."""
        self.close()
        self._history, self._position = (), -1

    def _open(self, pager: ReaderPager, panel: Panel) -> ReaderScreen:
        self.close()
        page = ReaderScreen(next(self._request_ids), pager, panel, self._worker.read_older)
        self._request_soon(page, (pager.reader_id,), pager.list_name)
        return page

    def compare(self, reader_ids: tuple[int, int], list_name: str) -> ComparisonScreen:
        """Return a new, empty screen that compares two readers, which is requested in a moment."""
        self.close()
        page = ComparisonScreen(next(self._request_ids), list_name)
        self._request_soon(page, reader_ids, list_name)
        return page

    def _request_soon(self, page: Page, reader_ids: tuple[int, ...], list_name: str) -> None:
        def request() -> None:
            if self.current is page:
                self._request = self._worker.watch_readers(page.request_id, reader_ids, list_name)

        self._timer = self._app.set_timer(
            HOLD_SECONDS, partial(call_after_keys, self._app, page, request)
        )
        self.current = page

    def step(self, rows: int) -> ReaderScreen | None:
        """Open the page of the reader `rows` further down; return None beyond the ends."""
        if not isinstance(self.current, ReaderScreen):
            return None
        pager = self.current.pager.step(rows)
        if pager is None:
            self.current.say("last reader" if rows > 0 else "first reader")
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

    def show(self, readers: tuple[ReaderSnapshot, ...]) -> bool:
        """Show snapshots unless another page is open; tell whether they are shown."""
        if self.current is None or self.current.request_id != readers[0].request_id:
            return False
        self.current.show(readers)
        return True

    def refuse(self, request_id: int, reason: str) -> None:
        """Show why the page has no data, unless another page is open."""
        if self.current is not None and self.current.request_id == request_id:
            self.current.refuse(reason)
