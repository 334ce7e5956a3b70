"""Drives a console in tests: presses keys, and waits for what is painted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic
from typing import Any

from textual import events
from textual._context import visible_screen_stack
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from readwatch.tui.app import Console
from readwatch.tui.screens.view import ViewScreen
from readwatch.tui.widgets.live_table import LiveTable

SMALL, LARGE = (80, 24), (160, 48)
TIMEOUT_SECONDS = 60.0


def painted(app: Console) -> list[str]:
    """The painted screen, line by line; a screen that is not laid out yet has empty lines.

    Like Textual it names the screens below a form first: the form's lines stay in a cache.
    """
    visible_screen_stack.set([*app._background_screens])
    lines = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
    return [*lines, *[""] * (app.size.height - len(lines))]


class ConsolePilot:
    """A running console, its keys and its painted screen."""

    def __init__(self, app: Console, textual: Pilot[None]) -> None:
        self.app = app
        self.textual = textual

    @property
    def lines(self) -> list[str]:
        return painted(self.app)

    @property
    def screen(self) -> str:
        return "\n".join(self.lines)

    def line(self, words: str) -> str:
        """The first painted line with these words."""
        return next((line for line in self.lines if words in line), "")

    def line_number(self, words: str) -> int:
        return self.lines.index(self.line(words))

    @property
    def table(self) -> LiveTable:
        """The table of the current list."""
        assert isinstance(self.app.screen, ViewScreen)
        return self.app.screen.table

    @property
    def cursor(self) -> str:
        """The line of the cursor, without its sign."""
        return self.line("▌").removeprefix("▌ ")

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until a condition holds, also after all messages that are under way; fail with the
        screen if it never does."""
        deadline = monotonic() + TIMEOUT_SECONDS
        while True:
            if condition():
                await self.textual.pause(0)
                if condition():
                    return
            assert monotonic() < deadline, self._failure()
            await asyncio.sleep(0.01)

    def _failure(self) -> str:
        notifications = [notification.message for notification in self.app._notifications]
        return f"not in time:\n{self.screen}\nnotifications: {notifications}"

    async def sees(self, *words: str) -> None:
        """Wait until all the words are painted at the same time."""
        await self.until(lambda: all(word in self.screen for word in words))

    async def loses(self, words: str) -> None:
        """Wait until the words are no longer painted."""
        await self.until(lambda: words not in self.screen)

    async def has_a_snapshot(self) -> None:
        """Wait until the current list has a snapshot from after it became current."""
        screen = self.app.screen
        assert isinstance(screen, ViewScreen)
        await self.until(lambda: screen._newest is not None)

    async def presses(self, *keys: str) -> None:
        """Press keys one right after the other, as fast as a terminal can send them."""
        for key in keys:
            character = key if len(key) == 1 else None
            self._sends(events.Key(_character_to_key(key) if character else key, character))
        await self.textual.pause(0)

    async def leans_on(self, key: str, words: str) -> None:
        """Press a key repeatedly until the words are painted."""
        deadline = monotonic() + TIMEOUT_SECONDS
        while words not in self.screen:
            assert monotonic() < deadline, self._failure()
            await self.presses(key)

    async def types(self, text: str) -> None:
        """Type a text, once an input has the focus."""
        await self._until_typing()
        await self.presses(*text)

    async def pastes(self, text: str) -> None:
        """Paste a text as a whole."""
        await self._until_typing()
        self._sends(events.Paste(text))
        await self.textual.pause(0)

    async def _until_typing(self) -> None:
        await self.until(lambda: isinstance(self.app.focused, Input))

    def _sends(self, event: events.Event) -> None:
        event.set_sender(self.app)
        assert self.app._driver
        self.app._driver.send_message(event)

    async def empties_the_email(self) -> None:
        """Go back from the password to the e-mail."""
        await self.presses("shift+tab")
        await self.presses("end", "ctrl+u")

    async def is_asked_again(self) -> None:
        """Wait until the password field is empty again."""
        await self.until(lambda: self.app.screen.query(Input).last(Input).value == "")

    async def filters(self, words: str) -> None:
        """Enter a filter, and wait for its list."""
        await self.presses("/")
        await self.pastes(words)
        await self.until(
            lambda: self.lines[-2].startswith(f" / {words} ") and "Freeze" not in self.lines[-1]
        )
        screen = self.app.screen  # only now: the key before may have opened another list
        assert isinstance(screen, ViewScreen)
        await self.presses("enter")
        await self.until(lambda: "Freeze" in self.lines[-1])
        await self.until(lambda: screen.snapshot and screen.snapshot.query == screen.list_query)

    async def logs_in(self, email: str, password: str) -> None:
        await self.types(email)
        await self.presses("enter")
        await self.types(password)
        await self.presses("enter")


@asynccontextmanager
async def console_pilot(app: Console, size: tuple[int, int] = SMALL) -> AsyncIterator[ConsolePilot]:
    async with app.run_test(size=size, notifications=True, tooltips=True) as textual:
        try:
            yield ConsolePilot(app, textual)
        finally:
            # As q does: the app accepts no further messages before its screens are removed.
            app.exit()
            assert app._task
            await asyncio.wait([app._task], timeout=TIMEOUT_SECONDS)


OpenConsole = Callable[..., AbstractAsyncContextManager[ConsolePilot]]
