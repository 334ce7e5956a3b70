"""Every kind of entry of the access log is made through a face by a test, and in the docs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from readwatch.domain.audit import AuditAction

ROOT = Path(__file__).parents[1]

FACES = {
    "cli": {"shell", "new_shell", "bundle"},
    "ingest": {"api", "ann", "ben", "cara"},
    "tui": {"open_console", "two_consoles"},
}
"""The fixtures by which the tests of a face act at it."""


def nodes(folder: str) -> Iterator[ast.AST]:
    """All that is written in the programs of a folder."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        yield from ast.walk(ast.parse(file.read_text("utf-8")))


@pytest.fixture(scope="module")
def written() -> set[str]:
    """The names of the actions that the program uses."""
    return {
        node.attr
        for node in nodes("src")
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "AuditAction"
    }


@pytest.fixture(scope="module")
def expected() -> set[object]:
    """The texts of all tests that act at a face: what they find in the log is one of them."""
    return {
        node.value
        for face, fixtures in FACES.items()
        for test in nodes(f"tests/{face}")
        if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef)
        and test.name.startswith("test_")
        and fixtures & {argument.arg for argument in test.args.args}
        for node in ast.walk(test)
        if isinstance(node, ast.Constant)
    }


def test_the_docs_list_each_kind_and_no_other() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    _, _, table = text.partition("| `action_type` | when |\n")
    listed = re.findall(r"^\| `(\w+)` \| .+ \|$", table.partition("\n\n")[0], re.MULTILINE)
    assert listed == [str(action) for action in AuditAction]


@pytest.mark.parametrize("action", AuditAction)
def test_each_kind_is_written_and_a_test_at_a_face_finds_it_in_the_log(
    action: AuditAction, written: set[str], expected: set[object]
) -> None:
    assert action.name in written
    assert str(action) in expected
