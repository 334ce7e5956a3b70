"""The page about the first day: everything is typed as it stands there, and prints what it says."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from ingest.process import TIMEOUT

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "first-day.md").read_text(encoding="utf-8")
ANY = "\N{HORIZONTAL ELLIPSIS}"

Step = tuple[str, str]
"""A command, and what it prints."""


def steps() -> Iterator[Step]:
    for block in re.findall(r"```console\n(.*?)```", PAGE, flags=re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = step.partition("\n")
            yield command, printed


def pattern(printed: str) -> str:
    """Return the pattern of an output; spaces at the ends of lines do not matter."""
    lines = [re.escape(line).replace(ANY, ".*") for line in printed.splitlines()]
    return r"\s*\n".join(lines) + r"\s*"


class Typing:
    """A shell, into which one command is typed after the other."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __call__(self, command: str) -> tuple[int, str]:
        """Type a command; return its exit status and what it printed."""
        stdin, stdout = self._shell.stdin, self._shell.stdout
        assert stdin
        assert stdout
        stdin.write(f"{command}\nSTATUS=$?; echo; echo status $STATUS\n")
        stdin.flush()
        return self._answer(stdout)

    @staticmethod
    def _answer(stdout: IO[str]) -> tuple[int, str]:
        printed = ""
        for line in stdout:
            if status := re.fullmatch(r"status (\d+)\n", line):
                return int(status[1]), printed
            printed += line
        raise AssertionError(f"the shell has ended: {printed}")

    def close(self) -> None:
        self._shell.communicate(timeout=TIMEOUT)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page uses curl")
def test_the_first_day_goes_as_it_stands_there(tmp_path: Path) -> None:
    shutil.copy(DOCS / "people.csv", tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "READWATCH_BCRYPT_COST": "4",
        "READWATCH_PORT": port,
    }
    server = None
    typing = Typing(tmp_path, environment)
    try:
        for command, printed in steps():
            expected = pattern(printed.replace("8765", port))
            if command == "readwatch serve":
                server = subprocess.Popen(
                    ["readwatch", "serve"],
                    env={**environment, "READWATCH_DATABASE": f"sqlite:///{tmp_path}/readwatch.db"},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
                assert server.stdout
                assert re.fullmatch(expected, server.stdout.readline())
                continue
            status, output = typing(command.replace("8765", port))
            assert status == 0, (command, output)
            assert re.fullmatch(expected, output, re.DOTALL), f"{command}\n{output}"
    finally:
        typing.close()
        if server is not None:
            server.terminate()
            server.communicate(timeout=TIMEOUT)
    assert server is not None
    assert server.returncode == 0
