"""Taking data along: exports and copies, on record first."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock

from textual.app import App

from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import Clock
from readwatch.domain.errors import ReadwatchError, unavailable
from readwatch.domain.text import spreadsheet_cell
from readwatch.monitor.requests import ReadItems
from readwatch.monitor.snapshots import View
from readwatch.tui.audited_actions import AuditedActions, Intent
from readwatch.tui.export_file import Source, checked_file, counted, format_of, write
from readwatch.tui.format.cells import Row
from readwatch.tui.screens.export import ExportScreen
from readwatch.tui.views import VIEW_SPECS

PATIENCE_SECONDS = 5.0
"""How long a file that is being written keeps the console from being left."""


class Exporter:
    """Writes what is in front into a file, or copies a row of it, and says what came of it."""

    def __init__(self, app: App[None], on_record: AuditedActions, clock: Clock) -> None:
        self._app = app
        self._on_record = on_record
        self._clock = clock
        self._writing = Lock()

    def ask_for_file(self, source: Source) -> None:
        """Ask into which file, and write what was in front when that was asked for."""
        moment = self._clock().astimezone()
        name = f"readwatch-{source.view or 'reader'}-{moment:%Y-%m-%d-%H%M}.csv"
        path = str(Path.cwd() / name)
        rows = len(source.draft.keys)
        self._app.push_screen(ExportScreen(rows, path, partial(self._export, source)))

    def _export(self, source: Source, form: ExportScreen, name: str, replace: bool) -> None:
        written = 0

        def write_it(read: ReadItems) -> None:
            nonlocal written
            read_rows = None if source.view is None else partial(self._rows, read, source.view)
            with self._undisturbed():
                written = write(source.exported.sheet(read_rows), file, replace=replace)

        def done() -> None:
            if self._app.screen is form:
                self._app.pop_screen()
            self._app.notify(f"wrote {counted(written)} to {file}", markup=False)

        refuse = partial(form.refuse, name)
        try:
            file = checked_file(name, replace=replace)
        except ReadwatchError as refusal:
            refuse(refusal)
            return
        details = f"{source.seen_in}, {format_of(file)}, rows {len(source.draft.keys)}"
        self._on_record.ask(
            AuditAction.EXPORTED_VIEW, source.reader_id, details, Intent(done, refuse), write_it
        )

    def _rows(self, read: ReadItems, view: View, ids: Sequence[int]) -> list[Row]:
        return VIEW_SPECS[view].rows(read(view, ids), self._clock())

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Keep the console from being left while a file is written or taken away again."""
        if not self._writing.acquire(blocking=False):
            raise unavailable("the console is being left")
        try:
            yield
        finally:
            self._writing.release()

    def leave(self) -> None:
        """Wait for a file that is being written, as long as a disk may take; begin no other."""
        self._writing.acquire(timeout=PATIENCE_SECONDS)

    def copy(self, source: Source, key: int) -> None:
        """Hand a row to the terminal's clipboard."""
        row = source.draft.rows.get(key)
        if row is None:
            return  # what nobody has seen yet, nobody can mean
        words = source.draft.in_words(row)

        def done() -> None:
            # No terminal says whether it took it.
            self._app.copy_to_clipboard(spreadsheet_cell(words))
            self._app.notify(
                "sent to the clipboard; some terminals do not take it (tmux: set-clipboard on)",
                markup=False,
            )

        def refuse(refusal: ReadwatchError) -> None:
            self._app.notify(f"not copied: {refusal.message}", severity="error", markup=False)

        reader_id = source.reader_id or row.reader_id
        self._on_record.ask(AuditAction.COPIED_ROW, reader_id, source.seen_in, Intent(done, refuse))
