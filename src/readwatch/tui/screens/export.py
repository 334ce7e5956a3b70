"""The form that asks for the file of an export."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.plural import counted
from readwatch.tui.widgets.input import TextInput


class ExportScreen(ModalScreen[None]):
    """Asks for a file name; an existing file is replaced if its name is entered twice."""

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
        """`export` is called with this form, the file name and whether to replace the file."""
        super().__init__()
        self._rows = rows
        self._export = export
        self._file = TextInput(name, select_on_focus=False)
        self._answer = Static("", id="answer", markup=False)
        self._existing_name = ""
        self._is_waiting = False

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Vertical() as form:
            form.border_title = f"Export {counted(self._rows, 'row')}"
            form.border_subtitle = "enter exports, escape cancels"
            yield Label("File (.csv or .json)")
            yield self._file
            yield self._answer
            yield Label("The export is logged first. Only you can read the file.", id="note")

    def on_mount(self) -> None:
        """Give the focus to the file name."""
        self.set_focus(self._file)

    def refuse(self, name: str, refusal: ReadwatchError) -> None:
        """Show why no file was written; entering the same name again replaces an existing file."""
        self._is_waiting = False
        self._existing_name = name if refusal.kind is ErrorKind.CONFLICT else ""
        self._answer.update(refusal.message)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() and not self._is_waiting:
            self._is_waiting = True
            self._answer.update("exporting …")
            self._export(self, event.value, event.value == self._existing_name)
