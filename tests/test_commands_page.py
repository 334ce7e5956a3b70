"""The page about all commands: its exit statuses are those of each command."""

import re
import shlex
from pathlib import Path

import click
import pytest
from cli.shell import COMMANDS, Shell
from cli.test_examples import EXAMPLES

PAGE = (Path(__file__).parents[1] / "docs" / "commands.md").read_text(encoding="utf-8")

WITHOUT_DATABASE = (
    "readwatch db rights",
    "readwatch demo",
    "readwatch doctor",
    "readwatch settings",
)


@pytest.fixture
def engine() -> str:
    """Nothing here depends on the engine."""
    return "sqlite"


@pytest.fixture
def shell(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(url, monkeypatch, capsys)


def test_the_page_names_each_status() -> None:
    rows = re.findall(r"^\| ([\d, and]+) \|", PAGE, re.MULTILINE)
    assert re.findall(r"\d+", " ".join(rows)) == ["0", "1", "2", "70", "129", "130", "143"]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_wrong_usage_has_the_status_2(shell: Shell, words: tuple[str, ...]) -> None:
    ended = shell(*words, "--no-such-option")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("readwatch: No such option '--no-such-option'.")
    if isinstance(COMMANDS[words], click.Group):
        assert shell(*words, "nosuchcommand").code == 2


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_refusal_has_the_status_1_and_one_line(shell: Shell, example: str) -> None:
    if example.startswith(WITHOUT_DATABASE):
        return
    shell.url = "sqlite:////nowhere/readwatch.db"
    words = shlex.split(example.partition(" < ")[0])
    assert shell(*words[1:]).complaint
