"""The import directions inside src/readwatch, and the home of each library: see CONTRIBUTING.md."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePath

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src"

PACKAGES = {
    "domain": set(),
    "store": {"domain"},
    "monitor": {"domain", "store"},
    "ingest": {"domain", "store"},
    "tui": {"domain", "store", "monitor"},
    "demo": {"domain", "store", "monitor", "tui"},
    "cli": {"domain", "store", "monitor", "ingest", "tui", "demo"},
    "__main__": {"cli"},
    "__init__": set(),
}
"""What each package may import besides itself."""

STORE = {
    "engine": set(),
    "audit": {"engine"},
    "identity": {"engine", "audit"},
    "recording": {"engine", "audit", "identity"},
    "lists": {"engine", "audit", "identity"},
    "totals": {"engine", "audit"},
    "group_totals": {"engine", "audit", "identity", "lists"},
    "online_totals": {"engine", "audit", "identity", "lists"},
    "case_notes": {"engine", "audit", "identity"},
    "reader_data": {"engine", "audit", "identity", "lists"},
    "lifecycle": {"engine", "audit", "identity", "recording", "lists"},
    "reports": {"engine", "audit", "identity", "recording", "lists", "totals"},
    "__init__": set(),
}
"""The same inside the store."""

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
    """The full names of all that a file imports, also lazily, relatively or for types alone."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = file.parts[: len(file.parts) - node.level] if node.level else ()
            origin = ".".join([*package, *filter(None, [node.module])])
            yield from (f"{origin}.{name.name}" for name in node.names)


def violations(source: str, file: PurePath) -> list[str]:
    """What a file, given relative to src/, imports against the rules."""
    package = PurePath(file.parts[1]).stem
    if package not in PACKAGES:
        return [f"{file} is in no package"]
    return [
        f"{file} imports {name}"
        for name in imported(source, file)
        if not _may_import(package, file, name)
    ]


def _may_import(package: str, file: PurePath, name: str) -> bool:
    top, inner, innermost = [*name.split("."), "", ""][:3]
    if top != "readwatch":
        return top in sys.stdlib_module_names or package in HOMES.get(top, ())
    if inner not in PACKAGES:
        return True  # a name of the package itself, such as __version__
    if inner != package:
        return inner in PACKAGES[package]
    part = PurePath(file.parts[2]).stem if len(file.parts) > 2 else "__init__"
    if package != "store" or innermost == part or innermost not in STORE:
        return package != "store" or innermost == part
    return innermost in STORE[part]


def test_every_import_points_down_and_every_library_stays_in_its_home() -> None:
    files = sorted(SOURCES.rglob("*.py"))
    assert files
    assert [
        violation
        for file in files
        for violation in violations(file.read_text("utf-8"), file.relative_to(SOURCES))
    ] == []


@pytest.mark.parametrize(
    ("file", "source", "violation"),
    [
        ("store/totals.py", "import readwatch.tui.app", "readwatch.tui.app"),
        ("store/totals.py", "from readwatch import cli", "readwatch.cli"),
        ("store/totals.py", "from ..ingest import app", "readwatch.ingest.app"),
        ("store/__init__.py", "from .. import tui", "readwatch.tui"),
        ("store/engine/bulk.py", "from ..lists import feed", "readwatch.store.lists.feed"),
        (
            "store/audit/log.py",
            "from ..identity.users import x",
            "readwatch.store.identity.users.x",
        ),
        ("store/lists/feed.py", "from .. import lifecycle", "readwatch.store.lifecycle"),
        ("monitor/worker.py", "from textual.message import Message", "textual.message.Message"),
        ("monitor/build.py", "from readwatch.tui import views", "readwatch.tui.views"),
        ("monitor/build.py", "from readwatch.ingest import app", "readwatch.ingest.app"),
        ("ingest/app.py", "from readwatch.tui import app", "readwatch.tui.app"),
        ("tui/run.py", "def late():\n    from ..cli import main", "readwatch.cli.main"),
        ("tui/run.py", "from readwatch.ingest import app", "readwatch.ingest.app"),
        ("tui/widgets/header.py", "from ...demo import run", "readwatch.demo.run"),
        ("cli/user/add.py", "from readwatch.__main__ import main", "readwatch.__main__.main"),
        ("domain/users.py", "import rich", "rich"),
        ("ingest/app.py", "if 1:\n    import peewee as p", "peewee"),
        ("__main__.py", "import click", "click"),
        ("store/totals.py", "import a_library_without_a_home", "a_library_without_a_home"),
    ],
)
def test_an_import_against_the_rules_is_found(file: str, source: str, violation: str) -> None:
    path = PurePath("readwatch", file)
    assert violations(source, path) == [f"{path} imports {violation}"]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "store/lists/feed.py",
            "import json, peewee\nfrom ...domain import users\nfrom . import query",
        ),
        ("store/lists/feed.py", "from readwatch.store.engine import connections"),
        ("cli/main.py", "from readwatch import __version__"),
        ("cli/serve.py", "def serve():\n    from readwatch.ingest import server"),
        ("__main__.py", "def main():\n    from .cli import main"),
    ],
)
def test_an_import_within_the_rules_is_fine(file: str, source: str) -> None:
    assert violations(source, PurePath("readwatch", file)) == []


def test_a_file_outside_the_packages_is_found() -> None:
    assert violations("", PurePath("readwatch/utils.py")) == ["readwatch/utils.py is in no package"]


def modules() -> dict[str, Path]:
    """The files of src/ by the name under which they are imported."""
    files = sorted(SOURCES.rglob("*.py"))
    return {
        ".".join(file.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


def dependencies(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """The modules that each module imports, wherever in its text and for whatever reason."""
    graph: dict[str, set[str]] = {}
    for module, file in files.items():
        names = set(imported(file.read_text("utf-8"), file.relative_to(SOURCES)))
        found = {name if name in files else name.rpartition(".")[0] for name in names}
        graph[module] = (found & files.keys()) - {module}
    return graph


def test_no_import_runs_in_a_circle_not_even_a_lazy_one() -> None:
    try:
        TopologicalSorter(dependencies(modules())).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


@pytest.mark.parametrize(
    ("module", "libraries"),
    [
        ("readwatch.monitor", {"textual", "flask", "click"}),
        ("readwatch.ingest", {"textual", "rich"}),
        ("readwatch.store", {"textual", "flask", "click", "rich"}),
    ],
)
def test_a_package_loads_whole_without_the_libraries_of_others(
    module: str, libraries: set[str]
) -> None:
    files = [name for name in modules() if name == module or name.startswith(f"{module}.")]
    program = f"import {', '.join(files)}, sys; print(*{libraries!r} & sys.modules.keys())"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert loaded.stdout.split() == []


def test_every_migration_has_its_twin() -> None:
    sqlite, postgresql = (
        sorted(file.name for file in (ROOT / "schema" / engine).iterdir())
        for engine in ("sqlite", "postgresql")
    )
    assert sqlite
    assert sqlite == postgresql
