"""The cover: nothing of the console is painted until the one who sits here gives the password."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Middle, Vertical
from textual.widgets import Label

from readwatch.domain.users import User
from readwatch.tui.format.columns import cut
from readwatch.tui.screens.password import PasswordScreen


class LockScreen(PasswordScreen):
    """Hides what is behind it; the console goes on there."""

    def __init__(self, consultant: User, check: Callable[[str], object]) -> None:
        """`check` is asked whether a password is right."""
        super().__init__()
        self._consultant = consultant
        self._check = check

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Middle(), Vertical(id="form"):
            yield Label("readwatch is covered", id="title")
            name = cut(self._consultant.full_name, 40)
            yield Label(f"{name} may uncover it, where it was left.", markup=False)
            yield Label("")
            yield Label("Password")
            yield self.password
            yield self.answer
            yield Label("Somebody else: escape leaves the console.", id="note")

    def on_mount(self) -> None:
        """Let the keys go to the password."""
        self.set_focus(self.password)

    def action_go_on(self) -> None:
        """Ask when the field has taken in the keys that came before."""
        self.password.call_later(self._ask)

    def _ask(self) -> None:
        password = self.password.value
        if password and not self.is_waiting:
            self.wait()
            self._check(password)
