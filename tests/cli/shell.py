"""The command line for tests: arguments, output, exit code."""

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import pytest

from readwatch.cli.main import console_keys, database_url, main, readwatch
from readwatch.store.engine.connections import Database

ADMIN_PASSWORD = "an admin's password"
READER_PASSWORD = "a reader's password"


@dataclass(frozen=True)
class Ended:
    """The result of a call."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on stderr of a call that failed; stdout is empty then."""
        assert self.code == 1, self
        assert self.out == ""
        assert self.err.startswith("readwatch: ")
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        return self.err.removeprefix("readwatch: ").rstrip("\n")


@dataclass
class Shell:
    """Runs `readwatch` in this process, on one database."""

    url: str
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, stdin: str = "") -> Ended:
        """Call the command on the database of the test, with the cheapest password hashes."""
        self.monkeypatch.setenv("READWATCH_DATABASE", self.url)
        self.monkeypatch.setenv("READWATCH_BCRYPT_COST", "4")
        return self.bare(*arguments, stdin=stdin)

    def bare(self, *arguments: str, stdin: str = "") -> Ended:
        """Call the command with only the settings of the test."""
        self.monkeypatch.setattr(sys, "argv", ["readwatch", *arguments])
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        printed = self.capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Ended(left.value.code, printed.out, printed.err)

    def init(self, email: str = "dora@example.org", password: str = ADMIN_PASSWORD) -> Ended:
        return self(
            *("init", "--admin-email", email, "--admin-name", "Dora Dyer", "--password-stdin"),
            stdin=f"{password}\n",
        )

    def add(self, email: str, role: str, *more: str, password: str = ADMIN_PASSWORD) -> Ended:
        name = email.split("@")[0].title()
        return self(
            *("user", "add", email, "--role", role, "--name", name, "--password-stdin", *more),
            stdin=f"{password}\n",
        )


def _walk(
    command: click.Command, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below
            yield from _walk(below, (*words, name))


COMMANDS = dict(_walk(readwatch))
"""Each command by its words, the groups too."""


def parsed(*arguments: str) -> dict[str, Any]:
    """Return the options and the database of a command, and the keys of the console."""
    with readwatch.make_context("readwatch", list(arguments)) as context:
        click.Command.invoke(readwatch, context)
        name, command, rest = readwatch.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert command
        with command.make_context(name, rest, parent=context) as below:
            inherited = {"database": database_url(below), "keys": console_keys(below)}
            return below.params | inherited


def log(db: Database) -> list[tuple[Any, ...]]:
    """Return the entries of the access log, oldest first, without who has run the command."""
    query = (
        "SELECT consultant_user_id, action_type, target_user_id, action_details"
        " FROM consultant_access_log ORDER BY id"
    )
    return [
        (*row, details.partition(", run by ")[0] if details else details)
        for *row, details in db.execute_sql(query)
    ]


def shell_status(code: int) -> int:
    """Return the exit status as a shell says it: 128 and the number of the signal.

    Python ends by the signal itself if that came during an `exec`, as dataclasses use it.
    """
    return 128 - code if code < 0 else code
