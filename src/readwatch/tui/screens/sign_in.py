"""Sign-in: the e-mail, then the password; only consultants and admins get in."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Middle, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Label, Static


class SignInScreen(Screen[None]):
    """Asks who sits here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.quit", "Quit"),
        # Before any widget has its turn: what follows enter is the password, also when a slow line
        # brings all the keys at once, and it must not be painted as a part of the e-mail.
        Binding("enter", "go_on", "Go on", show=False, priority=True),
    ]

    CSS = """
    SignInScreen { align: center middle; }
    SignInScreen Middle { height: auto; width: 100%; align: center middle; }
    SignInScreen #form { width: 56; height: auto; border: round $primary; padding: 1 2; }
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

    def __init__(self, email: str | None, reason: str = "") -> None:
        super().__init__()
        self._given_email = email
        self._email = Input(select_on_focus=False)
        self._password = Input(password=True)
        self._answer = Static(reason, id="answer", markup=False)

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Middle(), Vertical(id="form"):
            yield Label("readwatch", id="title")
            yield Label("E-mail")
            yield self._email
            yield Label("Password")
            yield self._password
            yield self._answer
            yield Label("Each look into a reader's data is put on record.", id="note")

    def on_mount(self) -> None:
        """Start where something is missing."""
        self._email.value = self._given_email or ""
        self.set_focus(self._password if self._given_email else self._email)

    def refuse(self, reason: str) -> None:
        """Say why nobody is signed in, and let them try again."""
        self._answer.update(reason)
        self._password.disabled = False
        self._password.value = ""
        self.set_focus(self._password)

    def action_go_on(self) -> None:
        """Go from the e-mail to the password, and from there to the answer."""
        if self.focused is self._email:
            self.set_focus(self._password)
        elif self.focused is self._password:
            # When both have taken in the keys that came before.
            self._email.call_later(self._password.call_later, self._ask)

    def _ask(self) -> None:
        email, password = self._email.value.strip(), self._password.value
        if not email or not password or self._password.disabled:
            return
        self._password.disabled = True
        self._answer.update("one moment …")
        self.post_message(self.Asked(email, password))
