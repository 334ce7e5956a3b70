"""The examples in the help of each command do what they say, on a real database."""

import os
import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import click
import pytest
from cli.shell import ADMIN_PASSWORD, COMMANDS, Ended, Shell
from conftest import ENGINES, Cast
from postgres import new_login
from tui.real_terminal import Terminal, terminal

from readwatch.domain.clock import system_clock
from readwatch.store.engine.connections import Database, close_all
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token

# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

on_postgresql = pytest.mark.parametrize("engine", [ENGINES[1]], indirect=True)
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

Typed = Callable[[str], AbstractContextManager[Terminal]]

SAMPLE = Path(__file__).parents[2] / "docs" / "people.csv"

BEFORE: Mapping[str, tuple[str, ...]] = {
    "readwatch audit verify --anchor": ("audit", "anchor", "anchors.txt"),
    "readwatch db restore": ("db", "backup", "monday.db"),
    "readwatch group": ("group", "add", "4b"),
    "readwatch group remove-reader": ("group", "add-reader", "4b", "ann@example.org"),
    "readwatch group unassign": ("group", "assign", "4b", "cara@example.org"),
    "readwatch report week --week": ("group", "add", "4b"),
    "readwatch user activate": ("user", "suspend", "ann@example.org"),
}
"""What is done before an example, so that it has something to do: each that fits, in this order."""

ANSWERS: Mapping[str, str] = {
    "Password:": ADMIN_PASSWORD,
    "Repeat for confirmation": ADMIN_PASSWORD,
    "Type the e-mail again": "ann@example.org",
    "Restore it?": "y",
    "Delete the group": "y",
    "End the assignment?": "y",
    "Vacuum the database now?": "y",
}
"""What a person types if a command asks."""

STOPPED: Mapping[str, tuple[str, str, int]] = {
    "readwatch serve": ("listening on", "\x03", 0),
    "readwatch console": ("escape quits", "\x1b", 0),
    "readwatch demo --readers": ("LIVE", "q", 0),
}
"""The programs: what each shows when it runs, the key that ends it, and its exit status."""


def examples_of(command: click.Command) -> Iterator[str]:
    _, _, lines = (command.epilog or "").partition(":\n")
    return (line.strip() for line in lines.splitlines())


EXAMPLES = [example for command in COMMANDS.values() for example in examples_of(command)]

OF_POSTGRESQL = [
    example
    for example in EXAMPLES
    if any(name in example for name in ("db grant", "log-backup", "finish-restore"))
]

MAY_FIND = ("readwatch doctor",)
"""Checks of the machine, which may find something on this one."""


@pytest.fixture
def typed(shell: Shell, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """`typed(example)` types an example into a shell and gives its terminal."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(SAMPLE, tmp_path)
    (tmp_path / "password.txt").write_text(f"{ADMIN_PASSWORD}\n")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "READWATCH_DATABASE": shell.url,
        "READWATCH_BCRYPT_COST": "4",
        "READWATCH_PORT": free_port(),
    }
    return lambda example: terminal(["bash", "-c", example], environment=environment)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def called(shell: Shell, example: str) -> Ended | None:
    """Call an example in this process, which is faster; None if it needs a shell or a terminal."""
    program, *words = shlex.split(example)
    assert program == "readwatch"
    if {"<", ">"} & set(words):
        return None
    ended = shell(*words)
    return None if "there is no terminal to ask" in ended.err else ended


def answers(asking: Terminal) -> None:
    """Answer each question once, until the command ends."""
    open_questions = dict(ANSWERS)
    while asking._read():
        for question in [each for each in open_questions if each in asking.screen]:
            asking.types(f"{open_questions.pop(question)}\r")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_of_itself(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    examples = [*examples_of(command)]
    if isinstance(command, click.Group):
        assert examples == []
    else:
        assert examples, "give it epilog=examples(...) from readwatch.cli.examples"
    for example in examples:
        assert f"{example} ".startswith(f"readwatch {' '.join(words)} ")
        assert len(example) <= 76, "with its indent it has to fit into 80 columns"


@on_sqlite
@pytest.mark.parametrize("example", [each for each in EXAMPLES if each not in OF_POSTGRESQL])
def test_the_examples_do_what_they_say(
    typed: Typed, shell: Shell, db: Database, cast: Cast, example: str
) -> None:
    open_session(db, cast.ann, hash_token("x"), system_clock())
    for beginning, words in BEFORE.items():
        if example.startswith(beginning):
            assert shell(*words).code == 0
    db.close()  # a restore wants the database for itself
    program = next((STOPPED[each] for each in STOPPED if example.startswith(each)), None)
    if program is not None:
        shown, key, status = program
        with typed(example) as running:
            running.sees(shown)
            running.types(key)
            assert running.ends() == status
    elif (ended := called(shell, example)) is not None:
        assert ended.code == 0 or (example.startswith(MAY_FIND) and ended.code == 1), ended
    else:
        with typed(example) as asking:
            answers(asking)
            asking.process.wait()
            assert asking.process.exitstatus == 0, asking.screen


@on_postgresql
@pytest.mark.parametrize("example", OF_POSTGRESQL)
def test_the_examples_for_postgresql_do_what_they_say(
    typed: Typed, shell: Shell, db: Database, example: str
) -> None:
    new_login(shell.url, "consultants")
    close_all(db)  # a restore wants the database for itself
    with typed(example.replace("consultants", f"{db.database}_consultants")) as running:
        assert running.ends() == 0, running.screen
