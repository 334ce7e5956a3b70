"""Exports and copies of rows, each logged first."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock

from textual.app import App

from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import Clock
from readwatch.domain.errors import ReadwatchError, unavailable
from readwatch.domain.plural import counted
from readwatch.domain.text import spreadsheet_cell
from readwatch.monitor.snapshots import View
from readwatch.monitor.worker import ReadItems, Worker
from readwatch.tui.export_file import Source, checked_file, format_of, write
from readwatch.tui.format.cells import Row
from readwatch.tui.messages import when_done
from readwatch.tui.screens.export import ExportScreen
from readwatch.tui.views import VIEW_SPECS

CLOSE_SECONDS = 5.0
"""The longest time that a closing console waits for a file that is being written."""


class Exporter:
    """Exports the rows of a table to a file, or copies one row, and shows the result."""

    def __init__(self, app: App[None], worker: Worker, clock: Clock) -> None:
        self._app = app
        self._worker = worker
        self._clock = clock
        self._writing = Lock()

    def ask_for_file(self, source: Source) -> None:
        """Ask for a file name, and write the current rows of the table to the file."""
        shown_at = (source.at or self._clock()).astimezone()
        name = f"readwatch-{source.view or 'reader'}-{shown_at:%Y-%m-%d-%H%M}.csv"
        path = str(Path.cwd() / name)
        rows = len(source.table.keys)
        self._app.push_screen(ExportScreen(rows, path, partial(self._export, source)))

    def _export(self, source: Source, form: ExportScreen, name: str, replace: bool) -> None:
        refuse = partial(form.refuse, name)
        try:
            file = checked_file(name, replace=replace)
        except ReadwatchError as error:
            refuse(error)
            return
        details = f"{source.origin}, {format_of(file)}, rows {len(source.table.keys)}"
        written = self._worker.log_and_run(
            AuditAction.EXPORTED_VIEW,
            source.readers,
            details,
            partial(self._write, source, file, replace),
        )
        when_done(self._app, written, partial(self._confirm, form, file), refuse)

    def _write(self, source: Source, file: Path, replace: bool, read: ReadItems) -> int:
        view, at = source.view, source.at
        read_rows = None if view is None else partial(self._rows, read, view, at)
        with self._held_open():
            return write(source.exported.sheet(read_rows), file, replace=replace)

    def _rows(
        self, read: ReadItems, view: View, at: datetime | None, ids: Sequence[int]
    ) -> list[Row]:
        return VIEW_SPECS[view].rows(read(view, ids, at), at or self._clock())

    def _confirm(self, form: ExportScreen, file: Path, rows: int) -> None:
        if self._app.screen is form:
            self._app.pop_screen()
        self._app.notify(f"wrote {counted(rows, 'row')} to {file}", markup=False)

    @contextmanager
    def _held_open(self) -> Iterator[None]:
        """Make `close` wait while a file is written, or removed after a failure."""
        if not self._writing.acquire(blocking=False):
            raise unavailable("the console is closing")
        try:
            yield
        finally:
            self._writing.release()

    def close(self) -> None:
        """Wait some time for a file that is being written; allow no further export."""
        self._writing.acquire(timeout=CLOSE_SECONDS)

    def copy(self, source: Source, key: int) -> None:
        """Send a row to the terminal's clipboard."""
        row = source.table.rows.get(key)
        if row is None:
            return  # the row is not loaded, so the user has not seen it
        text = source.table.as_text(row)

        def done(_: None) -> None:
            # No terminal reports whether it accepted the text.
            self._app.copy_to_clipboard(spreadsheet_cell(text))
            self._app.notify(
                "sent to the clipboard; some terminals do not take it (tmux: set-clipboard on)",
                markup=False,
            )

        def refuse(error: ReadwatchError) -> None:
            self._app.notify(f"not copied: {error.message}", severity="error", markup=False)

        logged = self._worker.log_and_run(
            AuditAction.COPIED_ROW, source.readers_of(row), source.origin, _nothing
        )
        when_done(self._app, logged, done, refuse)


def _nothing(_read: ReadItems) -> None:
    """Do nothing: the row is loaded already."""
