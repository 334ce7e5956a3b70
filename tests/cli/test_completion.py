"""The tab key in real shells completes commands, options and files, and no e-mail addresses."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.shell import Shell, log
from conftest import Cast
from tui.real_terminal import PATIENCE_SECONDS, terminal

from readwatch.store.engine.connections import Database

# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")

Complete = Callable[[str], str]


@pytest.fixture
def engine() -> str:
    """Nothing here depends on the engine."""
    return "sqlite"


def line_of(shell: str) -> str:
    """Return the line of the page that turns the completion of a shell on."""
    lines = [line.strip() for line in PAGE.splitlines() if f"{shell}_source readwatch" in line]
    return lines[0]


def by_bash(line: str) -> str:
    script = f"""
    {line_of("bash")}
    COMP_WORDS=({line}); [[ $1 = *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$(({"$"}{{#COMP_WORDS[@]}} - 1))
    _readwatch_completion readwatch
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return output("bash", "--norc", "-c", script, "bash", line)


def by_fish(line: str) -> str:
    return output("fish", "--no-config", "-c", f'{line_of("fish")}\ncomplete -C "{line}"')


def by_zsh(line: str) -> str:
    """Press the tab key in an interactive shell, and return what it has typed or listed."""
    with terminal(["zsh", "-f"], environment=environment()) as typing:
        typing.types("PS1='> '; autoload -Uz compinit; compinit -D -u; setopt nolistbeep\r")
        typing.types(f"{line_of('zsh')}\r")
        typing.types("clear; print rea''dy\r")
        typing.sees("ready")
        typing.types(f"{line}\t\t")
        typing.types("\x15print do''ne\r")  # clears the line and its list only after the tab
        typing.sees("done")
    return typing.raw.decode().rpartition("ready")[2]


SHELLS: dict[str, Complete] = {"bash": by_bash, "fish": by_fish, "zsh": by_zsh}


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def output(*command: str) -> str:
    return subprocess.run(
        command,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    ).stdout


@pytest.fixture(params=SHELLS)
def complete(
    request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Complete:
    """`complete(line)` presses the tab key after a line."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("READWATCH_DATABASE", url)
    return SHELLS[request.param]


def test_commands_and_options_are_completed(complete: Complete) -> None:
    for line, found in (
        ("readwatch us", {"user"}),
        ("readwatch db va", {"vacuum"}),
        ("readwatch user list --st", {"--state"}),
    ):
        assert found <= {*re.findall(r"[\w-]+", complete(line))}, line


def test_no_e_mail_is_completed_because_nobody_would_log_that(
    complete: Complete, shell: Shell, cast: Cast, db: Database
) -> None:
    assert "example.org" not in complete("readwatch user show an")
    assert log(db) == []
