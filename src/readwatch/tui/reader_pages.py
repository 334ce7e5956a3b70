"""The pages of readers; the worker posts their snapshots after the access is logged."""

from concurrent.futures import Future
from itertools import count

from readwatch.monitor.snapshots import ReaderSnapshot
from readwatch.monitor.worker import Worker
from readwatch.tui.reader_pager import ReaderPager
from readwatch.tui.screens.reader import Panel, ReaderScreen


class ReaderPages:
    """Opens readers' pages, one at a time, each with its own screen."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._request_ids = count(1)
        self.current: ReaderScreen | None = None
        self._request: Future[None] | None = None

    def open(self, pager: ReaderPager, *, panel: Panel = Panel.ACTIVITIES) -> ReaderScreen:
        """Request a reader's page, and return a new, empty screen."""
        self.close()
        request_id = next(self._request_ids)
        self.current = ReaderScreen(request_id, pager, panel, self._worker.read_older)
        self._request = self._worker.watch_reader(request_id, pager.reader_id, pager.list_name)
        return self.current

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
