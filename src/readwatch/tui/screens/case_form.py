"""The form for a note about a reader, and for the end of a snooze."""

from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from readwatch.tui.widgets.input import TextInput

FIRST_SNOOZE = "1h"

_WHO_READS = "All consultants see the note; the reader gets it in an export."


class _NoteInput(TextInput):
    """An input of one line that takes all lines of what is pasted."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()  # Textual's own handler would take the first line
        Input._on_paste(self, events.Paste(" ".join(event.text.split())))
        event.stop()


class CaseForm(ModalScreen[None]):
    """Asks for a note and, for a snooze, for the time of its end."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Close")]

    CSS = """
    CaseForm { align: center middle; }
    CaseForm Vertical {
        width: 72; max-width: 100%; height: auto; border: round $primary; background: $surface;
        padding: 1 2;
    }
    CaseForm TextInput { margin-bottom: 1; }
    CaseForm #answer { height: auto; color: $text-muted; }
    CaseForm #answer.-refused { color: $text-error; }
    """

    def __init__(
        self,
        title: str,
        submit: Callable[["CaseForm", str, str], object],
        *,
        describe_end: Callable[[str], str] | None = None,
        is_text_required: bool = False,
    ) -> None:
        """`submit` is called with this form, the end and the text. With `describe_end` the form
        asks for an end, and shows in words what is typed."""
        super().__init__()
        self._title = title
        self._submit = submit
        self._describe_end = describe_end
        self._end = TextInput(FIRST_SNOOZE)
        self._text = _NoteInput()
        self._text_label = "Note" if is_text_required else "Note (optional)"
        self._answer = Static("", id="answer", markup=False)
        self._is_waiting = self._is_saved = False

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Vertical() as form:
            form.border_title = Content(self._title)  # a name is not markup
            form.border_subtitle = "enter saves, escape cancels"
            if self._describe_end is not None:
                yield Label("Until")
                yield self._end
            yield Label(self._text_label)
            yield self._text
            yield self._answer

    def on_mount(self) -> None:
        """Give the focus to the first field."""
        self.set_focus(self._text if self._describe_end is None else self._end)
        self._show_end()

    def action_cancel(self) -> None:
        """Close the form, unless the note is being saved: the form shows what comes of that."""
        if not self._is_waiting:
            self.dismiss()

    def finish(self) -> None:
        """Close the form after the note is saved, or once no other screen is above it."""
        self._is_saved = True
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        """Close the form if its note was saved while another screen was above it."""
        if self._is_saved and self.app.screen is self:
            self._is_saved = False  # closed once
            self.dismiss()

    def refuse(self, reason: str) -> None:
        """Show why nothing was saved."""
        self._is_waiting = False
        self._answer.update(reason)
        self._answer.set_class(True, "-refused")

    @on(Input.Changed)
    def _show_end(self) -> None:
        """Show in words when the snooze ends, and who can read the note."""
        self._answer.set_class(False, "-refused")
        end = "" if self._describe_end is None else f"{self._describe_end(self._end.value)}\n"
        self._answer.update(f"{end}{_WHO_READS}")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not self._is_waiting:
            self._is_waiting = True
            self._answer.update("saving …")
            self._submit(self, self._end.value, self._text.value)
