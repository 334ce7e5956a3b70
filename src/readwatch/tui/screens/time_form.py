"""The form for a time of the past."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from readwatch.domain.clock import Clock
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.typed_times import PAST_EXAMPLES, past_time
from readwatch.tui.format.text import day_in_words
from readwatch.tui.widgets.input import TextInput


class TimeForm(ModalScreen[None]):
    """Asks for a time of the past; none is now."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    CSS = """
    TimeForm { align: center middle; }
    TimeForm Vertical {
        width: 72; max-width: 100%; height: auto; border: round $primary; background: $surface;
        padding: 1 2;
    }
    TimeForm TextInput { margin-bottom: 1; }
    TimeForm #answer { height: auto; color: $text-muted; }
    TimeForm #answer.-refused { color: $text-error; }
    """

    def __init__(self, clock: Clock, submit: Callable[[datetime | None], object]) -> None:
        """`submit` is called with the time, None for now, after the form closes."""
        super().__init__()
        self._clock = clock
        self._submit = submit
        self._typed = TextInput()
        self._answer = Static("", id="answer", markup=False)

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Vertical() as form:
            form.border_title = "Go to a time"
            form.border_subtitle = "enter shows it, escape cancels"
            yield Label("Online, Activity and Day as of")
            yield self._typed
            yield self._answer

    def on_mount(self) -> None:
        """Say what can be typed."""
        self._show()

    @on(Input.Changed)
    def _show(self) -> None:
        """Show in words which time is typed, or why it is none."""
        try:
            at = self._time()
        except ReadwatchError as error:
            self._answer.update(error.message)
            self._answer.set_class(True, "-refused")
            return
        examples = f"now; for another time type for example {PAST_EXAMPLES}"
        self._answer.update(
            examples if at is None else f"{day_in_words(at)}, {at.astimezone():%H:%M}"
        )
        self._answer.set_class(False, "-refused")

    def _time(self) -> datetime | None:
        return past_time(self._typed.value, self._clock())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            at = self._time()
        except ReadwatchError:
            return  # the form says why
        self.dismiss()
        self._submit(at)
