"""The page of all settings and the example of a settings file say what the program does."""

import runpy
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from cli.shell import Shell, parsed

from readwatch.cli.main import readwatch
from readwatch.cli.settings import all_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine() -> str:
    """Nothing here depends on the engine."""
    return "sqlite"


@pytest.fixture(scope="module")
def pages() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "settings.py"))


def test_the_page_and_the_example_are_those_of_the_program(pages: dict[str, Any]) -> None:
    rewrite = "they are written by: python3 dev.py run python docs/settings.py"
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert pages["page"](text) == text, rewrite
    assert pages["example"]() == (ROOT / "deploy" / "readwatch.toml").read_text("utf-8"), rewrite


def test_the_page_has_a_row_for_each_setting() -> None:
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    listed = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert listed == sorted(all_settings(readwatch, click.Context(readwatch)).keys() - {"config"})


def test_the_example_changes_nothing(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(shell.bare("settings", "--example").out)
    assert tomllib.loads(file.read_text()) == {}
    assert parsed("--config", str(file), "serve") == parsed("serve")
    assert parsed("--config", str(file), "console") == parsed("console")


def test_each_setting_of_the_example_is_accepted_without_its_hash(
    shell: Shell, tmp_path: Path
) -> None:
    example = shell.bare("settings", "--example").out
    lines = [line.removeprefix("# ") for line in example.splitlines()]
    chosen = [line for line in lines if " = " in line or line == "[keys]"]
    file = tmp_path / "settings.toml"
    file.write_text("\n".join(chosen))
    settings = tomllib.loads(file.read_text())

    assert settings.pop("keys") == {"filter": "f"}
    assert settings.keys() == all_settings(readwatch, click.Context(readwatch)).keys() - {"config"}
    with_file, without = parsed("--config", str(file), "serve"), parsed("serve")
    changed = {name for name in without if with_file[name] != without[name]}
    of_two_programs = {"page_cache", "statement_timeout"}
    assert changed == {"anchor_log", "database", "keys", "slow_query_log"} | of_two_programs


def test_the_listed_values_are_words_of_toml_and_true_defaults(shell: Shell) -> None:
    values = {
        line.split()[0]: line.split()[1:-1] for line in shell.bare("settings").out.splitlines()
    }
    assert values["mask"] == ["false"]
    (anchors,), (slow,) = values["anchor_log"], values["slow_query_log"]
    assert Path(anchors).parent == Path(slow).parent
    assert Path(slow).name.startswith("slow-queries-")
