"""Export: into which file, asked over the list or page that is exported."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.tui.export_file import row_count
from readwatch.tui.widgets.input import TextInput


class ExportScreen(ModalScreen[None]):
    """Asks for the name of a file; one that is there is replaced only when that is said twice."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    CSS = """
    ExportScreen { align: center middle; }
    ExportScreen Vertical {
        width: 72; max-width: 100%; height: auto; border: round $primary; background: $surface;
        padding: 1 2;
    }
    ExportScreen TextInput { margin-top: 1; }
    ExportScreen #answer { color: $text-error; height: auto; }
    ExportScreen #note { color: $text-muted; width: 100%; }
    """

    def __init__(
        self, rows: int, name: str, export: Callable[["ExportScreen", str, bool], object]
    ) -> None:
        """`export` is asked to write a file of that name, whether or not it replaces one."""
        super().__init__()
        self._rows = rows
        self._export = export
        self._file = TextInput(name, select_on_focus=False)
        self._answer = Static("", id="answer", markup=False)
        self._known_name = ""
        self._is_waiting = False

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical() as form:
            form.border_title = f"Export {row_count(self._rows)}"
            form.border_subtitle = "enter writes, escape does not"
            yield Label("Into which file? Its name ends in .csv or .json")
            yield self._file
            yield self._answer
            yield Label("It is put on record first. Only you can read the file.", id="note")

    def on_mount(self) -> None:
        """Let the keys go to the name."""
        self.set_focus(self._file)

    def refuse(self, name: str, refusal: ReadwatchError) -> None:
        """Say why nothing was written; the same name once more replaces a file that is there."""
        self._is_waiting = False
        self._known_name = name if refusal.kind is ErrorKind.CONFLICT else ""
        self._answer.update(refusal.message)

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() and not self._is_waiting:
            self._is_waiting = True
            self._answer.update("one moment …")
            self._export(self, event.value, event.value == self._known_name)
