"""The terminal driver: it never blocks the console, and ends it with the terminal."""

import asyncio
import codecs
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, Full
from select import select
from typing import Any

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Callback
from textual.message_pump import MessagePump
from textual.screen import Screen

from readwatch.tui.format.text import DrawableCharacters
from readwatch.tui.terminal.cell_width import with_fixed_columns

END_SIGNALS = (signal.SIGHUP, signal.SIGTERM)
"""The signals that end the console cleanly; its exit status is 128 plus their number."""

# Terminals keep titles in a stack, which is a command of xterm's.
_KEEP_TITLE, _TITLE_OF_BEFORE = "\x1b[22;2t", "\x1b[23;2t"

_INPUT_WAIT_SECONDS = 0.1
_ESCAPE_WAIT_SECONDS = 0.02

WRITE_TIMEOUT_SECONDS = 0.25
"""The longest time that a write may block before output is dropped."""


class TerminalDriver(LinuxDriver):
    """Textual's driver, made robust against terminals that hang up, block or send invalid bytes.

    Output that a blocked terminal does not accept is dropped, so that keys and signals are still
    handled; when the terminal accepts output again, the whole screen is repainted.
    """

    def __init__(
        self, *arguments: Any, ascii: bool = False, has_title: bool = True, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        encoding = sys.__stderr__.encoding  # type: ignore[union-attr]
        marks = DrawableCharacters(encoding, ascii=ascii or draws_ascii_only(encoding, os.environ))
        self._file: Any = _Output(self._file.fileno(), encoding, marks, self._repaint_if_behind)
        self._has_title, self._title = has_title, ""
        self._is_behind = False
        self._is_checked = False
        self._is_suspended = False
        self._is_reading = False

    def start_application_mode(self) -> None:
        """Take over the terminal, and check every second that it is still open."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self.attrs_before is not None:  # the program has turned off the echo before
            self.attrs_before[tty.LFLAG] |= termios.ECHO
        loop = asyncio.get_running_loop()
        for number in END_SIGNALS:
            loop.add_signal_handler(number, self._end, number)
        if not self._is_checked:
            self._is_checked = True
            self._app.set_interval(1, self._check_terminal)

    def show_title(self, title: str) -> None:
        """Set the title of the terminal's window, which gets its own back at the end."""
        if self._has_title and title != self._title:
            if not self._title:
                self.write(_KEEP_TITLE)
            self._title = title
            self.write(f"\x1b]2;{title}\x07")

    def stop_application_mode(self) -> None:
        """Restore the terminal, and drop output that it has not accepted."""
        if self._title:
            self._title = ""
            self.write(_TITLE_OF_BEFORE)
        if self._is_behind and self._writer_thread is not None:
            with suppress(Empty):
                while True:
                    self._writer_thread._queue.get_nowait()
        super().stop_application_mode()

    def suspend_application_mode(self) -> None:
        """Hand the terminal back to the shell."""
        self._is_suspended = True
        super().suspend_application_mode()

    def resume_application_mode(self) -> None:
        """Take over the terminal again, if it was suspended.

        A closing terminal sends SIGCONT too; resuming then would start a second input thread that
        never ends.
        """
        if self._is_suspended:
            self._is_suspended = False
            super().resume_application_mode()

    def write(self, data: str) -> None:
        """Queue output; wait for a blocked terminal only once."""
        if self._writer_thread is None:
            return  # the terminal could not be taken over
        try:
            self._writer_thread._queue.put(data, not self._is_behind, WRITE_TIMEOUT_SECONDS)
        except Full:
            self._is_behind = True

    def close(self) -> None:
        """Close the terminal, even if it is blocked."""
        if self._writer_thread is not None:
            with suppress(Full):
                self._writer_thread._queue.put(None, timeout=WRITE_TIMEOUT_SECONDS)
            self._writer_thread.join(WRITE_TIMEOUT_SECONDS)

    def run_input_thread(self) -> None:
        """Read the keys; bytes that are no UTF-8 are left out."""
        parser = XTermParser(self._debug)
        decode = codecs.getincrementaldecoder("utf-8")("ignore").decode
        while not self.exit_event.is_set():
            wait = _ESCAPE_WAIT_SECONDS if self._is_reading else _INPUT_WAIT_SECONDS
            if select([self.fileno], [], [], wait)[0]:
                self._is_reading = True
                text = decode(os.read(self.fileno, 4096))
                for message in parser.feed(text) if text else ():
                    self.process_message(message)
                # `escape` is also the first byte of other keys: the parser waits for the next one.
                self._is_reading = text.endswith("\x1b")
            for message in parser.tick():
                self.process_message(message)
                self._is_reading = False

    def call_after_input(self, callback: Callable[[], None]) -> None:
        """Call back in the console behind the keys that were pressed before."""
        # In this order, because the input thread sets its mark before it takes bytes away.
        if select([self.fileno], [], [], 0)[0] or self._is_reading:
            self._loop.call_later(_ESCAPE_WAIT_SECONDS, self.call_after_input, callback)
        else:
            self.send_message(Callback(callback))

    def _check_terminal(self) -> None:
        """Exit if the terminal is closed, because some terminals do not send SIGHUP."""
        if not os.isatty(self.fileno):
            self._end(signal.SIGHUP)

    def _end(self, number: int) -> None:
        self._app.exit(return_code=128 + number)

    def _repaint_if_behind(self) -> None:
        """Repaint after dropped output; the writer thread calls this when all is written."""
        if self._is_behind:
            self._is_behind = False
            with suppress(RuntimeError):  # the console has ended
                self._loop.call_soon_threadsafe(self._app.refresh)


def call_after_keys(app: App[None], screen: Screen[None], callback: Callable[[], None]) -> None:
    """Call back when `screen` and the app have handled the keys that were pressed before."""
    # The app gives a key to the screen, which hands it back; the app runs its action, and a message
    # that the action posts to the screen comes back to the app.
    behind_keys = partial(_pass_through, (screen, app, screen, app), callback)
    if isinstance(app._driver, TerminalDriver):
        app._driver.call_after_input(behind_keys)
    else:
        app.call_later(behind_keys)


def _pass_through(queues: Sequence[MessagePump], callback: Callable[[], None]) -> None:
    """Call back behind the messages that wait in the queues, one queue after the other."""
    if queues:
        queues[0].call_later(_pass_through, queues[1:], callback)
    else:
        callback()


def draws_ascii_only(encoding: str, environment: Mapping[str, str]) -> bool:
    """Tell from the encoding and TERM whether a terminal can show ASCII only."""
    return codecs.lookup(encoding).name != "utf-8" or environment.get("TERM") in {"linux", "dumb"}


class _Output:
    """The file that Textual's writer thread writes to; errors of a closed terminal are ignored.

    It has no buffer, because Python flushes buffers at exit, which a blocked terminal would block.
    """

    def __init__(
        self, fileno: int, encoding: str, marks: DrawableCharacters, on_written: Callable[[], None]
    ) -> None:
        self._fileno, self._encoding = fileno, encoding
        self._marks = marks
        self._on_written = on_written

    def write(self, text: str) -> None:
        """Write all of the text."""
        rest = with_fixed_columns(text.translate(self._marks)).encode(self._encoding)
        with suppress(OSError):
            while rest:
                rest = rest[self._write_some(rest) :]

    def flush(self) -> None:
        """Report that all output is written: there is no buffer."""
        self._on_written()

    def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._fileno, data)
        except BlockingIOError:  # another program has made the terminal non-blocking
            select([], [self._fileno], [])
            return 0
