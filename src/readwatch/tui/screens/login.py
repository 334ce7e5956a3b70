"""Sign-in: the e-mail, then the password; only consultants and admins get in."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Middle, Vertical
from textual.widgets import Label

from readwatch.tui.screens.password import PasswordScreen
from readwatch.tui.widgets.input import TextInput


class LoginScreen(PasswordScreen):
    """Asks who sits here."""

    def __init__(
        self, email: str | None, check: Callable[[str, str], object], reason: str = ""
    ) -> None:
        """`check` is asked whether e-mail and password are right."""
        super().__init__(reason)
        self._check = check
        self._given_email = email
        self._email = TextInput(select_on_focus=False)

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Middle(), Vertical(id="form") as form:
            form.border_subtitle = "enter goes on, escape leaves"
            yield Label("readwatch", id="title")
            yield Label("E-mail")
            yield self._email
            yield Label("Password")
            yield self.password
            yield self.answer
            yield Label("Each look into a reader's data is put on record.", id="note")

    def on_mount(self) -> None:
        """Start where something is missing."""
        self._email.value = self._given_email or ""
        self.set_focus(self.password if self._given_email else self._email)

    def action_go_on(self) -> None:
        """Go from the e-mail to the password, and from there to the answer."""
        if self.focused is self._email:
            self.set_focus(self.password)
        elif self.focused is self.password:
            self.password.call_later(self._take_password)

    def _take_password(self) -> None:
        """Take what came before enter, and leave what comes after it; then wait for the e-mail."""
        self._email.call_later(self._ask, self.password.value)

    def _ask(self, password: str) -> None:
        email = self._email.value.strip()
        if email and password and not self.is_waiting:
            self.wait()
            self._check(email, password)
