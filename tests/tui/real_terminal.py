"""A pseudo-terminal with a program: tests type keys and read the painted screen."""

import os
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pexpect
import pyte

READWATCH = (sys.executable, "-m", "readwatch")
PATIENCE_SECONDS = 60.0


class Terminal:
    """A program with its keyboard and its screen."""

    def __init__(self, process: pexpect.spawn, size: tuple[int, int]) -> None:
        self.process = process
        self.raw = b""
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def screen(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def line(self, words: str) -> str:
        return next((line for line in self.screen.splitlines() if words in line), "")

    def types(self, text: str) -> None:
        self.process.send(text.encode())

    def until(self, condition: Callable[[], Any]) -> None:
        """Read output until a condition holds; fail with the screen if it never does."""
        deadline = monotonic() + PATIENCE_SECONDS
        while not condition():
            assert monotonic() < deadline, f"not within patience:\n{self.screen}"
            self._read()

    def sees(self, *words: str) -> None:
        self.until(lambda: all(word in self.screen for word in words))

    def loses(self, words: str) -> None:
        self.until(lambda: words not in self.screen)

    def leans_on(self, key: str, words: str) -> None:
        """Press a key again and again until the words are painted."""

        def presses() -> bool:
            self.types(key)
            return words in self.screen

        self.until(presses)

    def paints(self, seconds: float) -> None:
        """Read output for some seconds."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            self._read()

    def stands_still(self) -> None:
        """Stop reading output, as a terminal does while the user scrolls back."""
        self._flow(termios.TCOOFF)

    def goes_on(self) -> None:
        self._flow(termios.TCOON)

    def _flow(self, action: int) -> None:
        name = subprocess.run(
            ["ps", "-o", "tty=", "-p", str(self.process.pid)], capture_output=True, check=True
        ).stdout.strip()
        slave = os.open(b"/dev/" + name, os.O_RDWR | os.O_NOCTTY)
        termios.tcflow(slave, action)
        os.close(slave)

    def closes(self) -> None:
        """Close the window of the program."""
        self.process.ptyproc.fileobj.close()

    def ends(self) -> int | None:
        """Wait for the end of the program; return its exit status, None after a signal."""
        self.until(lambda: not self._read())
        self.process.wait()
        return self.process.exitstatus

    def ends_unseen(self) -> int | None:
        """Wait for the end of the program without reading its output; return its exit status."""
        waiting = threading.Thread(target=self.process.ptyproc.wait, daemon=True)
        waiting.start()
        waiting.join(PATIENCE_SECONDS)
        assert not waiting.is_alive(), f"not within patience:\n{self.screen}"
        return self.process.ptyproc.exitstatus

    def _read(self) -> bool:
        """Read the next output; return False if the terminal is closed."""
        try:
            painted = self.process.read_nonblocking(65_536, timeout=0.05)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += painted
        self._stream.feed(painted)
        return True


@contextmanager
def terminal(
    command: Sequence[str],
    *,
    size: tuple[int, int] = (80, 24),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    width, height = size
    known = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"} | dict(environment or {})
    process = pexpect.spawn(
        command[0], list(command[1:]), dimensions=(height, width), env=known, timeout=None
    )
    try:
        yield Terminal(process, size)
    finally:
        process.close(force=True)


def processes_in(folder: Path) -> list[str]:
    """Return the processes whose environment contains a folder; children inherit it."""
    listed = subprocess.run(
        ["ps", "axeww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    return [
        line[:80]
        for line in listed.stdout.splitlines()
        if f"TMPDIR={folder}" in line and "ps axeww" not in line
    ]
