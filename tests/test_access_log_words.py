"""Every kind of entry of the access log is written, expected by a test, and in the docs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from readwatch.domain.access_log import Action

ROOT = Path(__file__).parents[1]


def nodes(folder: str) -> Iterator[ast.AST]:
    """All that is written in the programs of a folder, this one left out."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        if file != Path(__file__):
            yield from ast.walk(ast.parse(file.read_text("utf-8")))


@pytest.fixture(scope="module")
def written() -> set[str]:
    """The names of the actions that the program uses."""
    return {
        node.attr
        for node in nodes("src")
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Action"
    }


@pytest.fixture(scope="module")
def expected() -> set[object]:
    """The texts of all tests: an action that a test finds in the log is one of them."""
    return {node.value for node in nodes("tests") if isinstance(node, ast.Constant)}


def test_the_docs_list_each_kind_and_no_other() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    _, _, table = text.partition("| `action_type` | when |\n")
    listed = re.findall(r"^\| `(\w+)` \| .+ \|$", table.partition("\n\n")[0], re.MULTILINE)
    assert listed == [str(action) for action in Action]


@pytest.mark.parametrize("action", Action)
def test_each_kind_is_written_and_a_test_finds_it_in_the_log(
    action: Action, written: set[str], expected: set[object]
) -> None:
    assert action.name in written
    assert str(action) in expected
