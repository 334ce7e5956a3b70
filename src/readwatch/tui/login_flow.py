"""Login, logout and lock of the console."""

from collections.abc import Callable
from functools import partial

from textual.app import App

from readwatch.domain.clock import Clock
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.users import User
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.worker import Worker
from readwatch.tui.messages import when_done
from readwatch.tui.screens.lock import LockScreen
from readwatch.tui.screens.login import LoginScreen


class LoginFlow:
    """Shows the login form or the lock screen above all screens, until the password is right.

    `on_login` is called with each consultant who logs in.
    """

    def __init__(
        self,
        app: App[None],
        worker: Worker,
        settings: ConsoleSettings,
        clock: Clock,
        consultant: User | None,
        on_login: Callable[[User], object],
    ) -> None:
        """`consultant` has logged in already."""
        self.consultant = consultant
        self._app = app
        self._worker = worker
        self._lock_after = settings.lock_after
        self._clock = clock
        self._on_login = on_login
        self._used_at = clock()
        self._login_screen = LoginScreen(settings.email, self._check_login)
        self._lock_screen: LockScreen | None = None

    @property
    def is_unlocked(self) -> bool:
        """Whether a consultant is logged in and the console is not locked."""
        return self.consultant is not None and self._lock_screen is None

    async def show_login(self) -> None:
        """Show the login form; the next keys wait until the form accepts them."""
        await self._app.push_screen(self._login_screen)

    def say(self, text: str) -> None:
        """Show a text on the login form or the lock screen, which show no notifications."""
        (self._lock_screen or self._login_screen).answer.update(text)

    async def log_out(self, reason: str) -> None:
        """Close all screens, and show the login form with the reason."""
        self.consultant = self._lock_screen = None
        for _ in self._app.screen_stack[1:]:
            self._app.pop_screen()
        self._login_screen = LoginScreen(None, self._check_login, reason)
        await self.show_login()

    def _check_login(self, email: str, password: str) -> None:
        refused = partial(_refuse, self._login_screen)
        when_done(self._app, self._worker.log_in(email, password), self._log_in, refused)

    def _log_in(self, consultant: User) -> None:
        """Close the login form, and remove earlier notifications."""
        self.consultant = consultant
        self._app.clear_notifications()
        self._app.pop_screen()
        self._on_login(consultant)

    # The lock.

    async def lock(self) -> None:
        """Show the lock screen; the next keys may be the password."""
        if self.consultant is not None and self._lock_screen is None:
            self._lock_screen = LockScreen(self.consultant, self._check_unlock)
            await self._app.push_screen(self._lock_screen)

    def _check_unlock(self, password: str) -> None:
        if self._lock_screen is not None:
            refused = partial(_refuse, self._lock_screen)
            when_done(self._app, self._worker.unlock(password), self._unlock, refused)

    def _unlock(self, _: None) -> None:
        """Close the lock screen."""
        if self._lock_screen is not None:
            self._lock_screen = None
            self.note_use()
            self._app.pop_screen()

    def note_use(self) -> None:
        """Store that the console is used now."""
        self._used_at = self._clock()

    async def lock_if_idle(self) -> bool:
        """Lock the console if it was not used for too long; tell whether it was locked."""
        if not self.is_unlocked or self._lock_after is None:
            return False
        # `abs`: a clock that is set back must not keep the console unlocked.
        is_idle = abs(self._clock() - self._used_at) >= self._lock_after
        if is_idle:
            await self.lock()
        return is_idle


def _refuse(screen: LoginScreen | LockScreen, error: ReadwatchError) -> None:
    screen.refuse(error.message)
