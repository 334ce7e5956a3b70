"""Write the table of `docs/settings.md`, and `deploy/readwatch.toml`, from the program's options.

python3 dev.py run python docs/settings.py
"""

from pathlib import Path

import click

from readwatch.cli.main import readwatch
from readwatch.cli.settings import settings_by_command
from readwatch.cli.settings_pages import Settings, example_file, markdown_table

ROOT = Path(__file__).parents[1]
PAGE, EXAMPLE = ROOT / "docs" / "settings.md", ROOT / "deploy" / "readwatch.toml"

MARK = "<!-- The table is written by docs/settings.py. -->\n\n"
"""The table follows this line, up to the end of the page."""


def page(text: str) -> str:
    """Return the text of the page with the current table."""
    before, mark, _ = text.partition(MARK)
    return f"{before}{mark}{markdown_table(*_settings())}"


def example() -> str:
    """Return the text of the example."""
    return example_file(*_settings())


def _settings() -> tuple[Settings, click.Context]:
    context = click.Context(readwatch)
    return settings_by_command(readwatch, context), context


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    EXAMPLE.write_text(example(), "utf-8")
