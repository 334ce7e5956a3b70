"""Entries of the command line say which user of the operating system has run it, and where."""

import os
import pwd
import socket
from pathlib import Path

import pytest
from cli.shell import Shell
from conftest import Cast

from readwatch.cli import operator
from readwatch.store.engine.connections import Database, connection

USER, HOST = pwd.getpwuid(os.getuid()).pw_name, socket.gethostname()


def last_entry(db: Database) -> tuple[str, str]:
    query = "SELECT action_details, ip_address FROM consultant_access_log ORDER BY id DESC LIMIT 1"
    details, address = db.execute_sql(query).fetchone()
    return details, address


@pytest.fixture(autouse=True)
def at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSH_CONNECTION", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)


def test_an_entry_names_the_user_and_the_host(shell: Shell, cast: Cast, db: Database) -> None:
    shell("user", "list")
    assert last_entry(db) == (f"cli, role any, run by {USER} at {HOST}", "local")
    shell("user", "suspend", cast.ann.email)
    assert last_entry(db) == (f"cli, run by {USER} at {HOST}", "local")


def test_variables_that_the_user_can_set_do_not_change_who_it_was(
    shell: Shell, cast: Cast, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody else")
    monkeypatch.setenv("SUDO_USER", "ada")
    monkeypatch.setenv("SSH_CONNECTION", "2001:db8::7 50000 2001:db8::1 22")
    shell("user", "list", "--as", cast.dora.email)
    assert last_entry(db) == (
        f"cli, role any, run by {USER} (sudo from ada) at {HOST}",
        "2001:db8::7",
    )


def test_a_user_without_a_name_is_named_by_number(
    shell: Shell, cast: Cast, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    shell("user", "list")
    assert last_entry(db)[0] == f"cli, role any, run by user 4000000000 at {HOST}"


def test_the_first_admin_s_entry_says_who_made_the_database(
    new_shell: Shell, made: Database
) -> None:
    new_shell.init()
    with connection(made):
        details, _ = last_entry(made)
    assert details == f"cli init, role admin, run by {USER} at {HOST}"


def test_every_command_says_who_runs_it() -> None:
    sources = Path(operator.__file__).parent.glob("*.py")
    silent = [file.name for file in sources if "AuditEvent(" in file.read_text("utf-8")]
    assert silent == ["operator.py"]
