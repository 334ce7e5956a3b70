"""The lock screen: it hides all other screens until the consultant enters the password."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Middle, Vertical
from textual.widgets import Label

from readwatch.domain.users import User
from readwatch.tui.format.columns import cut
from readwatch.tui.screens.password import PasswordScreen


class LockScreen(PasswordScreen):
    """Hides the other screens, which are still updated."""

    def __init__(self, consultant: User, check: Callable[[str], object]) -> None:
        """`check` is called with the password."""
        super().__init__()
        self._consultant = consultant
        self._check = check

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Middle(), Vertical(id="form"):
            yield Label("readwatch is locked", id="title")
            name = cut(self._consultant.full_name, 35)  # leaves room for the rest of the line
            yield Label(f"{name} can unlock it.", markup=False)
            yield Label("")
            yield Label("Password")
            yield self.password
            yield self.answer
            yield Label("If you are somebody else, press escape to quit.", id="note")

    def on_mount(self) -> None:
        """Give the focus to the password."""
        self.set_focus(self.password)

    def action_submit(self) -> None:
        """Check the password after the field has handled the keys before enter."""
        self.password.call_later(self._ask)

    def _ask(self) -> None:
        password = self.password.value
        if password and not self.is_waiting:
            self.wait()
            self._check(password)
