"""The base class of the forms that ask for a password."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from readwatch.tui.widgets.input import TextInput


class PasswordScreen(Screen[None]):
    """A form with a password field and a line for the answer; subclasses lay it out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.quit", "Quit"),
        # Handled before the focused field: on a slow line all keys may arrive at once, and a
        # password typed after enter or tab must not be painted as part of the e-mail.
        Binding("enter", "submit", "Submit", show=False, priority=True),
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    PasswordScreen { align: center middle; }
    PasswordScreen Toast { display: none; }
    PasswordScreen Middle { height: auto; width: 100%; align: center middle; }
    PasswordScreen #form { width: 56; height: auto; border: round $primary; padding: 1 2; }
    PasswordScreen TextInput {
        height: 3; border: round $border 50%; background: $background; margin-bottom: 1;
    }
    PasswordScreen TextInput:focus {
        height: 3; border: round $border; background: $background; background-tint: transparent;
    }
    PasswordScreen Label { width: 100%; }
    PasswordScreen #title { text-style: bold; color: $text-accent; margin-bottom: 1; }
    PasswordScreen #answer { color: $text-error; height: auto; }
    PasswordScreen #note { color: $text-muted; margin-top: 1; }
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.password = TextInput(password=True)
        self.answer = Static(reason, id="answer", markup=False)
        self.is_waiting = False

    def refuse(self, reason: str) -> None:
        """Show why the password was refused, and allow another try."""
        self.is_waiting = False
        self.answer.update(reason)
        self.set_focus(self.password)

    def wait(self) -> None:
        """Show that the password is being checked; keys typed now belong to the next try."""
        self.is_waiting = True
        self.password.value = ""
        self.answer.update("checking …")
