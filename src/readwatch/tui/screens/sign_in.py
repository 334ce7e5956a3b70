"""Sign-in: the e-mail, then the password; only consultants and admins get in."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Middle, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Label, Static


class SignInScreen(Screen[None]):
    """Asks who sits here."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.quit", "Quit")]

    CSS = """
    SignInScreen { align: center middle; }
    SignInScreen Middle { height: auto; width: 100%; align: center middle; }
    SignInScreen #form { width: 48; height: auto; border: round $primary; padding: 1 2; }
    SignInScreen Input { margin-bottom: 1; }
    SignInScreen #title { text-style: bold; color: $text-accent; margin-bottom: 1; }
    SignInScreen #answer { color: $text-error; height: auto; }
    SignInScreen #note { color: $text-muted; width: 100%; margin-top: 1; }
    """

    class Asked(Message):
        """Somebody wants to sign in."""

        def __init__(self, email: str, password: str) -> None:
            super().__init__()
            self.email = email
            self.password = password

    def __init__(self, email: str | None) -> None:
        super().__init__()
        self._email = email

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Middle(), Vertical(id="form"):
            yield Label("readwatch", id="title")
            yield Label("E-mail")
            yield Input(self._email or "", id="email", select_on_focus=False)
            yield Label("Password")
            yield Input(password=True, id="password")
            yield Static("", id="answer", markup=False)
            yield Label("Each look into a reader's data is put on record.", id="note")

    def on_mount(self) -> None:
        """Start where something is missing."""
        self.query_one("#password" if self._email else "#email", Input).focus()

    def refuse(self, reason: str) -> None:
        """Say why nobody is signed in, and let them try again."""
        self.query_one("#answer", Static).update(reason)
        password = self.query_one("#password", Input)
        password.disabled = False
        password.value = ""
        password.focus()

    @on(Input.Submitted, "#email")
    def _go_on(self) -> None:
        self.query_one("#password", Input).focus()

    @on(Input.Submitted, "#password")
    def _ask(self, event: Input.Submitted) -> None:
        email = self.query_one("#email", Input).value.strip()
        if not email or not event.value:
            return
        event.input.disabled = True
        self.query_one("#answer", Static).update("one moment …")
        self.post_message(self.Asked(email, event.value))
