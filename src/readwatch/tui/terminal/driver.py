"""The terminal in front of the console: never waited for, left as it was found, never outlived."""

import asyncio
import codecs
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, Full
from select import select
from typing import Any

from textual.drivers.linux_driver import LinuxDriver

from readwatch.tui.format.text import Drawable
from readwatch.tui.terminal.cell_width import pinned

ENDINGS = (signal.SIGHUP, signal.SIGTERM)
"""The signals that end the console in good order, with 128 and their number as its exit status."""

PATIENCE_SECONDS = 0.25
"""How long a terminal may take nothing before the console goes on without it."""


class Terminal(LinuxDriver):
    """Textual's driver, for terminals that hang up, stand still or send rubbish.

    What a terminal that stands still does not take is dropped, so that keys and signals go on
    being answered; when it takes something again the whole screen is painted anew.
    """

    def __init__(self, *arguments: Any, ascii: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        encoding = sys.__stderr__.encoding  # type: ignore[union-attr]
        marks = Drawable(encoding, ascii=ascii or draws_ascii_only(encoding, os.environ))
        self._file: Any = _Output(self._file.fileno(), encoding, marks, self._catch_up)
        self._behind = False
        self._watched = False
        self._suspended = False

    def start_application_mode(self) -> None:
        """Take the terminal over, and look now and then whether it is still there."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        loop = asyncio.get_running_loop()
        for number in ENDINGS:
            loop.add_signal_handler(number, self._end, number)
        if not self._watched:
            self._watched = True
            self._app.set_interval(1, self._look)

    def stop_application_mode(self) -> None:
        """Leave the terminal as it was; what it has not taken by now it need not take any more."""
        if self._behind and self._writer_thread is not None:
            with suppress(Empty):
                while True:
                    self._writer_thread._queue.get_nowait()
        super().stop_application_mode()

    def suspend_application_mode(self) -> None:
        """Hand the terminal back to the shell for a while."""
        self._suspended = True
        super().suspend_application_mode()

    def resume_application_mode(self) -> None:
        """Go on after that; a terminal that is closed says so too, where nothing was suspended.

        Two threads would read the keys then, and one of them for ever.
        """
        if self._suspended:
            self._suspended = False
            super().resume_application_mode()

    def write(self, data: str) -> None:
        """Hand over what is to be painted; a terminal that stands still is waited for only once."""
        if self._writer_thread is None:
            return  # it could not be taken over
        try:
            self._writer_thread._queue.put(data, not self._behind, PATIENCE_SECONDS)
        except Full:
            self._behind = True

    def close(self) -> None:
        """Let go of the terminal, also of one that takes nothing."""
        if self._writer_thread is not None:
            with suppress(Full):
                self._writer_thread._queue.put(None, timeout=PATIENCE_SECONDS)
            self._writer_thread.join(PATIENCE_SECONDS)

    def run_input_thread(self) -> None:
        """Read the keys; bytes that are no UTF-8 are lost, and with them what was read at once."""
        while not self.exit_event.is_set():
            with suppress(UnicodeDecodeError):
                super().run_input_thread()

    def _look(self) -> None:
        """End with the terminal: not every one says SIGHUP, and reading its end is no wait."""
        if not os.isatty(self.fileno):
            self._end(signal.SIGHUP)

    def _end(self, number: int) -> None:
        self._app.exit(return_code=128 + number)

    def _catch_up(self) -> None:
        """Called in the thread that writes, whenever the terminal has taken everything."""
        if self._behind:
            self._behind = False
            with suppress(RuntimeError):  # the console has just ended
                self._loop.call_soon_threadsafe(self._app.refresh)


def draws_ascii_only(encoding: str, environment: Mapping[str, str]) -> bool:
    """Tell whether a terminal has no marks but those of ASCII, as far as it says."""
    return codecs.lookup(encoding).name != "utf-8" or environment.get("TERM") in {"linux", "dumb"}


class _Output:
    """What Textual's thread writes to; a terminal that is gone is written to in vain.

    Without a buffer: a write that never ends would keep Python from flushing it at the end.
    """

    def __init__(
        self, fileno: int, encoding: str, marks: Drawable, taken: Callable[[], None]
    ) -> None:
        self._fileno, self._encoding = fileno, encoding
        self._marks = marks
        self._taken = taken

    def write(self, text: str) -> None:
        """Write all of it."""
        rest = pinned(text.translate(self._marks)).encode(self._encoding)
        with suppress(OSError):
            while rest:
                rest = rest[self._write_some(rest) :]

    def flush(self) -> None:
        """Note that nothing is left to write."""
        self._taken()

    def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._fileno, data)
        except BlockingIOError:  # another program in this terminal has left it so
            select([], [self._fileno], [])
            return 0
