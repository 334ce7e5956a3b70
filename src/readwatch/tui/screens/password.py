"""A form that ends in a password, and says what came of it."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from readwatch.tui.widgets.input import TextInput


class PasswordScreen(Screen[None]):
    """What the screens share that ask for a password; each lays out its own form."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.quit", "Quit"),
        # Before any widget has its turn: what follows enter is the password, also when a slow line
        # brings all the keys at once, and it must not be painted as a part of the e-mail.
        Binding("enter", "go_on", "Go on", show=False, priority=True),
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
        """Say why the password is of no use, and let them try again."""
        self.is_waiting = False
        self.answer.update(reason)
        self.set_focus(self.password)

    def wait(self) -> None:
        """Say that the answer is on its way; what is typed meanwhile belongs to the next try."""
        self.is_waiting = True
        self.password.value = ""
        self.answer.update("one moment …")
