"""Who sits in front of the console: somebody who is signed in, or still has to say who they are."""

from textual.app import App

from readwatch.domain.clock import Clock
from readwatch.domain.users import User
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.worker import Worker
from readwatch.tui.screens.lock import LockScreen
from readwatch.tui.screens.login import LoginScreen


class LoginFlow:
    """Knows who is signed in, and puts the sign-in or the cover before everything else."""

    def __init__(
        self,
        app: App[None],
        watcher: Worker,
        settings: ConsoleSettings,
        clock: Clock,
        signed_in: User | None,
    ) -> None:
        """`signed_in` is who signed in already."""
        self.consultant = signed_in
        self._app = app
        self._watcher = watcher
        self._cover_after = settings.lock_after
        self._clock = clock
        self._used_at = clock()
        self._sign_in = LoginScreen(settings.email, watcher.sign_in)
        self._cover: LockScreen | None = None

    @property
    def is_in_sight(self) -> bool:
        """Whether what the console shows may be seen and used."""
        return self.consultant is not None and self._cover is None

    async def ask(self) -> None:
        """Ask who sits here; the keys that come next wait until they can be taken in."""
        await self._app.push_screen(self._sign_in)

    def refuse(self, reason: str) -> None:
        """Say why a password is of no use."""
        (self._cover or self._sign_in).refuse(reason)

    def say(self, words: str) -> None:
        """Say something on the sign-in or the cover, where no toast is painted."""
        (self._cover or self._sign_in).answer.update(words)

    def let_in(self, consultant: User) -> None:
        """Take the sign-in away from before somebody, who is told nothing of the one before."""
        self.consultant = consultant
        self._app.clear_notifications()
        self._app.pop_screen()

    async def show_out(self, reason: str) -> None:
        """Take everything away from somebody who may not look any more, and ask who sits here."""
        self.consultant = self._cover = None
        for _ in self._app.screen_stack[1:]:
            self._app.pop_screen()
        self._sign_in = LoginScreen(None, self._watcher.sign_in, reason)
        await self.ask()

    # The cover.

    async def cover(self) -> None:
        """Hide everything until the password is given again, whose keys may come next."""
        if self.consultant is not None and self._cover is None:
            self._cover = LockScreen(self.consultant, self._watcher.uncover)
            await self._app.push_screen(self._cover)

    def uncover(self) -> None:
        """Go on where it was left."""
        if self._cover is not None:
            self._cover = None
            self.go_on()
            self._app.pop_screen()

    def go_on(self) -> None:
        """Note that somebody is here."""
        self._used_at = self._clock()

    async def cover_if_idle(self) -> bool:
        """Cover the console that nobody has used for too long; tell whether that was so."""
        if not self.is_in_sight or self._cover_after is None:
            return False
        # A clock that was set back does not keep the picture open.
        is_idle = abs(self._clock() - self._used_at) >= self._cover_after
        if is_idle:
            await self.cover()
        return is_idle
