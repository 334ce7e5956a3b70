"""`readwatch serve`, `console` and `demo`: what the faces are told when they are started."""

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pexpect
import pytest
from cli.shell import Shell

from readwatch.cli.faces import DemoCall, ServeCall


@pytest.fixture
def engine() -> str:
    """Nothing here depends on the engine."""
    return "sqlite"


def test_serve_is_told_where_and_on_which_database(shell: Shell) -> None:
    assert shell("serve").code == 0
    elsewhere = ("--host", "0.0.0.0", "--port", "0")  # noqa: S104
    more = ("--end-silent-after", "90", "--metrics", "off", "--proxy-hops", "2")
    more += ("--log-format", "json", "--looks-told-by", "name")
    assert shell("serve", *elsewhere, *more).code == 0
    url = shell.url
    assert shell.started == [
        ServeCall(url, 4, "127.0.0.1", 8765, timedelta(hours=1), "loopback", 0, "plain", "role"),
        ServeCall(url, 4, "0.0.0.0", 0, timedelta(minutes=90), "off", 2, "json", "name"),  # noqa: S104
    ]


def test_the_demo_without_a_terminal_is_plain(shell: Shell) -> None:
    assert shell("demo").code == 0
    assert shell("demo", "--readers", "5", "--seconds", "2.5", "--plain").code == 0
    assert shell.started == [
        DemoCall(readers=200, seconds=10, plain=True),
        DemoCall(readers=5, seconds=2.5, plain=True),
    ]


def test_the_console_needs_a_terminal(shell: Shell) -> None:
    assert shell("console").complaint == "the console needs a terminal; --once and --json do not"
    assert shell.started == []


def test_the_process_of_a_console_without_a_terminal_ends_with_one_line(shell: Shell) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "readwatch", "--database", shell.url, "console"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "readwatch: the console needs a terminal; --once and --json do not\n"


CONSOLE = """
import sys
from readwatch.cli.faces import Faces
from readwatch.cli.main import command_line
sys.argv[0] = "readwatch"
command_line(Faces(serve=print, console=print, once=print, demo=print))
"""


def test_on_a_terminal_the_console_is_told_who_signs_in(shell: Shell, cast: Any) -> None:
    words = ["-c", CONSOLE, "--database", shell.url, "console", "--email", "cara@example.org"]
    printed, code = pexpect.run(
        " ".join([sys.executable, *(f"'{word}'" for word in words)]),
        encoding="utf-8",
        withexitstatus=True,
        timeout=30,
    )
    assert code == 0, printed
    assert (
        f"ConsoleSettings(database_url='{shell.url}', email='cara@example.org', desks=" in printed
    )
