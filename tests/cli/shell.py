"""The command line as a person meets it: what is typed, what comes out, how it ends."""

import io
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from readwatch.__main__ import _once
from readwatch.cli.faces import DemoCall, Faces, ServeCall
from readwatch.cli.main import command_line
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.engine.connections import Database

ADMIN_PASSWORD = "an admin's password"
READER_PASSWORD = "a reader's password"


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

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
    """Calls `readwatch` in this process, on one database, and remembers which faces it started."""

    url: str
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    started: list[ServeCall | ConsoleSettings | DemoCall] = field(default_factory=list)

    def __call__(self, *arguments: str, stdin: str = "") -> Ended:
        """Call it on the database of the test, with the cheapest password hashes."""
        self.monkeypatch.setenv("READWATCH_DATABASE", self.url)
        self.monkeypatch.setenv("READWATCH_BCRYPT_COST", "4")
        return self.bare(*arguments, stdin=stdin)

    def bare(self, *arguments: str, stdin: str = "") -> Ended:
        """Call it with nothing but what the test has set."""
        self.monkeypatch.setattr(sys, "argv", ["readwatch", *arguments])
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self.capsys.readouterr()
        start = self.started.append
        with pytest.raises(SystemExit) as left:
            command_line(Faces(serve=start, console=start, once=_once, demo=start))
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


def log(db: Database) -> list[tuple[Any, ...]]:
    """Return who did what to whom, oldest first."""
    question = (
        "SELECT consultant_user_id, action_type, target_user_id, action_details"
        " FROM consultant_access_log ORDER BY id"
    )
    return [tuple(row) for row in db.execute_sql(question)]
