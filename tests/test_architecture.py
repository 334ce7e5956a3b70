"""The layers of src/readwatch and the homes of the libraries are as CONTRIBUTING.md draws them."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src"

MAY_IMPORT = {
    "domain": {"domain"},
    "store": {"domain", "store"},
    "tui": {"domain", "store", "tui"},
    "ingest": {"domain", "ingest", "store"},
    "cli": {"cli", "domain", "store"},
    "demo": {"demo", "domain", "store", "tui"},
    "__main__": {"__main__", "cli", "demo", "domain", "ingest", "store", "tui"},
    "__init__": set(),
}
HOMES = {
    "apsw": {"store"},
    "bcrypt": {"store"},
    "email_validator": {"store"},
    "peewee": {"store"},
    "playhouse": {"store"},
    "psycopg": {"store"},
    "flask": {"ingest"},
    "granian": {"ingest"},
    "prometheus_client": {"ingest"},
    "pydantic": {"ingest"},
    "pydantic_core": {"ingest"},
    "typing_extensions": {"ingest"},
    "werkzeug": {"ingest"},
    "textual": {"tui"},
    "click": {"cli"},
    "platformdirs": {"cli"},
    "rich": {"cli", "demo", "tui"},
}


def imported(source: str, file: PurePath) -> Iterator[str]:
    """The full names of all that a file imports, also inside functions and relatively."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = file.parts[: len(file.parts) - node.level] if node.level else ()
            origin = ".".join([*package, *filter(None, [node.module])])
            yield from (f"{origin}.{name.name}" for name in node.names)


def offences(source: str, file: PurePath) -> list[str]:
    """What a file, given relative to src/, imports against the rules."""
    layer = PurePath(file.parts[1]).stem
    if layer not in MAY_IMPORT:
        return [f"{file} is in no layer"]
    found = []
    for name in imported(source, file):
        top, inner = [*name.split("."), ""][:2]
        if top == "readwatch":
            allowed = inner in MAY_IMPORT[layer] or inner not in MAY_IMPORT
        else:
            allowed = top in sys.stdlib_module_names or layer in HOMES.get(top, ())
        if not allowed:
            found.append(f"{file} imports {name}")
    return found


def test_every_import_stays_within_its_layer_and_every_library_in_its_home():
    files = sorted(SOURCES.rglob("*.py"))
    assert files
    assert [
        offence
        for file in files
        for offence in offences(file.read_text("utf-8"), file.relative_to(SOURCES))
    ] == []


@pytest.mark.parametrize(
    ("file", "source", "offence"),
    [
        ("store/users.py", "import readwatch.tui.app", "readwatch.tui.app"),
        ("store/users.py", "from readwatch import cli", "readwatch.cli"),
        ("store/users.py", "from ..ingest import app", "readwatch.ingest.app"),
        ("store/__init__.py", "from .. import tui", "readwatch.tui"),
        ("tui/run.py", "def late():\n    from ..cli import main", "readwatch.cli.main"),
        ("tui/widgets/table.py", "from ...demo import run", "readwatch.demo.run"),
        ("cli/users.py", "from readwatch.__main__ import main", "readwatch.__main__.main"),
        ("demo.py", "from .ingest import app", "readwatch.ingest.app"),
        ("domain/users.py", "import rich", "rich"),
        ("ingest/app.py", "if 1:\n    import peewee as p", "peewee"),
        ("__main__.py", "import click", "click"),
        ("store/users.py", "import a_library_without_a_home", "a_library_without_a_home"),
    ],
)
def test_an_import_against_the_rules_is_seen(file, source, offence):
    file = PurePath("readwatch", file)
    assert offences(source, file) == [f"{file} imports {offence}"]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "store/users.py",
            "import json, peewee\nfrom ..domain.users import User\nfrom . import sql",
        ),
        ("cli/main.py", "from readwatch import __version__"),
        ("__main__.py", "def main():\n    from .tui import run\n    from .cli import main"),
    ],
)
def test_an_import_within_the_rules_is_fine(file, source):
    assert offences(source, PurePath("readwatch", file)) == []


def test_a_file_outside_the_layers_is_seen():
    assert offences("", PurePath("readwatch/utils.py")) == ["readwatch/utils.py is in no layer"]


def test_every_migration_has_its_twin():
    sqlite, postgresql = (
        sorted(file.name for file in (ROOT / "schema" / engine).iterdir())
        for engine in ("sqlite", "postgresql")
    )
    assert sqlite
    assert sqlite == postgresql
