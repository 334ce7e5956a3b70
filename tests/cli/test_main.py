"""`readwatch` itself: its help, its refusals, and that it loads little."""

import subprocess
import sys

import click
import pytest
from cli.shell import COMMANDS, Shell
from conftest import Cast

from readwatch import __version__
from readwatch.cli.main import exit_on_failure
from readwatch.domain.errors import unavailable


@pytest.fixture
def engine() -> str:
    """Nothing here depends on the engine."""
    return "sqlite"


HEAVY = {"apsw", "bcrypt", "flask", "granian", "peewee", "psycopg", "pydantic", "rich", "textual"}

SECRET = "ann@example.org"

IMPORTED = """
import sys
from readwatch.__main__ import main
sys.argv[0] = "readwatch"
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
sys.stderr.write(" ".join(sorted(sys.modules)))
"""


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--version"]])
def test_help_and_version_load_no_heavy_library(words: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words], capture_output=True, text=True, check=True
    )
    loaded = {module.partition(".")[0] for module in ended.stderr.split()}
    assert ended.stdout
    assert "click" in loaded
    assert loaded & HEAVY == set()


def test_the_help_lists_each_command_with_one_line(shell: Shell) -> None:
    ended = shell.bare("--help")

    assert (ended.code, ended.err) == (0, "")
    listed = dict(line.split(maxsplit=1) for line in ended.out.split("Commands:\n")[1].splitlines())
    assert list(listed) == [words[0] for words in COMMANDS if len(words) == 1]
    assert {"init", "serve", "console", "demo", "user"} <= set(listed)
    for line in listed.values():
        assert line[0].isupper()
        assert line.endswith(".")
    assert all(len(line) <= 80 for line in ended.out.splitlines())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_every_option_has_help(shell: Shell, words: tuple[str, ...]) -> None:
    ended = shell.bare(*words, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert "..." not in ended.out.partition("Commands:\n")[2], "a line that was cut off"
    assert ended.out.startswith("Usage: " + " ".join(("readwatch", *words)))

    command = COMMANDS[words]
    assert command.help
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, option.name


def test_the_version_is_that_of_the_package(shell: Shell) -> None:
    assert shell.bare("--version").out == f"readwatch, version {__version__}\n"


@pytest.mark.parametrize("words", [[], ["user"]])
def test_without_a_command_the_help_is_shown(shell: Shell, words: list[str]) -> None:
    ended = shell.bare(*words)
    assert ended.code == 2
    assert "Commands:" in ended.out + ended.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["usr"], "No such command 'usr'. Did you mean 'user'?"),
        (["backup"], "No such command 'backup'. Did you mean 'db backup'?"),
        (["restore"], "No such command 'restore'. Did you mean 'db restore'?"),
        (["week"], "No such command 'week'. Did you mean 'report week'?"),
        (["user", "lst"], "No such command 'lst'. Did you mean 'list'?"),
        (["frobnicate"], "No such command 'frobnicate'. Help: readwatch --help"),
        (["user", "list", "--serach", "x"], "No such option '--serach'. Did you mean '--search'?"),
        (["--databse", "x", "init"], "No such option"),
        (["serve", "--port"], "requires an argument"),
        (["demo", "--readers", "0"], "'0' is not a whole number from 1 to 5000"),
        (["demo", "--seconds", "soon"], "'soon' is not a number from 1 to 86400"),
        (["init", "--bcrypt-cost", "3"], "'3' is not a whole number from 4 to 16"),
        (["init", "--bcrypt-cost", "x"], "'x' is not a whole number from 4 to 16"),
        (["session", "revoke", "0"], "'0' is not a whole number of at least 1"),
        (["session", "revoke"], "give either the ID of a session or --user EMAIL"),
        (["user", "suspend"], "Missing argument 'EMAIL'"),
    ],
)
def test_what_is_typed_wrong_is_explained(shell: Shell, words: list[str], complaint: str) -> None:
    ended = shell.bare(*words)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err
    assert ended.err.startswith("readwatch: ")
    assert ended.err.count("\n") == 1
    # Click does not say which command an option without its value belongs to.
    assert ended.err.endswith(" --help\n") or words == ["serve", "--port"]


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("mysql://localhost/readwatch", "the database URL starts with mysql://; use sqlite:///"),
        ("readwatch.db", "the database URL starts with no scheme; use sqlite:///"),
        ("/var/lib/readwatch.db", "the database URL starts with no scheme; use sqlite:///"),
        ("sqlite:readwatch.db", "three slashes"),
        ("sqlite://readwatch.db", "three slashes"),
        ("sqlite:///", "three slashes"),
        ("sqlite:///:memory:", "name a file"),
        ("sqlite:////nowhere/readwatch.db", "there is no database at /nowhere/readwatch.db"),
        ("sqlite:////dev/null/readwatch.db", "there is no database at /dev/null/readwatch.db"),
        ("sqlite:////tmp", "is a folder and no database"),
        ("postgresql:///", "names no database"),
        ("postgresql://localhost:port/readwatch", "an invalid host or port"),
        ("postgresql://[::1/readwatch", "an invalid host or port"),
        ("postgresql://127.0.0.1:1/readwatch", "cannot be reached; is it running?"),
        (
            "postgresql://127.0.0.1:1/readwatch?colour=red",
            "an option that PostgreSQL lacks: colour",
        ),
        ("postgresql://127.0.0.1:1,127.0.0.1:2/readwatch", "cannot be reached; is it running?"),
        ("postgresql://a:1,b:port/readwatch", "an invalid host or port"),
        ("postgresql://a,b:1,c:2/readwatch?port=1,2", "an invalid host or port"),
        ("postgresql://127.0.0.1:0/readwatch", "an invalid host or port"),
    ],
)
def test_a_database_that_cannot_be_used_gets_one_line(
    shell: Shell, address: str, complaint: str
) -> None:
    for words in (["user", "list"], ["audit", "verify"], ["serve"]):
        assert complaint in shell.bare("--database", address, *words).complaint


def test_a_file_that_is_no_database_gets_one_line(shell: Shell) -> None:
    path = shell.url.removeprefix("sqlite:///")
    with open(path, "w") as letter:
        letter.write("Dear Ben, " * 1000)
    assert shell("user", "list").complaint == "that file is not a SQLite database"


def test_a_database_without_a_schema_gets_one_line_with_the_fix(new_shell: Shell) -> None:
    open(new_shell.url.removeprefix("sqlite:///"), "w").close()
    for words in (["user", "list"], ["user", "add", "e@example.org", "--role=reader", "--name=E"]):
        line = new_shell(*words).complaint
        assert line == "the database has no readwatch schema; an admin runs: readwatch init"


def test_a_closed_pipe_ends_a_command_without_a_message(shell: Shell, cast: Cast) -> None:
    command = [sys.executable, "-m", "readwatch", "--database", shell.url, "user", "list"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("failure", "code", "line"),
    [
        (unavailable("the database is busy"), 1, "readwatch: the database is busy"),
        (KeyboardInterrupt(), 130, "stopped"),
        (
            ValueError(SECRET),
            70,
            "readwatch: internal error: ValueError in cli/test_main.py, line ",
        ),
        (KeyError(SECRET), 70, "readwatch: internal error: KeyError in cli/test_main.py, line "),
    ],
)
def test_a_failure_is_one_line_on_stderr_without_personal_data(
    capsys: pytest.CaptureFixture[str], failure: BaseException, code: int, line: str
) -> None:
    with pytest.raises(SystemExit) as ended, exit_on_failure():
        raise failure

    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (code, "")
    message = printed.err.strip()
    assert message.startswith(line)
    assert "\n" not in message
    assert SECRET not in message
