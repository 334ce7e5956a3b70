"""A program in a pseudo-terminal, with the moment at which each part of its picture arrived.

What arrives is only noted as long as more follows, and made a picture of afterwards: what that
costs is in no figure.
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, perf_counter

import pyte

from rig.processes import ENVIRONMENT, Server

SIZE = (120, 40)
PATIENCE_SECONDS = 30.0

_QUIET_SECONDS = 0.02
_FRAME = b"\x1b[?2026h"
"""How a frame begins, in a terminal that says it knows this: as those of today do."""
_ASKED_FOR_FRAMES, _KNOWS_FRAMES = b"\x1b[?2026$p", b"\x1b[?2026;2$y"


class Terminal:
    """A program, its keyboard and its screen."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.server = Server(process.pid)
        self.started_at = perf_counter()
        self.frames = 0
        self.received = 0
        self._process = process
        self._unpainted: list[bytes] = []
        self._master = master
        self._screen = pyte.Screen(*SIZE)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        """The screen, line by line, a character for each cell."""
        rows, columns = range(self._screen.lines), range(self._screen.columns)
        cells = self._screen.buffer
        return ["".join(cells[row][column].data or " " for column in columns) for row in rows]

    def fileno(self) -> int:
        """Return what to wait for."""
        return self._master

    def press(self, keys: str) -> float:
        """Press keys, or type a text; return when."""
        at = perf_counter()
        os.write(self._master, keys.encode())
        return at

    def until(self, is_so: Callable[[list[str]], object]) -> float:
        """Return when the first byte arrived after which the screen was so."""
        self._paint_rest()
        if is_so(self.lines):
            return perf_counter()
        deadline = monotonic() + PATIENCE_SECONDS
        while monotonic() < deadline and self._process.poll() is None:
            arrived = list(self._arrivals())
            moments = [at for at, part in arrived if self._paint(part) and is_so(self.lines)]
            if moments:
                return moments[0]
        shown = "\n".join(line.rstrip() for line in self.lines)
        sys.exit(f"a console did not show what was waited for:\n{shown}")

    def sees(self, *words: str) -> float:
        """Return when all the words were there."""
        return self.until(lambda lines: all(any(word in line for line in lines) for word in words))

    def settle(self) -> None:
        """Take in what has arrived already."""
        self._paint_rest()
        for _, part in self._arrivals(0):
            self._paint(part)

    def look_on(self) -> None:
        """Take in a part of what has arrived, and make no picture of it yet."""
        part = self._take()
        if not part:
            sys.exit("a console has ended")
        self._unpainted.append(part)

    def _take(self) -> bytes:
        try:
            part = os.read(self._master, 65_536)
        except OSError:  # the program has ended
            return b""
        self.received += len(part)
        self.frames += part.count(_FRAME)
        if _ASKED_FOR_FRAMES in part:
            os.write(self._master, _KNOWS_FRAMES)
        return part

    def _paint_rest(self) -> None:
        for part in self._unpainted:
            self._paint(part)
        self._unpainted.clear()

    def _paint(self, part: bytes) -> bool:
        self._stream.feed(part.replace(_ASKED_FOR_FRAMES, b""))  # pyte would print its end
        return True

    def _arrivals(self, patience: float = 1.0) -> Iterator[tuple[float, bytes]]:
        """Yield what arrives, and when, until nothing does for a moment."""
        while select.select([self._master], [], [], patience)[0]:
            at = perf_counter()
            part = self._take()
            if not part:
                return
            yield at, part
            patience = _QUIET_SECONDS


@contextmanager
def terminal(command: Sequence[str], folder: Path) -> Iterator[Terminal]:
    """Run a program of Python's, `command`, which keeps its own files in a folder."""
    master, slave = pty.openpty()
    width, height = SIZE
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    environment = {
        **{name: value for name, value in ENVIRONMENT.items() if not name.startswith("XDG_")},
        "HOME": str(folder),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
    }
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, *command],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.terminate()
        os.close(master)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def look_on(terminals: Sequence[Terminal], seconds: float) -> None:
    """Take in what arrives for so long, as somebody does who only looks."""
    deadline = monotonic() + seconds
    while (left := deadline - monotonic()) > 0:
        for there in select.select(terminals, [], [], left)[0]:
            there.look_on()
