"""`readwatch console --once` and `--json` on the command line."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from cli.shell import Shell
from conftest import PASSWORD, Cast
from tui.real_terminal import READWATCH, terminal

from readwatch.domain.slow_queries import read_slow_queries
from readwatch.store.engine.connections import Database


def test_a_screen_is_printed_for_a_script(shell: Shell, cast: Cast) -> None:
    cara = ("console", "--email", cast.cara.email, "--password-stdin")
    text = shell(*cara, "--once", "--view", "readers", "--sort", "-name", stdin=f"{PASSWORD}\n")
    assert (text.code, text.err) == (0, "")
    assert [line.split()[0] for line in text.out.splitlines()[2:]] == ["Reader", "Ben", "Ann"]
    printed = shell(*cara, "--json", "--view", "readers", "--rows", "0", stdin=f"{PASSWORD}\n")
    assert (printed.code, printed.err) == (0, "")
    assert json.loads(printed.out)["count"] == 2
    assert json.loads(printed.out)["rows"] == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_without_a_terminal_the_console_ends_with_one_line(shell: Shell) -> None:
    line = "the console needs a terminal; --once and --json do not"
    assert shell("console").complaint == line
    ended = subprocess.run(
        [*READWATCH, "--database", shell.url, "console"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"readwatch: {line}\n")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_width_is_that_of_columns(
    shell: Shell, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    ask = ("console", "--email", cast.cara.email, "--password-stdin", "--once", "--view", "readers")
    lines = shell(*ask, stdin=f"{PASSWORD}\n").out.splitlines()
    assert 40 < max(map(len, lines)) <= 60


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_fails_is_one_line(shell: Shell, cast: Cast, db: Database) -> None:
    cara = ("console", "--email", cast.cara.email)
    assert shell("console", "--once").complaint == "name who logs in with --email EMAIL"
    assert shell(*cara, "--once").complaint == (
        "there is no terminal to ask for a password; use --password-stdin"
    )
    assert "cannot be sorted by" in shell(*cara, "--once", "--sort", "shoes").complaint
    wrong = shell(*cara, "--json", "--password-stdin", stdin="no horse at all\n")
    assert wrong.complaint == "wrong e-mail or password"
    assert "work only with --once" in shell(*cara, "--rows", "3").complaint
    assert "0.1" in shell(*cara, "--refresh", "0.1").err


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_console_writes_its_slow_queries_into_a_file_and_not_on_the_screen(
    shell: Shell, cast: Cast, db: Database, tmp_path: Path
) -> None:
    file = tmp_path / "slow.txt"
    limits = ("--busy-timeout", "1", "--slow-query-ms", "500", "--slow-query-log", str(file))
    cara = ("console", "--email", cast.cara.email, "--password-stdin", "--once", *limits)
    with db.atomic():  # the login has to be logged
        refused = shell(*cara, stdin=f"{PASSWORD}\n")

    assert refused.complaint == "the database is busy; try again"
    (query,) = read_slow_queries(file)
    assert (query.program, query.sql) == ("console", "BEGIN")
    assert query.milliseconds >= 500


# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_password_is_asked_on_the_terminal_and_only_data_is_printed(
    shell: Shell, cast: Cast, tmp_path: Path
) -> None:
    command = shlex.join([*READWATCH, "--database", shell.url, "console", "--json"])
    asking = f"{command} --email {cast.cara.email} > {tmp_path / 'printed'}"
    with terminal(["sh", "-c", asking]) as window:
        window.sees("Password")
        window.types(f"{PASSWORD}\r")
        assert window.ends() == 0
        assert PASSWORD not in window.raw.decode()
    assert json.loads((tmp_path / "printed").read_text())["view"] == "online"
