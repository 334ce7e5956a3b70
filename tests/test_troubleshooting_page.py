"""The pages about upgrades and about troubles quote messages and commands that exist."""

import ast
import re
from pathlib import Path

import pytest
from cli.shell import COMMANDS

ROOT = Path(__file__).parents[1]
TROUBLES = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
PAGES = ("troubleshooting.md", "upgrading.md")
_GAP = r"[\s:]*…[;,?]?\s*"


def texts() -> set[str]:
    """The constant texts of the program: those of f-strings in their parts."""
    return {
        node.value
        for file in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def quoted_messages() -> list[str]:
    _, _, table = TROUBLES.partition("| message | cause, and what to do |\n")
    return re.findall(r"^\| `(.+?)` \|", table.partition("\n\n")[0], re.MULTILINE)


def test_each_message_is_one_of_the_program() -> None:
    messages, written = quoted_messages(), "\n".join(texts())
    assert len(messages) > 25
    parts = [part for message in messages for part in re.split(_GAP, message) if part]
    assert [part for part in parts if part not in written] == []


@pytest.mark.parametrize("page", PAGES)
def test_each_command_exists_with_its_options(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    lines = re.findall(
        r"^(?:sudo -u readwatch |/opt/readwatch/bin/)?readwatch(?:-admin)? (.*?)(?: +#.*)?$",
        blocks,
        re.MULTILINE,
    )
    calls = [*lines, *re.findall(r"`readwatch ([^`]+)`", text)]
    assert len(calls) > 5
    for call in calls:
        words = tuple(call.split())
        names = next((words[:n] for n in range(len(words), 0, -1) if words[:n] in COMMANDS), None)
        assert names, call
        options = {option for it in COMMANDS[names].params for option in it.opts}
        assert {word for word in words if word.startswith("--")} <= options, call
