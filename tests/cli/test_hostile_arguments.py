"""No argument, name of a file or setting acts on the terminal of the person who runs a command."""

import json
import socket
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli.shell import COMMANDS, Ended, Shell
from conftest import Cast

from readwatch.cli import running_server
from readwatch.cli.output import print_json, print_table


@pytest.fixture
def engine() -> str:
    """Nothing here depends on the engine."""
    return "sqlite"


HOSTILE = "\x1b[31mred\x07 \x9b1m \u202egnp.exe\u2066 \r\x7f"

GOOD = {
    "email": "ann@example.org",
    "role": "reader",
    "full_name": "Eve Early",
    "file": "new.zip",
    "program": "ingest",
    "login": "rw",
}
"""A value for each required parameter."""


LEAVES = [words for words, command in COMMANDS.items() if not isinstance(command, click.Group)]


def calls(command: click.Command) -> Iterator[list[str]]:
    """Yield the arguments of one call for each parameter, which gets a hostile value."""
    values = [HOSTILE, f"{HOSTILE}.csv", f"{HOSTILE}.zip"]
    for hostile in command.params:
        if isinstance(hostile, click.Option) and hostile.is_flag:
            continue
        for value in values if isinstance(hostile.type, click.Path) else values[:1]:
            arguments = []
            for parameter in command.params:
                text = value if parameter is hostile else GOOD.get(parameter.name or "", "")
                if isinstance(parameter, click.Argument):
                    arguments.append(text)
                elif parameter is hostile or parameter.required:
                    arguments.append(f"{parameter.opts[0]}={text}")
            yield arguments


def assert_harmless(ended: Ended) -> None:
    for character in ended.out + ended.err:
        assert character == "\n" or unicodedata.category(character) not in ("Cc", "Cf"), ended


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_a_hostile_argument_is_shown_without_its_control_characters(
    shell: Shell,
    cast: Cast,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running_server, "ANSWER_SECONDS", 0.05)  # nobody answers at that port
    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that serve ends
        monkeypatch.setenv("READWATCH_PORT", str(taken.getsockname()[1]))
        for arguments in calls(COMMANDS[words]):
            assert_harmless(shell(*words, *arguments, stdin="a password\n"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--database", f"sqlite:///{HOSTILE}", "user", "list"),
        ("--database", f"{HOSTILE}://", "user", "list"),
        ("--database", f"postgresql://localhost/x?{HOSTILE}=1", "user", "list"),
        ("--config", HOSTILE, "user", "list"),
        (HOSTILE,),
        (f"--{HOSTILE}",),
        ("user", HOSTILE),
        ("user", "list", HOSTILE),
        ("user", "list", f"--{HOSTILE}"),
    ],
)
def test_what_is_hostile_outside_of_commands_is_harmless_too(
    shell: Shell, arguments: tuple[str, ...]
) -> None:
    ended = shell.bare(*arguments)
    assert ended.code in (1, 2)
    assert_harmless(ended)
    assert ended.err.startswith("readwatch: ")


def test_a_hostile_settings_file_is_harmless_too(shell: Shell, tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    for text in (f"{json.dumps(HOSTILE)} = 1", "theme = '\u202e\x9b'"):
        config.write_text(text, encoding="utf-8")
        assert_harmless(shell.bare("--config", str(config), "user", "list"))


def test_cells_and_headings_of_tables_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", HOSTILE), [(HOSTILE, None)])
    assert_harmless(Ended(0, *capsys.readouterr()))


def test_json_keeps_every_character_as_an_escape(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({HOSTILE: ["Łukasz", HOSTILE]})
    printed = capsys.readouterr()
    assert_harmless(Ended(0, *printed))
    assert "Łukasz" in printed.out
    assert json.loads(printed.out) == {HOSTILE: ["Łukasz", HOSTILE]}
