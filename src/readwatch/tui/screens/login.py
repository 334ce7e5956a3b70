"""The login form: e-mail, then password; only consultants and admins can log in."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Middle, Vertical
from textual.widgets import Label

from readwatch.tui.screens.password import PasswordScreen
from readwatch.tui.widgets.input import TextInput


class LoginScreen(PasswordScreen):
    """Asks for e-mail and password."""

    def __init__(
        self, email: str | None, check: Callable[[str, str], object], reason: str = ""
    ) -> None:
        """`check` is called with e-mail and password; `reason` says why a login is needed again."""
        super().__init__(reason)
        self._check = check
        self._given_email = email
        self._email = TextInput(select_on_focus=False)

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Middle(), Vertical(id="form") as form:
            form.border_subtitle = "enter continues, escape quits"
            yield Label("readwatch", id="title")
            yield Label("E-mail")
            yield self._email
            yield Label("Password")
            yield self.password
            yield self.answer
            yield Label("Access to a reader's data is logged.", id="note")

    def on_mount(self) -> None:
        """Give the focus to the first empty field."""
        self._email.value = self._given_email or ""
        self.set_focus(self.password if self._given_email else self._email)

    def action_submit(self) -> None:
        """Go from the e-mail to the password, or check both."""
        if self.focused is self._email:
            self.set_focus(self.password)
        elif self.focused is self.password:
            self.password.call_later(self._take_password)

    def _take_password(self) -> None:
        """Read the password at once, and the e-mail after its keys are handled."""
        self._email.call_later(self._ask, self.password.value)

    def _ask(self, password: str) -> None:
        email = self._email.value.strip()
        if email and password and not self.is_waiting:
            self.wait()
            self._check(email, password)
